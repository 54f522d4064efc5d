import { expect } from 'chai';
import { AdmissionPolicy } from '../../support/admission-policy.js';
import { startOperator, operatorKubeconfig, type RunningOperator } from '../../support/operator.js';
import { SlowProxy, type ProxiedRequest } from '../../support/slow-proxy.js';
import { removeSyncs } from '../../support/sync-fixture.js';
import { eventually } from '../../support/eventually.js';
import { TestTenant } from '../../support/tenant.js';
import { told } from '../life-cycle/told.js';
import { TestApi } from '../../support/test-api.js';

/** Longer than the operator needs for its first attempts, and their retries. */
const FAULT_MS = 4_000;

const isReview = ({ path }: ProxiedRequest): boolean => /selfsubject(access|rules)reviews$/.test(path);

describe('what could not be found out', function () {
  this.timeout(120_000);
  let api: TestApi;
  let proxy: SlowProxy;
  let operator: RunningOperator;
  let tenant: TestTenant;
  let allowed: string;
  let denied: string;
  const tenants: TestTenant[] = [];

  before(async () => {
    api = await TestApi.connect();
    proxy = await SlowProxy.start(await operatorKubeconfig());
    operator = await start();
  });

  after(async () => {
    await operator.stop();
    await proxy.close();
    await removeSyncs(api, tenants);
    await api.close();
  });

  beforeEach(async () => {
    tenant = await TestTenant.create(api);
    tenants.push(tenant);
    [allowed, denied] = [await tenant.target(), await tenant.target()];
    await tenant.createSource({ data: { k: 'v' } });
  });
  afterEach(() => proxy.release());

  const start = (): Promise<RunningOperator> => startOperator({ kubeconfig: proxy.kubeconfig });

  /** The operator starts anew, and for a while these requests of the tenant are answered so; others pass. */
  async function restartWhile(
    isAnswered: (request: ProxiedRequest) => boolean,
    status: number,
  ): Promise<void> {
    await operator.stop();
    const seen = proxy.requests.length;
    proxy.fault = (request) => (isAnswered(request) ? { status } : undefined);
    operator = await start();
    const faults = (): number => proxy.requests.slice(seen).filter(isAnswered).length;
    await eventually(() => expect(faults()).to.be.greaterThan(0), { timeoutMs: 30_000 });
    const began = Date.now();
    await eventually(() => expect(Date.now() - began).to.be.greaterThan(FAULT_MS), {
      timeoutMs: 2 * FAULT_MS,
    });
  }

  async function gauge(): Promise<string[]> {
    const samples = await operator.samples('configweaver_namespace_denied', { namespace: tenant.namespace });
    return samples.map(({ labels }) => labels.target_namespace ?? '');
  }

  for (const status of [500]) {
    it(`leaves a denied target as it was found, where reviews answer ${status} after a restart`, async () => {
      await tenant.revoke(denied);
      await tenant.createSync({ syncToNamespaces: [allowed, denied] });
      await tenant.targetState(denied, 'Denied');
      await tenant.targetState(allowed, 'Synced');
      const before = await tenant.status();
      await told(tenant, 'NamespaceDenied');

      await restartWhile(isReview, status);

      expect(await gauge()).to.deep.equal([denied]);
      expect((await tenant.status()).targets).to.deep.equal(before.targets);
      await told(tenant, 'NamespaceDenied');
      expect(await tenant.events('NamespaceAllowed')).to.deep.equal([]);
      expect(await tenant.events('SyncFailed')).to.deep.equal([]);
      proxy.release();
      await tenant.patchSource({ data: { k: 'w' } });
      await tenant.copied(allowed, { k: 'w' }, { timeoutMs: 60_000 });
      expect((await tenant.targetState(denied, 'Denied')).copies).to.equal(undefined);
      await tenant.deleteSync();
      await tenant.gone();
    });
  }

  it('leaves a target as it was found, where reading its copy is answered with 500', async () => {
    await tenant.createSync({ syncToNamespaces: [allowed] });
    await tenant.ready();
    const isRead = ({ method, path, isWatch }: ProxiedRequest): boolean =>
      method === 'GET' && !isWatch && path.startsWith(`/api/v1/namespaces/${allowed}/configmaps/`);

    await restartWhile(isRead, 500);

    await tenant.targetState(allowed, 'Synced');
    expect(await tenant.events('SyncFailed')).to.deep.equal([]);
  });

  it('is where a copy was never seen: it is not stale when the permissions go, and deletion is over at once', async () => {
    const policy = await AdmissionPolicy.refuse(
      api,
      { namespace: denied, operations: ['CREATE'] },
      { message: 'not here' },
    );
    try {
      await policy.inForce(() =>
        api
          .create(
            { resource: 'configmaps', namespace: denied },
            { metadata: { name: 'x' } },
            { dryRun: 'All' },
          )
          .then(
            () => false,
            () => true,
          ),
      );
      await tenant.createSync({ syncToNamespaces: [denied] });
      await tenant.targetState(denied, 'Failed');
      await tenant.revoke(denied);
      await tenant.targetState(denied, 'Denied', { timeoutMs: 60_000 });
      await tenant.deleteServiceAccount();
      await tenant.condition('ValidServiceAccount', 'ServiceAccountNotFound', { timeoutMs: 60_000 });
      await tenant.targetState(denied, 'Pending');

      await tenant.deleteSync();
      await tenant.gone();
      expect(await tenant.events('CleanupBlocked')).to.deep.equal([]);
    } finally {
      await policy.remove();
    }
  });

  it('is not whether the source may be read, where a 403 is nothing that the reviews confirm', async () => {
    await tenant.createSync({ syncToNamespaces: [allowed] });
    await tenant.ready();
    const isSource = ({ method, path, isWatch }: ProxiedRequest): boolean =>
      method === 'GET' && !isWatch && path === `/api/v1/namespaces/${tenant.namespace}/configmaps/source`;

    await restartWhile(isSource, 403);

    const { conditions = [] } = await tenant.status();
    expect(conditions.find(({ type }) => type === 'SourceConfigMapFound')?.reason).to.equal('ConfigMapFound');
    expect(await tenant.events('SourceDenied')).to.deep.equal([]);
    await tenant.targetState(allowed, 'Synced');
    proxy.release();
    await tenant.ready('sync', { timeoutMs: 60_000 });
  });
});

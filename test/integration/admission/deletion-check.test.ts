import { expect } from 'chai';
import { FINALIZER } from '../../../src/api/v1alpha1/well-known.js';
import { buildComponents } from '../../support/kustomize.js';
import { eventually } from '../../support/eventually.js';
import { allowUser } from '../../support/kubectl.js';
import { startOperator, type RunningOperator } from '../../support/operator.js';
import { plane, type TestPlane } from '../../support/plane.js';
import { removeSyncs } from '../../support/sync-fixture.js';
import { TestApi } from '../../support/test-api.js';
import { TestTenant } from '../../support/tenant.js';

const OUTSIDER = 'outsider@example.com';
const OWNER = 'owner@example.com';

describe('deletion-check', function () {
  this.timeout(90_000);
  let shared: TestPlane;
  let api: TestApi;
  let operator: RunningOperator;
  let policy: string;
  let tenant: TestTenant;
  let target: string;

  /** Runs kubectl as `user` in the tenant's namespace; returns what it said. */
  function as(user: string, ...args: string[]): Promise<string> {
    return shared
      .kubectl([...args, '-n', tenant.namespace, '--as', user])
      .catch((error: unknown) => String(error));
  }

  before(async () => {
    shared = await plane();
    api = await TestApi.connect();
    operator = await startOperator();
    policy = await buildComponents(shared.kubectl, ['deletion-check']);
    await shared.kubectl(['apply', '-f', '-'], policy);
    tenant = await TestTenant.create(api);
    target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });
    const syncs = { apiGroups: ['weaver.example.com'], resources: ['configmapsyncs'], verbs: ['*'] };
    const impersonate = {
      apiGroups: [''],
      resources: ['serviceaccounts'],
      resourceNames: [tenant.serviceAccount],
      verbs: ['impersonate'],
    };
    const { namespace } = tenant;
    await allowUser(shared.kubectl, OUTSIDER, { namespace, name: 'outsider' }, [syncs]);
    await allowUser(shared.kubectl, OWNER, { namespace, name: 'owner' }, [syncs, impersonate]);
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.ready();
    await eventually(async () => {
      // A policy takes a moment until every request is looked at.
      expect(await as(OUTSIDER, 'delete', 'cms', 'sync', '--dry-run=server')).to.contain('may not act as');
    });
  });

  after(async () => {
    await shared.kubectl(['delete', '-f', '-', '--ignore-not-found'], policy);
    await removeSyncs(api, [tenant]);
    await operator.stop();
    await api.close();
  });

  it('refuses a deletion, one of all, and the removal of the finalizer by who may not act as the ServiceAccount', async () => {
    const patch = JSON.stringify({ metadata: { finalizers: [] } });

    expect(await as(OUTSIDER, 'delete', 'cms', 'sync')).to.contain(
      `${OUTSIDER} may not act as ServiceAccount "${tenant.serviceAccount}" of namespace "${tenant.namespace}"`,
    );
    expect(await as(OUTSIDER, 'delete', 'cms', '--all')).to.contain('may not act as');
    expect(await as(OUTSIDER, 'patch', 'cms', 'sync', '--type=merge', '-p', patch)).to.contain(
      'may not act as',
    );
    const metadata = (await tenant.sync())?.metadata;
    expect(metadata?.deletionTimestamp).to.equal(undefined);
    expect(metadata?.finalizers).to.include(FINALIZER);
  });

  it('says nothing of labels, nor of other finalizers', async () => {
    for (const metadata of [
      { labels: { team: 'a' } },
      { finalizers: [FINALIZER, 'example.com/other'] },
      { finalizers: [FINALIZER] },
    ]) {
      const patch = JSON.stringify({ metadata });
      expect(await as(OUTSIDER, 'patch', 'cms', 'sync', '--type=merge', '-p', patch)).to.contain('patched');
    }
  });

  it('lets who may act as it delete, and the operator end the deletion', async () => {
    await tenant.createSync({ syncToNamespaces: [target], target: { name: 'other' } }, 'deleted');
    await tenant.ready('deleted');

    expect(await as(OWNER, 'delete', 'cms', 'deleted', '--wait=false')).to.contain('deleted');

    await tenant.gone('deleted');
    await tenant.copyGone(target, 'other');
  });

  it('never holds up the deletion of a namespace', async () => {
    const other = await TestTenant.create(api);
    await other.grant(target, ['get', 'create', 'update', 'delete']);
    await other.createSource({ data: { key: 'value' } });
    await other.createSync({ syncToNamespaces: [target], target: { name: 'of-other' } });
    await other.ready();

    await shared.kubectl(['delete', 'namespace', other.namespace, '--wait=false']);

    await eventually(
      async () => {
        const namespace = await api.get({ resource: 'namespaces', name: other.namespace });
        expect(namespace, JSON.stringify(namespace)).to.equal(undefined);
      },
      { timeoutMs: 60_000 },
    );
  });
});

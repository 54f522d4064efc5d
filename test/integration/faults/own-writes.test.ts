import { expect } from 'chai';
import type { ObjectPlace } from '../../../hack/rig/api.js';
import { AdmissionPolicy } from '../../support/admission-policy.js';
import { eventually } from '../../support/eventually.js';
import { operatorKubeconfig } from '../../support/operator.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import type { TestTenant } from '../../support/tenant.js';
import { TestApi } from '../../support/test-api.js';
import { told } from '../life-cycle/told.js';

const WORDS = 'the operator may change nothing on Sundays';
/** Until what was refused is tried again, and a denial is found. */
const HEALED = { timeoutMs: 60_000 };

describe('a write of the operator itself that is refused', function () {
  this.timeout(180_000);
  let fixture: SyncFixture;
  let operatorApi: TestApi;
  let tenant: TestTenant;
  let allowed: string;
  let denied: string;
  let policy: AdmissionPolicy | undefined;

  before(async () => {
    fixture = await SyncFixture.start();
    operatorApi = await TestApi.connect(await operatorKubeconfig());
  });
  after(async () => {
    await operatorApi.close();
    await fixture.end();
  });

  beforeEach(async () => {
    tenant = await fixture.tenant();
    allowed = await tenant.target();
    denied = await tenant.target([]);
    await tenant.createSource({ data: { k: 'v' } });
    // For trying whether a policy is in force: nothing is done for it.
    await tenant.createSync({ suspend: true, syncToNamespaces: [allowed] }, 'for-trying');
  });
  afterEach(async () => {
    await policy?.remove();
    policy = undefined;
  });

  type Part = 'finalizers' | 'status';
  const place = (name: string, part: Part): ObjectPlace => ({
    resource: 'configmapsyncs',
    namespace: tenant.namespace,
    name,
    ...(part === 'status' && { subresource: 'status' }),
  });

  /** From now on the operator's patches of this part of all ConfigMapSyncs of the tenant are refused. */
  async function refuse(part: Part): Promise<void> {
    const name = part === 'status' ? 'configmapsyncs/status' : 'configmapsyncs';
    policy = await AdmissionPolicy.refuse(
      fixture.api,
      {
        resource: { group: 'weaver.example.com', version: 'v1alpha1', name },
        operations: ['UPDATE'],
        condition: `request.namespace == "${tenant.namespace}" && request.userInfo.username.contains("config-weaver")`,
      },
      { reason: 'Forbidden', message: WORDS },
    );
    const change = part === 'status' ? { status: { summary: '0/9' } } : { metadata: { labels: { x: 'y' } } };
    await policy.inForce(() =>
      operatorApi.patch(place('for-trying', part), change).then(
        () => false,
        (error: unknown) => String(error).includes(WORDS),
      ),
    );
  }

  async function lift(): Promise<void> {
    await policy?.remove();
    policy = undefined;
  }

  /** Whatever cannot be written: who is denied is told by all that does not depend on it. */
  async function denialIsTold(): Promise<void> {
    const [event] = await told(tenant, 'NamespaceDenied');
    expect(event?.related?.name).to.equal(denied);
    await eventually(async () => {
      const labels = { namespace: tenant.namespace, name: 'sync' };
      const samples = await fixture.operator.samples('configweaver_namespace_denied', labels);
      expect(samples.map((each) => [each.labels.target_namespace, each.value])).to.deep.equal([[denied, 1]]);
    });
    const lines = fixture.operator
      .audit(tenant.namespace)
      .filter(({ namespace, decision }) => namespace === denied && decision === 'denied');
    expect(new Set(lines.map(({ verb }) => verb))).to.deep.equal(
      new Set(['get', 'create', 'update', 'delete']),
    );
  }

  async function refusalIsTold(): Promise<void> {
    await eventually(async () => {
      const notes = (await tenant.events('SyncFailed')).map(({ note }) => note);
      expect(
        notes.filter((note) => note.includes(WORDS)),
        notes.join(),
      ).to.have.length(1);
    });
    expect(fixture.operator.output).to.include(WORDS);
  }

  it('the finalizer at the beginning: nothing is copied, and all else is told', async () => {
    await refuse('finalizers');
    await tenant.createSync({ syncToNamespaces: [allowed, denied] });

    await denialIsTold();
    await refusalIsTold();
    const { status, message } = await tenant.condition('Ready', 'SyncFailed');
    expect(status).to.equal('Unknown');
    expect(message).to.include(WORDS);
    await tenant.targetState(denied, 'Denied');
    expect(await tenant.copy(allowed)).to.equal(undefined);

    await lift();
    await tenant.targetState(allowed, 'Synced', HEALED);
    await tenant.condition('Ready', 'MissingPermissions');
    expect((await tenant.sync())?.metadata.finalizers).to.deep.equal(['configmapsync.io/finalizer']);
  });

  it('the finalizer, which somebody took off, while running: copies stay, and all else is told', async () => {
    await tenant.createSync({ syncToNamespaces: [allowed, denied] });
    await tenant.targetState(allowed, 'Synced');
    await refuse('finalizers');
    await tenant.patchSync({ metadata: { finalizers: null } });
    await tenant.patchSource({ data: { k: 'w' } });

    await refusalIsTold();
    await denialIsTold();
    await tenant.condition('Ready', 'SyncFailed');
    expect((await tenant.copy(allowed))?.data).to.deep.equal({ k: 'v' });

    await lift();
    await tenant.copied(allowed, { k: 'w' }, HEALED);
    await tenant.condition('Ready', 'MissingPermissions');
  });

  it('the status at the beginning: copies are made, and all else is told', async () => {
    await refuse('status');
    await tenant.createSync({ syncToNamespaces: [allowed, denied] });

    await tenant.copied(allowed, { k: 'v' });
    await denialIsTold();
    await refusalIsTold();
    expect((await tenant.status()).targets).to.equal(undefined);

    await lift();
    await tenant.targetState(allowed, 'Synced', HEALED);
    await tenant.targetState(denied, 'Denied');
  });

  it('the status while running: a revocation is told', async () => {
    await tenant.grant(denied, ['get', 'create', 'update', 'delete', 'list', 'watch']);
    await tenant.createSync({ syncToNamespaces: [allowed, denied] });
    await tenant.ready();
    await refuse('status');
    await tenant.revoke(denied);
    await tenant.patchSource({ data: { k: 'w' } });

    await tenant.copied(allowed, { k: 'w' });
    await denialIsTold();
    await refusalIsTold();

    await lift();
    await tenant.targetState(denied, 'Stale', HEALED);
  });

  it('the status at deletion: what blocks the clean-up is told', async () => {
    await tenant.createSync({ syncToNamespaces: [allowed] });
    await tenant.ready();
    await tenant.grant(allowed, ['get', 'list', 'watch']);
    await refuse('status');

    await tenant.deleteSync();

    await told(tenant, 'CleanupBlocked');
    await refusalIsTold();
    await tenant.grant(allowed, ['get', 'list', 'watch', 'delete']);
    await tenant.gone('sync', HEALED);
    expect(await tenant.copy(allowed)).to.equal(undefined);
  });

  it('the finalizer at deletion: copies go, it is told, and the ConfigMapSync goes when it is lifted', async () => {
    await tenant.createSync({ syncToNamespaces: [allowed] });
    await tenant.ready();
    await refuse('finalizers');

    await tenant.deleteSync();

    await tenant.copyGone(allowed);
    await refusalIsTold();
    expect((await tenant.condition('Ready', 'SyncFailed')).message).to.include(WORDS);
    await lift();
    await tenant.gone('sync', HEALED);
  });
});

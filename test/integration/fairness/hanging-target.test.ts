import { expect } from 'chai';
import { createTargets } from '../../support/neighbour.js';
import { controlPlaneOrSkip, plane, type TestPlane } from '../../support/plane.js';
import { SlowWebhook } from '../../support/slow-webhook.js';
import { removeSyncs, SyncFixture } from '../../support/sync-fixture.js';
import type { TestTenant } from '../../support/tenant.js';

const HANGING_MS = 20_000;
const AT_ONCE = { timeoutMs: 5000 };

describe('ConfigMapSync with a target whose writes hang', function () {
  this.timeout(60_000);
  let fixture: SyncFixture;
  let shared: TestPlane;
  let webhook: SlowWebhook;
  let tenant: TestTenant;
  let healthy: string[];
  let hanging: string;

  before(async function () {
    shared = await plane();
    controlPlaneOrSkip(this, shared);
    fixture = await SyncFixture.start();
  });
  beforeEach(async () => {
    webhook = await SlowWebhook.start(shared.kubectl);
    tenant = await fixture.tenant();
    healthy = await createTargets(fixture.api, tenant, { count: 5 });
    [hanging = ''] = await createTargets(fixture.api, tenant, { count: 1, labels: webhook.labels });
    await webhook.inForce(hanging);
    webhook.answerAfterMs = HANGING_MS;
    await tenant.createSource({ data: { edit: 'first' } });
    await tenant.createSync({ syncToNamespaces: [hanging, ...healthy] });
    await webhook.busy();
  });
  afterEach(async () => {
    await webhook.close();
    await removeSyncs(fixture.api, [tenant]);
  });
  after(() => fixture.end());

  async function expectFirstWriteHangs(): Promise<void> {
    expect(webhook.calls, 'writes to the hanging target').to.have.length(1);
    expect(webhook.pending, 'those in flight').to.have.length(1);
    const { namespace, username } = { namespace: hanging, username: tenant.username };
    const finished = await fixture.audit({ namespace, username, verb: ['create', 'update'] });
    expect(finished, 'those that the API server answered').to.deep.equal([]);
  }

  it('creates the copies in the healthy targets while that write is in flight', async () => {
    for (const target of healthy) await tenant.copied(target, { edit: 'first' }, AT_ONCE);

    await expectFirstWriteHangs();
  });

  it('reports the healthy targets as Synced and the hanging target as Pending', async () => {
    for (const target of healthy) await tenant.targetState(target, 'Synced', AT_ONCE);
    await tenant.targetState(hanging, 'Pending', AT_ONCE);

    await expectFirstWriteHangs();
  });

  it('propagates further edits to the healthy targets while the first write is in flight', async () => {
    for (const edit of ['second', 'third']) {
      await tenant.patchSource({ data: { edit } });
      for (const target of healthy) await tenant.copied(target, { edit }, AT_ONCE);
    }

    await expectFirstWriteHangs();
  });

  it('writes only the newest content to the hanging target when the first write is answered', async () => {
    for (const edit of ['second', 'third']) {
      await tenant.patchSource({ data: { edit } });
      for (const target of healthy) await tenant.copied(target, { edit }, AT_ONCE);
    }
    await expectFirstWriteHangs();

    webhook.release();

    await tenant.copied(hanging, { edit: 'third' });
    await tenant.ready();
    const verbs = await fixture.audit({
      username: tenant.username,
      namespace: hanging,
      resource: 'configmaps',
    });
    const writes = verbs.filter(({ verb }) => ['create', 'update'].includes(verb));
    expect(writes.map(({ verb }) => verb)).to.deep.equal(['create', 'update']);
  });

  it('removes the healthy copies when it is deleted while the write is in flight', async () => {
    for (const target of healthy) await tenant.copied(target, { edit: 'first' }, AT_ONCE);

    await tenant.deleteSync();

    for (const target of healthy) await tenant.copyGone(target);
    await expectFirstWriteHangs();
    webhook.release();
    await tenant.gone();
    await tenant.copyGone(hanging);
  });
});

import { expect } from 'chai';
import { createSyncs, createTargets, Neighbour } from '../../support/neighbour.js';
import { controlPlaneOrSkip, plane, type TestPlane } from '../../support/plane.js';
import { SlowWebhook } from '../../support/slow-webhook.js';
import { removeSyncs, SyncFixture } from '../../support/sync-fixture.js';
import type { TestTenant } from '../../support/tenant.js';

const SCENES = [
  { title: '1 ConfigMapSync of 40 targets waits 9 s for each write', syncs: 1, targets: 40, ms: 9000 },
  { title: '10 ConfigMapSyncs of 1 target wait 9 s for each write', syncs: 10, targets: 1, ms: 9000 },
  { title: '12 ConfigMapSyncs of 200 targets wait 5 s for each write', syncs: 12, targets: 200, ms: 5000 },
];

describe('fairness beside a tenant with a slow admission webhook', function () {
  this.timeout(120_000);
  let fixture: SyncFixture;
  let shared: TestPlane;
  let neighbour: Neighbour;
  let slow: TestTenant;
  let webhook: SlowWebhook;

  before(async function () {
    shared = await plane();
    controlPlaneOrSkip(this, shared);
    fixture = await SyncFixture.start();
    neighbour = await Neighbour.create(fixture.api, await fixture.tenant());
  });
  beforeEach(async () => {
    webhook = await SlowWebhook.start(shared.kubectl);
    slow = await fixture.tenant();
    await slow.createSource({ data: { key: 'value' } });
  });
  afterEach(async () => {
    await webhook.close();
    await removeSyncs(fixture.api, [slow]);
  });
  after(() => fixture.end());

  for (const { title, syncs, targets, ms } of SCENES) {
    it(`propagates an edit to all copies while ${title}`, async () => {
      const namespaces = await createTargets(fixture.api, slow, { count: targets, labels: webhook.labels });
      await webhook.inForce(namespaces[0]!);
      webhook.answerAfterMs = ms;
      await createSyncs(slow, { count: syncs, targets: namespaces });
      const held = await webhook.busy();

      await neighbour.editAndArrive();

      const { username } = slow;
      const finished = await fixture.audit({ username, verb: 'create', resource: 'configmaps' });
      expect(finished, "the slow tenant's writes that the API server answered").to.deep.equal([]);
      expect(webhook.pending, 'its writes in flight').to.include.members(held);
    });
  }
});

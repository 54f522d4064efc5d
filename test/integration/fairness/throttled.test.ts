import { expect } from 'chai';
import { eventually } from '../../support/eventually.js';
import { createSyncs, createTargets, Neighbour } from '../../support/neighbour.js';
import { controlPlaneOrSkip, plane, type TestPlane } from '../../support/plane.js';
import { removeSyncs, SyncFixture } from '../../support/sync-fixture.js';
import type { TestTenant } from '../../support/tenant.js';
import { Throttle, type ThrottleOptions } from '../../support/throttle.js';

const SYNCS = 10;
const TARGETS = 40;
const SET_UP_MS = 60_000;

const EDITS = 3;

const SCENES: { title: string; options: ThrottleOptions }[] = [
  { title: 'its writes', options: { verbs: ['create', 'update'] } },
  { title: 'all its requests for ConfigMaps', options: {} },
];

describe('fairness beside a tenant with 10 ConfigMapSyncs that the API server throttles', function () {
  this.timeout(2 * SET_UP_MS);
  let fixture: SyncFixture;
  let shared: TestPlane;
  let neighbour: Neighbour;
  let throttled: TestTenant;
  let throttle: Throttle | undefined;

  before(async function () {
    shared = await plane();
    controlPlaneOrSkip(this, shared);
    fixture = await SyncFixture.start();
    neighbour = await Neighbour.create(fixture.api, await fixture.tenant());
  });
  beforeEach(async () => {
    throttled = await fixture.tenant();
    await throttled.createSource({ data: { edit: 'first' } });
    const targets = await createTargets(fixture.api, throttled, { count: TARGETS });
    await createSyncs(throttled, { count: SYNCS, targets });
    for (let i = 0; i < SYNCS; i += 1) await throttled.ready(`sync-00${i}`, { timeoutMs: SET_UP_MS });
  });
  afterEach(async () => {
    await throttle?.close();
    await removeSyncs(fixture.api, [throttled]);
  });
  after(() => fixture.end());

  async function refused(): Promise<number> {
    return (await fixture.audit({ username: throttled.username, code: 429 })).length;
  }

  for (const { title, options } of SCENES) {
    it(`propagates edits to all copies while ${title} are answered with 429`, async () => {
      throttle = await Throttle.start(fixture.api, shared, throttled, options);
      await throttled.patchSource({ data: { edit: 'second' } });
      await eventually(async () =>
        expect(await refused(), 'requests answered with 429').to.be.at.least(SYNCS),
      );

      for (let edit = 1; edit <= EDITS; edit += 1) {
        const before = await refused();
        await neighbour.editAndArrive();
        await eventually(async () =>
          expect(await refused(), 'further requests answered with 429').to.be.greaterThan(before),
        );
      }
    });
  }
});

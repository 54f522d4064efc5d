import { expect } from 'chai';
import { eventually } from '../../support/eventually.js';
import { absentNamespaces, createSyncs, Neighbour } from '../../support/neighbour.js';
import { auditLogOrSkip, plane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import type { TestTenant } from '../../support/tenant.js';

const SYNCS = 60;
const DENIED = 100;
const EDITS = 5;

/** So many reviews show that they have begun. Their rate is the operator's own business. */
const BEGUN = 10;

describe('fairness beside a tenant with 60 ConfigMapSyncs of 100 denied targets', function () {
  this.timeout(120_000);
  let fixture: SyncFixture;
  let neighbour: Neighbour;
  let denied: TestTenant;

  before(async function () {
    fixture = await SyncFixture.start();
    auditLogOrSkip(this, await plane());
    neighbour = await Neighbour.create(fixture.api, await fixture.tenant());
    denied = await fixture.tenant();
    await denied.createSource({ data: { key: 'value' } });
  });
  after(() => fixture.end());

  async function reviews(): Promise<number> {
    const requests = await fixture.audit({ username: denied.username, verb: 'create' });
    return requests.filter(({ objectRef }) =>
      /^selfsubject(access|rules)reviews$/.test(objectRef?.resource ?? ''),
    ).length;
  }

  it('propagates edits to all copies while the denied permissions are reviewed', async () => {
    await createSyncs(denied, { count: SYNCS, targets: absentNamespaces(denied, DENIED) });
    await eventually(async () => expect(await reviews()).to.be.at.least(BEGUN));

    for (let edit = 1; edit <= EDITS; edit += 1) {
      const before = await reviews();
      await neighbour.editAndArrive();
      await eventually(async () => expect(await reviews(), 'further reviews').to.be.greaterThan(before));
    }
  });
});

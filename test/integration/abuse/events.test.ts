import { expect } from 'chai';
import type { EventObject } from '../../../hack/rig/tenant.js';
import { eventually } from '../../support/eventually.js';
import { absentNamespaces, createSyncs } from '../../support/neighbour.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import type { TestTenant } from '../../support/tenant.js';
import { Victim } from '../../support/victim.js';

const SYNCS = 200;
const TARGETS = 200;
/** So many denials are more than the bursts of all those ConfigMapSyncs; more of them come meanwhile. */
const UNDER_WAY = 10_000;
const VICTIMS = 20;

describe('Events beside a tenant with 200 ConfigMapSyncs of 200 denied targets', function () {
  this.timeout(300_000);
  let fixture: SyncFixture;
  let attacker: TestTenant;
  let victim: Victim;
  let startedAt: number;

  before(async () => {
    fixture = await SyncFixture.start();
    attacker = await fixture.tenant();
    await attacker.createSource({ data: { key: 'value' } });
    const { api, operator } = fixture;
    victim = await Victim.create({ api, operator, tenant: await fixture.tenant() });
  });
  after(() => fixture.end());

  function eventsOf({ namespace }: TestTenant): Promise<EventObject[]> {
    return fixture.api.list<EventObject>({ resource: 'events', namespace });
  }

  it('delay no edit of another tenant', async () => {
    await victim.endures('denials, and the Events of them', async () => {
      startedAt = Date.now();
      await createSyncs(attacker, { count: SYNCS, targets: absentNamespaces(attacker, TARGETS) });
      await eventually(
        async () => {
          const denied = await fixture.operator.samples('configweaver_targets', { state: 'Denied' });
          expect(denied.reduce((sum, { value }) => sum + value, 0)).to.be.greaterThan(UNDER_WAY);
        },
        { timeoutMs: 120_000, intervalMs: 500 },
      );
      return `${SYNCS} ConfigMapSyncs of ${TARGETS} denied targets each`;
    });
  });

  it('are written of each denial of the other tenant within a minute', async () => {
    const namespaces = absentNamespaces(victim.tenant, VICTIMS);

    await victim.tenant.createSync({ syncToNamespaces: namespaces }, 'denied');

    await eventually(
      async () => {
        const told = await victim.tenant.events('NamespaceDenied', 'denied');
        expect(told.map(({ related }) => related?.name)).to.have.members(namespaces);
      },
      { timeoutMs: 60_000 },
    );
  });

  it('leave series of the other tenant in the metrics, and those left out are counted', async () => {
    const { operator } = fixture;
    const [dropped] = await operator.samples('configweaver_series_dropped', {
      metric: 'configweaver_namespace_denied',
    });
    expect(dropped?.value).to.be.greaterThan(1_000);

    const series = await operator.samples('configweaver_namespace_denied', {
      namespace: victim.tenant.namespace,
    });
    expect(series).to.have.length(VICTIMS);
  });

  it('are bounded for the tenant that has too many, with one that says how many more there are and where', async () => {
    const [summary] = await eventually(
      async () => {
        const summaries = (await eventsOf(attacker)).filter(({ related }) => related === undefined);
        expect(summaries).to.not.have.length(0);
        return summaries;
      },
      { timeoutMs: 60_000 },
    );
    expect(summary).to.include({ type: 'Warning', reason: 'NamespaceDenied' });
    expect(summary?.note).to.match(/^\d+ more .*status\.targets, or run "config-weaver audit -n /);

    const written = await eventsOf(attacker);
    // A burst of 100, and one a second.
    expect(written.length).to.be.at.most(110 + (Date.now() - startedAt) / 1000);
    const [dropped] = await fixture.operator.samples('configweaver_events_dropped_total');
    expect(dropped?.labels).to.deep.equal({ tenant: attacker.namespace });
    expect(dropped?.value).to.be.greaterThan(1_000);
  });
});

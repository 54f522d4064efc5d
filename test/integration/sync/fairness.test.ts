import { expect } from 'chai';
import type { AuditEntry } from '../../support/audit-log.js';
import { eventually } from '../../support/eventually.js';
import { auditLogOrSkip, plane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import { NEEDED_VERBS, type TestTenant } from '../../support/tenant.js';

const CROWD = 300;
const GOOD = 10;

/** What the recorder lets out of one object's Events: a burst, and then one for each such period. */
const EVENT_BURST = 25;
const EVENT_PERIOD_MS = 5000;

/** How long 300 targets may take on a busy machine; that they take long is what these tests need. */
const CROWD_MS = 60_000;

/** None of them exists: they are denied all the same. */
function absentNamespaces(prefix: string): string[] {
  return Array.from({ length: CROWD }, (_, i) => `${prefix}-${String(i).padStart(3, '0')}`);
}

/** A status tells of some of them before, where it takes long to find out. */
async function allDenied(tenant: TestTenant): Promise<void> {
  await eventually(async () => expect((await tenant.status()).deniedTargets).to.equal(CROWD), {
    timeoutMs: CROWD_MS,
  });
}

describe('fairness between one tenant with hundreds of denied targets and one with a few good ones', function () {
  this.timeout(2 * CROWD_MS);
  let fixture: SyncFixture;
  /** Lacks every right in each of its targets. */
  let crowd: TestTenant;
  let denied: string[];
  let neighbour: TestTenant;
  let good: string[];
  let crowdCreatedAt: number;

  before(async function () {
    fixture = await SyncFixture.start();
    auditLogOrSkip(this, await plane());
    [crowd, neighbour] = await Promise.all([fixture.tenant(), fixture.tenant()]);
    denied = absentNamespaces(`absent-${crowd.namespace}`);
    good = await Promise.all(Array.from({ length: GOOD }, () => neighbour.target()));
    for (const tenant of [crowd, neighbour]) await tenant.createSource({ data: { key: 'value' } });

    crowdCreatedAt = performance.now();
    await crowd.createSync({ syncToNamespaces: denied });
    await neighbour.createSync({ syncToNamespaces: good });
    await neighbour.ready('sync', { timeoutMs: CROWD_MS });
    await allDenied(crowd);
  });
  after(() => fixture.end());

  /** The API server's own account of what was asked as the crowd's ServiceAccount about its rights, in its order. */
  function isReviewOfCrowd({ user, objectRef }: AuditEntry): boolean {
    return (
      user.username === crowd.username && /^selfsubject(access|rules)reviews$/.test(objectRef?.resource ?? '')
    );
  }

  function isWriteOfNeighbour({ user, objectRef, verb, userAgent = '' }: AuditEntry): boolean {
    return (
      user.username === neighbour.username &&
      objectRef?.resource === 'configmaps' &&
      ['create', 'update'].includes(verb) &&
      userAgent.startsWith('config-weaver/')
    );
  }

  it('has the good targets in step while the others are still being judged', async () => {
    const entries = await fixture.audit();

    const lastCopy = entries.findLastIndex(isWriteOfNeighbour);
    const reviews = entries.flatMap((entry, index) => (isReviewOfCrowd(entry) ? [index] : []));
    expect(entries.filter(isWriteOfNeighbour)).to.have.length(GOOD);
    const before = reviews.filter((index) => index < lastCopy).length;
    // One look at the rules of each namespace, and one at each verb.
    const firstJudgement = CROWD * (1 + NEEDED_VERBS.length);
    expect(reviews.length).to.be.at.least(firstJudgement);
    expect(before, "reviews of the crowd's rights before the neighbour's last copy").to.be.lessThan(
      firstJudgement / 2,
    );
  });

  it('tells of every denial in the status, first of all in its counts', async () => {
    const { targets = [], ...status } = await crowd.status();

    expect(status).to.deep.include({
      summary: `0/${CROWD}`,
      wantedTargets: CROWD,
      syncedTargets: 0,
      deniedTargets: CROWD,
    });
    expect(targets.map(({ namespace }) => namespace)).to.deep.equal(denied);
    for (const { namespace, ...target } of targets) {
      expect(target).to.deep.include({
        state: 'Denied',
        reason: 'MissingPermissions',
        message: `${crowd.username} may not get, create, update, delete configmaps in namespace "${namespace}"`,
        missingVerbs: [...NEEDED_VERBS],
      });
    }
    const { message } = await crowd.condition('Ready', 'MissingPermissions');
    expect(message).to.contain(`[${denied.slice(0, 20).join(' ')} and ${CROWD - 20} more]`);
  });

  it('has a series for every denial, and counts each of them', async () => {
    const labels = { namespace: crowd.namespace };

    const gauge = await eventually(async () => {
      const samples = await fixture.operator.samples('configweaver_namespace_denied', labels);
      expect(samples).to.have.length(CROWD);
      return samples;
    });
    const counters = await fixture.operator.samples('configweaver_denials_total', labels);
    const [targets] = await fixture.operator.samples('configweaver_targets', { ...labels, state: 'Denied' });
    const [dropped] = await fixture.operator.samples('configweaver_denied_series_dropped');

    expect(gauge.map((sample) => sample.labels.target_namespace).toSorted()).to.deep.equal(denied);
    expect(new Set(gauge.map(({ value }) => value))).to.deep.equal(new Set([1]));
    expect(counters.map((sample) => [sample.labels.verb, sample.value])).to.deep.equal(
      NEEDED_VERBS.map((verb) => [verb, CROWD]),
    );
    expect(targets?.value).to.equal(CROWD);
    expect(dropped?.value).to.equal(0);
  });

  it("has a line of the audit log for every denial, and writes the crowd's Events at a bounded rate", async () => {
    const lines = await eventually(() => {
      const found = fixture.operator.audit(crowd.namespace).filter(({ decision }) => decision === 'denied');
      expect(found).to.have.length(CROWD * NEEDED_VERBS.length);
      return found;
    });
    const events = await eventually(async () => {
      const found = await crowd.events('NamespaceDenied');
      expect(found).to.have.length.of.at.least(EVENT_BURST);
      return found;
    });
    const most = EVENT_BURST + Math.ceil((performance.now() - crowdCreatedAt) / EVENT_PERIOD_MS);

    expect(new Set(lines.map(({ namespace }) => namespace)).size).to.equal(CROWD);
    expect(events).to.have.length.of.at.most(most).and.below(CROWD);
    expect(new Set(events.map(({ related }) => related?.name)).size, 'each about another namespace').to.equal(
      events.length,
    );
  });

  it("writes the neighbour's Event while the crowd's wait", async () => {
    await eventually(async () => {
      const notes = (await neighbour.events('Synced')).map(({ note }) => note);
      expect(notes).to.deep.equal([`copies: ${GOOD} created, 0 updated, 0 removed`]);
    });
    expect(await crowd.events('NamespaceDenied')).to.have.length.below(CROWD);
  });

  it('brings an edit to the good targets while the others are judged again', async () => {
    const from = (await fixture.audit()).length;
    const since = async (): Promise<AuditEntry[]> => (await fixture.audit()).slice(from);
    // Another answer in every namespace: each of them is judged again as its turn comes.
    await crowd.grantEverywhere(['get']);
    await eventually(async () => expect((await since()).some(isVerdictOfCrowd)).to.equal(true), {
      intervalMs: 20,
    });

    const edited = await neighbour.patchSource({ data: { key: 'newer' } });
    await neighbour.inStepWith(edited);

    const entries = await eventually(
      async () => {
        const found = await since();
        expect(found.filter(isVerdictOfCrowd).length).to.be.at.least(CROWD * NEEDED_VERBS.length);
        return found;
      },
      { timeoutMs: CROWD_MS },
    );
    const updates = entries.filter(isWriteOfNeighbour);
    expect(updates.map(({ verb }) => verb)).to.deep.equal(Array(GOOD).fill('update'));
    expect(entries.findLastIndex(isWriteOfNeighbour)).to.be.lessThan(entries.findLastIndex(isVerdictOfCrowd));
    await eventually(async () => {
      const { targets = [], deniedTargets } = await crowd.status();
      expect(deniedTargets).to.equal(CROWD);
      expect(new Set(targets.map(({ missingVerbs }) => missingVerbs?.join()))).to.deep.equal(
        new Set(['create,update,delete']),
      );
    });
    for (const target of good) expect((await neighbour.copy(target))?.data).to.deep.equal({ key: 'newer' });
  });

  function isVerdictOfCrowd(entry: AuditEntry): boolean {
    return isReviewOfCrowd(entry) && entry.objectRef?.resource === 'selfsubjectaccessreviews';
  }

  it('lets every denied target go at once when its ConfigMapSync goes', async () => {
    await crowd.deleteSync();

    await crowd.gone();
    await eventually(async () =>
      expect(
        await fixture.operator.samples('configweaver_namespace_denied', { namespace: crowd.namespace }),
      ).to.deep.equal([]),
    );
  });
});

describe('one ConfigMapSync with hundreds of denied targets and a good one', function () {
  this.timeout(2 * CROWD_MS);
  let fixture: SyncFixture;

  before(async function () {
    fixture = await SyncFixture.start();
    auditLogOrSkip(this, await plane());
  });
  after(() => fixture.end());

  it('has the good one in step before it asks what is missing in any of the others', async () => {
    const tenant = await fixture.tenant();
    const good = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });

    await tenant.createSync({ syncToNamespaces: [...absentNamespaces(`absent-${tenant.namespace}`), good] });

    await allDenied(tenant);
    const requests = (await fixture.audit())
      .filter(
        ({ user, userAgent = '' }) =>
          user.username === tenant.username && userAgent.startsWith('config-weaver'),
      )
      .map(({ verb, objectRef }) => `${verb} ${objectRef?.resource} ${objectRef?.namespace ?? ''}`.trim());
    const question = requests.indexOf('create selfsubjectaccessreviews');
    expect(question).to.be.greaterThan(CROWD);
    expect(requests.indexOf(`create configmaps ${good}`)).to.be.within(0, question);
  });
});

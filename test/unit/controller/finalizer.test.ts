import { expect } from 'chai';
import { Finalizer } from '../../../src/controller/finalizer.js';
import type { NamespaceState } from '../../../src/controller/namespace-lister.js';
import { SyncState } from '../../../src/controller/sync-state.js';
import { KEPT } from '../../../src/sync/outcomes.js';
import { type Leftover, type SyncPlan, type SyncResult } from '../../../src/sync/result.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { copiesOf, planOf, resultOf, targetResult } from '../sync/results.js';
import { syncObject } from '../../support/sync-object.js';

const TIMEOUT_MS = 600_000;
const denied: Leftover = { namespace: 'prod', name: 'shared', message: 'may not', missingVerb: 'delete' };
const broken: Leftover = { namespace: 'prod', name: 'shared', message: 'a webhook is down' };

describe('the finalizer', () => {
  let clock: FakeClock;
  let home: NamespaceState;
  let finalizer: Finalizer;
  let state: SyncState;

  beforeEach(() => {
    clock = new FakeClock();
    home = 'active';
    finalizer = new Finalizer({ namespaces: { state: () => home }, timeoutMs: TIMEOUT_MS, clock });
    state = new SyncState(syncObject(), clock.now());
    state.removingSince = clock.now();
  });

  /** A deletion that was asked for just now, or so long ago. */
  function planToFinalize(rest: Partial<SyncPlan> = {}, ageMs = 0): SyncPlan {
    const deletionTimestamp = new Date(clock.now() - ageMs).toISOString();
    return planOf(
      {},
      { purpose: 'finalize', sync: syncObject({ metadata: { deletionTimestamp } }), ...rest },
    );
  }

  function left(leftover: Leftover, plan = planToFinalize()): SyncResult {
    const targets = new Map([['prod', targetResult(KEPT, { leftovers: [leftover] })]]);
    return resultOf(plan, {}, { targets });
  }

  it('goes where nothing is left', () => {
    expect(finalizer.verdict(state, resultOf(planToFinalize()))).to.deep.equal({ state: 'done' });
  });

  it('goes whatever is left where copies stay anyway', () => {
    const sync = syncObject({ spec: { deletionPolicy: 'Orphan' } });

    expect(finalizer.verdict(state, left(denied, planToFinalize({ sync })))).to.deep.equal({ state: 'done' });
  });

  for (const [what, leftover] of Object.entries({ denied, broken })) {
    it(`waits for what is ${what} until the time is up, then names what it leaves behind`, async () => {
      const result = left(leftover);
      expect(finalizer.verdict(state, result)).to.deep.equal({ state: 'blocked', givenUpInMs: TIMEOUT_MS });
      await clock.advance(TIMEOUT_MS - 1);
      expect(finalizer.verdict(state, result)).to.deep.equal({ state: 'blocked', givenUpInMs: 1 });
      await clock.advance(1);

      const verdict = finalizer.verdict(state, result);
      expect(verdict).to.have.property('state', 'done');
      expect(verdict).to.have.property('abandoned').that.includes('prod/shared');
      expect(verdict).to.have.property('abandoned').that.includes(leftover.message);
    });
  }

  it('waits for an operator that comes late: a minute for a denial, the whole time for an error', () => {
    const late = planToFinalize({}, 2 * TIMEOUT_MS);

    expect(finalizer.verdict(state, left(denied, late))).to.deep.equal({
      state: 'blocked',
      givenUpInMs: 60_000,
    });
    expect(finalizer.verdict(state, left(broken, late))).to.deep.equal({
      state: 'blocked',
      givenUpInMs: TIMEOUT_MS,
    });
  });

  it('does not wait for an identity that cannot come back', () => {
    const outOfReach = planToFinalize({ leftovers: [broken] });
    expect(finalizer.verdict(state, resultOf(outOfReach))).to.have.property('state', 'blocked');

    home = 'terminating';

    expect(finalizer.verdict(state, resultOf(outOfReach))).to.have.property('abandoned');
  });

  it('looks again within moments where the identity is about to go', () => {
    home = 'terminating';

    expect(finalizer.verdict(state, left(denied))).to.deep.equal({ state: 'blocked', givenUpInMs: 2_000 });
  });

  describe('where something stays under way', () => {
    const copies = copiesOf('prod');

    it('is overdue when nobody answers for it and the time is up', async () => {
      const unanswered = resultOf(
        planToFinalize(),
        {},
        { copies, underWay: new Map([['prod', 'no answer']]) },
      );
      expect(finalizer.isOverdue(state, unanswered)).to.equal(false);
      await clock.advance(TIMEOUT_MS);

      expect(finalizer.isOverdue(state, unanswered)).to.equal(true);
      expect(finalizer.verdict(state, unanswered)).to.have.property('abandoned').that.includes('prod/shared');
    });

    it('is not overdue while an attempt may still tell', async () => {
      const result = resultOf(planToFinalize(), {}, { copies, underWay: new Map([['prod', undefined]]) });
      await clock.advance(TIMEOUT_MS);

      expect(finalizer.isOverdue(state, result)).to.equal(false);
    });
  });
});

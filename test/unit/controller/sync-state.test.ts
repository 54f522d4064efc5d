import { expect } from 'chai';
import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import { SyncState } from '../../../src/controller/sync-state.js';
import { SyncStates } from '../../../src/controller/sync-states.js';
import { Store } from '../../../src/k8s/cache/store.js';
import { KEPT, SYNCED } from '../../../src/sync/outcomes.js';
import { NO_WORK, type Desired, type SyncPlan, type TargetOutcome } from '../../../src/sync/result.js';
import { statusOf as nextStatus } from '../../../src/sync/status.js';
import { statusOf, target } from '../reporting/statuses.js';
import { planOf, targetResult } from '../sync/results.js';
import { syncObject } from '../../support/sync-object.js';

const NOW = '2026-01-02T03:04:05Z';
const absent: Desired = 'delete';
const refused: TargetOutcome = { state: 'Failed', reason: 'Invalid', message: 'no' };
const copies = [{ name: 'shared', uid: 'uid-copy' }];
const created = { ...NO_WORK, created: 1 };

/** A plan with something to do in these namespaces. */
function planFor(...namespaces: string[]): SyncPlan {
  const work = new Map(namespaces.map((namespace) => [namespace, absent]));
  return planOf({ syncToNamespaces: namespaces }, { work });
}

/** Reports all that is known, as the reporter does. */
function report(state: SyncState, plan: SyncPlan): void {
  const result = state.result(plan);
  state.told(result, nextStatus(state.reported, result, NOW));
}

describe('the state of a ConfigMapSync', () => {
  let state: SyncState;

  beforeEach(() => {
    state = new SyncState(syncObject(), 0);
  });

  it('has under way what the newest plan has to do, until each has come to an end', () => {
    const plan = planFor('prod', 'dev');
    state.adopt(plan);
    expect([...state.result(plan).underWay.keys()]).to.deep.equal(['prod', 'dev']);

    state.settle(plan, 'prod', targetResult(SYNCED));
    expect([...state.result(plan).underWay.keys()]).to.deep.equal(['dev']);
    state.settle(plan, 'dev', targetResult(refused));
    expect(state.isUnderWay).to.equal(false);
    expect(state.stateOf('dev')).to.equal('Failed');
  });

  it('has still under way what told nothing, and why', () => {
    const plan = planFor('prod');
    state.adopt(plan);
    state.settle(plan, 'prod', targetResult(undefined, { error: 'no answer', work: created, copies }));

    const result = state.result(plan);
    expect(result.underWay).to.deep.equal(new Map([['prod', 'no answer']]));
    expect(result.targets.size).to.equal(0);
    expect(result.work).to.deep.equal(created);
    expect(result.copies).to.deep.equal(new Map([['prod', copies]]));
  });

  it('keeps the last finding where nothing was found out', () => {
    const plan = planFor('prod');
    state.adopt(plan);
    state.settle(plan, 'prod', targetResult(SYNCED, { copies }));
    report(state, plan);
    const next = planFor('prod');
    state.adopt(next);
    state.settle(next, 'prod', targetResult(undefined, { error: 'no answer' }));
    report(state, next);

    expect(state.previous('prod')).to.deep.include({ state: 'Synced', copies });
  });

  it('is a value for whoever has it', () => {
    const plan = planFor('prod');
    state.adopt(plan);
    const before = state.result(plan);
    state.settle(plan, 'prod', targetResult(SYNCED, { copies, work: created }));

    expect([...before.underWay.keys()]).to.deep.equal(['prod']);
    expect(before.targets.size + before.copies.size + before.work.created).to.equal(0);
  });

  describe('of an attempt that an older plan began', () => {
    it('takes over the copies and the work, but not the finding, where a newer one has to look itself', () => {
      const old = planFor('prod');
      const newer = planFor('prod');
      state.adopt(old);
      state.adopt(newer);
      state.settle(old, 'prod', targetResult(SYNCED, { copies, work: created }));

      const result = state.result(newer);
      expect(result.targets.size).to.equal(0);
      expect([...result.underWay.keys()]).to.deep.equal(['prod']);
      expect(result.copies).to.deep.equal(new Map([['prod', copies]]));
      expect(result.work).to.deep.equal(created);
    });

    it('does not take over the finding where the newer one knows better', () => {
      const old = planFor('prod');
      const newer = planOf({ syncToNamespaces: ['prod'] }, { settled: new Map([['prod', KEPT]]) });
      state.adopt(old);
      state.adopt(newer);
      state.settle(old, 'prod', targetResult(SYNCED, { copies }));
      report(state, newer);

      expect(state.previous('prod')).to.deep.include({ state: 'Pending', reason: 'CopyKept', copies });
    });

    it('tells why nothing is known, until the newer one has an attempt of its own', () => {
      const old = planFor('prod');
      state.adopt(old);
      const newer = planFor('prod');
      state.adopt(newer);
      state.settle(old, 'prod', targetResult(undefined, { error: 'old' }));

      expect(state.result(newer).underWay).to.deep.equal(new Map([['prod', 'old']]));
      const newest = planFor('prod', 'dev');
      state.adopt(newest);
      expect([...state.result(newest).underWay]).to.deep.equal([
        ['prod', 'old'],
        ['dev', undefined],
      ]);
      state.settle(newest, 'prod', targetResult(undefined, { error: 'new' }));
      expect(state.result(newest).underWay.get('prod')).to.equal('new');
    });
  });

  it('forgets a finding that a newer plan replaces, with what was left over', () => {
    const leftovers = [{ namespace: 'prod', name: 'shared', message: 'no' }];
    const plan = planFor('prod');
    state.adopt(plan);
    state.settle(plan, 'prod', targetResult(refused, { leftovers }));
    const newer = planOf({ syncToNamespaces: ['prod'] }, { settled: new Map([['prod', SYNCED]]) });
    state.adopt(newer);

    expect(state.result(newer).targets.get('prod')).to.deep.include({ outcome: undefined, leftovers: [] });
  });

  describe('when it is told', () => {
    it('remembers since when a change spreads, until the last target has come to an end', () => {
      const plan = { ...planFor('prod', 'dev'), since: 7 };
      state.adopt(plan);
      state.settle(plan, 'prod', targetResult(SYNCED));
      expect(state.result(plan).spreadingSince).to.equal(undefined);
      report(state, plan);
      const again = { ...planFor('prod', 'dev'), since: 9 };
      state.adopt(again);
      expect(state.result(again).spreadingSince).to.equal(7);
      state.settle(again, 'prod', targetResult(SYNCED));
      state.settle(again, 'dev', targetResult(SYNCED));
      expect(state.result(again).spreadingSince).to.equal(7);
      report(state, again);

      expect(state.result(again).spreadingSince).to.equal(undefined);
    });

    it('has nothing more to tell, but what came in meanwhile', () => {
      const plan = planFor('prod', 'dev');
      state.adopt(plan);
      state.settle(plan, 'prod', targetResult(refused, { work: created }));
      const result = state.result(plan);
      state.settle(plan, 'prod', targetResult(SYNCED, { copies }));
      state.told(result, nextStatus(undefined, result, NOW));

      expect(state.result(plan).work).to.deep.equal(NO_WORK);
      expect(state.result(plan).targets.get('prod')?.outcome).to.deep.equal(SYNCED);
      report(state, plan);
      expect(state.result(plan).targets.size).to.equal(0);
    });

    it('names again what is left over', () => {
      const leftovers = [{ namespace: 'prod', name: 'shared', message: 'no' }];
      const plan = planFor('prod');
      state.adopt(plan);
      state.settle(plan, 'prod', targetResult(refused, { leftovers }));
      report(state, plan);

      expect(state.result(plan).targets.get('prod')?.leftovers).to.deep.equal(leftovers);
    });
  });

  describe('of the copies', () => {
    it('begins with what the status records', () => {
      const sync = syncObject({
        status: statusOf([target('prod', 'Synced', { copies }), target('dev', 'Conflict')]),
      });
      state = new SyncState(sync, 0);

      expect(state.record('prod')).to.deep.equal({ copies, lost: false });
      expect(state.record('dev')).to.deep.equal({ copies: [], lost: false });
      expect([...state.namespacesWithCopies]).to.deep.equal(['prod']);
    });

    it('are gone as soon as an attempt finds that', () => {
      state = new SyncState(syncObject({ status: statusOf([target('prod', 'Synced', { copies })]) }), 0);
      const plan = planFor('prod');
      state.adopt(plan);
      state.settle(plan, 'prod', targetResult(refused, { copies: [] }));
      report(state, plan);

      expect(state.record('prod').copies).to.deep.equal([]);
    });

    it('may be where a create went unanswered, until an attempt finds out', () => {
      const plan = planFor('prod');
      state.adopt(plan);
      state.settle(plan, 'prod', targetResult(undefined, { uncertain: true, copies: [] }));
      expect([...state.namespacesWithCopies]).to.deep.equal(['prod']);
      expect(state.record('prod')).to.deep.equal({ copies: [], lost: true });
      state.settle(plan, 'prod', targetResult(undefined, { copies: [] }));
      expect([...state.namespacesWithCopies]).to.deep.equal(['prod']);

      state.settle(
        plan,
        'prod',
        targetResult({ state: 'Denied', reason: 'MissingPermissions' }, { copies: [] }),
      );
      report(state, plan);
      expect([...state.namespacesWithCopies]).to.deep.equal(['prod']);
      expect(state.record('prod')).to.deep.equal({ copies: [], lost: true });

      state.settle(plan, 'prod', targetResult({ state: 'Conflict', reason: 'NotOurs' }, { copies: [] }));

      expect([...state.namespacesWithCopies]).to.deep.equal([]);
    });

    it('are in doubt where a status was lost, until all targets are known', () => {
      state = new SyncState(syncObject(), 0);
      const plan = planFor('prod', 'dev');
      state.adopt(plan);
      expect(state.record('prod')).to.deep.equal({ copies: [], lost: true });
      state.settle(plan, 'prod', targetResult(SYNCED, { copies }));
      report(state, plan);
      expect(state.record('dev').lost).to.equal(true);
      state.settle(plan, 'dev', targetResult({ state: 'Conflict', reason: 'NotOurs' }, { copies: [] }));
      report(state, plan);

      expect(state.record('dev')).to.deep.equal({ copies: [], lost: false });
    });

    it('are nowhere where none was ever seen, whatever state a target is in', () => {
      const lines = (['Synced', 'Stale', 'Failed', 'Denied', 'Conflict', 'Pending'] as const).map((each) =>
        target(each.toLowerCase(), each),
      );
      state = new SyncState(syncObject({ status: statusOf(lines) }), 0);

      expect([...state.namespacesWithCopies]).to.deep.equal([]);
    });

    it('stay marked as stored otherwise than sent until one is in sync, or gone', () => {
      const altered = target('prod', 'Failed', { reason: 'CopyAltered', copies });
      state = new SyncState(syncObject({ status: statusOf([altered]) }), 0);
      expect(state.record('prod')).to.deep.equal({ copies, lost: false, altered: true });

      const plan = planFor('prod');
      state.adopt(plan);
      state.settle(plan, 'prod', targetResult({ state: 'Failed', reason: 'CleanupBlocked' }, { copies }));
      expect(state.record('prod').altered).to.equal(true);
      state.settle(plan, 'prod', targetResult(SYNCED, { copies }));
      expect(state.record('prod')).to.deep.equal({ copies, lost: false });
    });
  });
});

describe('the states of all ConfigMapSyncs', () => {
  let syncs: Store<ConfigMapSync>;
  let states: SyncStates;

  beforeEach(() => {
    syncs = new Store();
    states = new SyncStates(syncs, () => Date.parse(NOW));
  });

  const version = (resourceVersion: string, uid = 'uid-share'): ConfigMapSync =>
    syncObject({ metadata: { resourceVersion, uid } });

  it('prefer what our own write returned to a watch that is behind', () => {
    syncs.upsert(version('9'));
    states.of(version('9')).written = version('10');

    expect(states.current('team-a/share')?.metadata.resourceVersion).to.equal('10');
  });

  it('prefer the watch where it is ahead', () => {
    syncs.upsert(version('11'));
    states.of(version('11')).written = version('10');

    expect(states.current('team-a/share')?.metadata.resourceVersion).to.equal('11');
  });

  it('know nothing of what is gone, whatever was written last', () => {
    syncs.upsert(version('9'));
    states.of(version('9')).written = version('10');
    syncs.remove(version('9'));

    expect(states.current('team-a/share')).to.equal(undefined);
    expect(states.gone('team-a/share').map(({ uid }) => uid)).to.deep.equal(['uid-share']);
  });

  it('start from nothing for a new object of the same name, even if nobody saw the old one go', () => {
    const old = states.of(version('9', 'uid-old'));
    old.orphaned = true;
    old.written = version('10', 'uid-old');
    syncs.upsert(version('8', 'uid-new'));

    expect(states.current('team-a/share')?.metadata.uid).to.equal('uid-new');
    expect(states.of(version('8', 'uid-new'))).to.include({ orphaned: false, written: undefined });
    expect(states.gone('team-a/share')).to.deep.equal([old]);
    states.forget(old);
    expect(states.gone('team-a/share')).to.deep.equal([]);
  });

  it('take for an echo just the status that we sent', () => {
    const sync = version('9');
    expect(states.isEcho(sync)).to.equal(false);

    states.of(sync).sent = { summary: '1/1' };

    expect(states.isEcho({ ...sync, status: { summary: '1/1' } })).to.equal(true);
    expect(states.isEcho({ ...sync, status: { summary: '0/1' } })).to.equal(false);
    expect(states.isEcho(sync)).to.equal(false);
  });

  it('hold what went in spite of the finalizer as one that is being deleted, until it is done', () => {
    const sync = version('9');
    states.lose(sync);

    expect(states.lost('team-a/share').map(({ metadata }) => metadata.deletionTimestamp)).to.deep.equal([
      '2026-01-02T03:04:05.000Z',
    ]);
    expect(states.gone('team-a/share')).to.deep.equal([]);
    states.forget(states.of(sync));
    expect(states.isLost('uid-share')).to.equal(false);
    expect(states.get('uid-share')).to.equal(undefined);
  });
});

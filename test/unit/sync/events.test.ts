import { expect } from 'chai';
import fc from 'fast-check';
import { TARGET_STATES, type TargetStatus, VERBS } from '../../../src/api/v1alpha1/config-map-sync-status.js';
import { eventsBetween, type StatusEvent } from '../../../src/sync/events.js';
import { firstOf } from '../../../src/sync/messages.js';
import { NO_WORK } from '../../../src/sync/result.js';
import { condition, statusOf, target } from '../reporting/statuses.js';

const denied = target('prod', 'Denied', {
  missingVerbs: ['create', 'update'],
  message: 'may not create, update',
});

/** What is told as one target of the status goes from one state to the next. */
function told(before: TargetStatus | undefined, now: TargetStatus): string[] {
  const events = eventsBetween(before && statusOf([before]), statusOf([now]), NO_WORK);
  return events.map(({ type, reason, namespace }) => `${type} ${reason} ${namespace ?? '-'}`);
}

describe('the Events between two statuses', () => {
  describe('for a namespace', () => {
    it('tell that it is denied: at the first visit, and after any other state', () => {
      expect(told(undefined, denied)).to.deep.equal(['Warning NamespaceDenied prod']);
      expect(told(target('prod', 'Synced'), denied)).to.deep.equal(['Warning NamespaceDenied prod']);
      expect(told(target('prod', 'Failed'), denied)).to.deep.equal(['Warning NamespaceDenied prod']);
    });

    it('carry the message, which names the identity and the verbs', () => {
      const [event] = eventsBetween(undefined, statusOf([denied]), NO_WORK);

      expect(event).to.deep.equal({
        type: 'Warning',
        reason: 'NamespaceDenied',
        namespace: 'prod',
        note: 'may not create, update',
      });
    });

    it('tell nothing while it stays denied, with or without a copy', () => {
      expect(told(denied, denied)).to.deep.equal([]);
      expect(told(denied, { ...denied, state: 'Stale' })).to.deep.equal([]);
    });

    it('tell again when other verbs are missing', () => {
      expect(told(denied, { ...denied, missingVerbs: ['create'] })).to.deep.equal([
        'Warning NamespaceDenied prod',
      ]);
    });

    it('tell that it is allowed again, whatever came of it', () => {
      expect(told(denied, target('prod', 'Synced'))).to.deep.equal(['Normal NamespaceAllowed prod']);
      expect(told(denied, target('prod', 'Conflict', { reason: 'NotOurs' }))).to.deep.equal([
        'Normal NamespaceAllowed prod',
        'Warning TargetConflict prod',
      ]);
    });

    it('tell nothing of rights that were not judged again', () => {
      expect(told(denied, target('prod', 'Pending'))).to.deep.equal([]);
      expect(
        told({ ...denied, state: 'Stale' }, target('prod', 'Stale', { reason: 'SourceDenied' })),
      ).to.deep.equal([]);
    });

    it('tell of a copy that lost its identity or source by the condition alone', () => {
      const stale = target('prod', 'Stale', { reason: 'SourceDenied' });

      expect(told(target('prod', 'Synced'), stale)).to.deep.equal([]);
      expect(told(stale, target('prod', 'Synced'))).to.deep.equal([]);
    });

    for (const [state, reason] of [
      ['Conflict', 'TargetConflict'],
      ['NamespaceNotFound', 'NamespaceNotFound'],
      ['Failed', 'SyncFailed'],
    ] as const) {
      it(`tell ${reason} on entering ${state}, and again for another reason, but not while it stays`, () => {
        const now = target('prod', state, { reason: 'Why' });

        expect(told(undefined, now)).to.deep.equal([`Warning ${reason} prod`]);
        expect(told(target('prod', 'Synced'), now)).to.deep.equal([`Warning ${reason} prod`]);
        expect(told(now, { ...now, message: 'in other words' })).to.deep.equal([]);
        expect(told(now, { ...now, reason: 'Else' })).to.deep.equal([`Warning ${reason} prod`]);
      });
    }

    it('tell nothing of what is well, waits or is skipped', () => {
      for (const state of ['Synced', 'Pending', 'Skipped', 'Terminating'] as const) {
        expect(told(undefined, target('prod', state))).to.deep.equal([]);
      }
    });
  });

  describe('for a condition', () => {
    const cases = [
      ['ValidServiceAccount', 'ServiceAccountNotFound', 'ServiceAccountNotFound'],
      ['ValidServiceAccount', 'TokenRequestDenied', 'TokenRequestDenied'],
      ['ValidServiceAccount', 'IdentityMismatch', 'SyncFailed'],
      ['SourceConfigMapFound', 'ConfigMapNotFound', 'SourceNotFound'],
      ['SourceConfigMapFound', 'SourceNamespaceNotFound', 'SourceNotFound'],
      ['SourceConfigMapFound', 'SourceDenied', 'SourceDenied'],
    ] as const;
    for (const [type, reason, event] of cases) {
      it(`tell ${event} on entering ${reason}, but not while it stays`, () => {
        const failed = statusOf([], [condition(type, 'False', reason)]);
        const well = statusOf([], [condition(type, 'True', 'Fine')]);
        const expected: StatusEvent[] = [{ type: 'Warning', reason: event, note: `${reason}, in words` }];

        expect(eventsBetween(undefined, failed, NO_WORK)).to.deep.equal(expected);
        expect(eventsBetween(well, failed, NO_WORK)).to.deep.equal(expected);
        expect(eventsBetween(failed, failed, NO_WORK)).to.deep.equal([]);
        expect(eventsBetween(failed, well, NO_WORK)).to.deep.equal([]);
      });
    }

    it('leave manifests to the condition, and say so', () => {
      const message = 'no token. To grant it, apply:\n---\nkind: Role\n';
      const refused = statusOf(
        [],
        [condition('ValidServiceAccount', 'False', 'TokenRequestDenied', message)],
      );

      const [event] = eventsBetween(undefined, refused, NO_WORK);

      expect(event?.note).to.equal('no token. To grant it, apply: what condition ValidServiceAccount holds');
    });

    it('tell when one reason follows another', () => {
      const [first, second] = ['ConfigMapNotFound', 'SourceDenied'].map((reason) =>
        statusOf([], [condition('SourceConfigMapFound', 'False', reason)]),
      );

      expect(eventsBetween(first, second!, NO_WORK).map(({ reason }) => reason)).to.deep.equal([
        'SourceDenied',
      ]);
    });
  });

  describe('for the work that was done', () => {
    it('are one, with the counts', () => {
      const work = { ...NO_WORK, created: 2, updated: 1, deleted: 3 };

      expect(eventsBetween(undefined, statusOf([]), work)).to.deep.equal([
        { type: 'Normal', reason: 'Synced', note: 'copies: 2 created, 1 updated, 3 removed' },
      ]);
    });

    it('are none where there was none', () => {
      expect(eventsBetween(undefined, statusOf([]), NO_WORK)).to.deep.equal([]);
    });

    it('name what could not be removed', () => {
      const leftovers = [{ namespace: 'prod', name: 'old', message: 'may not delete it' }];

      const [event] = eventsBetween(undefined, statusOf([]), { ...NO_WORK, deleted: 1 }, leftovers);

      expect(event?.note).to.equal('copies: 0 created, 0 updated, 1 removed; could not remove prod/old');
    });
  });

  it('tell what one ServiceAccount is refused, whatever another one was refused before it', () => {
    const sourceDenied = condition('SourceConfigMapFound', 'False', 'SourceDenied');
    const [first, second] = ['one', 'other'].map((serviceAccount) => ({
      ...statusOf([denied], [sourceDenied]),
      serviceAccount,
    }));

    const reasons = eventsBetween(first, second!, NO_WORK).map(({ reason }) => reason);

    expect(reasons).to.deep.equal(['SourceDenied', 'NamespaceDenied']);
  });

  it('are none between equal statuses, whatever they hold: a restart repeats nothing', () => {
    const anyTarget = fc.record({
      namespace: fc.constantFrom('a', 'b', 'c'),
      state: fc.constantFrom(...TARGET_STATES),
      reason: fc.constantFrom('MissingPermissions', 'NotOurs'),
      missingVerbs: fc.subarray([...VERBS]),
      lastTransitionTime: fc.constant('2026-01-02T03:04:05Z'),
    });
    const anyCondition = fc.record({
      type: fc.constantFrom('ValidServiceAccount' as const, 'SourceConfigMapFound' as const),
      status: fc.constantFrom('True' as const, 'False' as const, 'Unknown' as const),
      reason: fc.constantFrom('ServiceAccountNotFound', 'ConfigMapNotFound', 'SourceDenied', 'NotEvaluated'),
    });
    const status = fc
      .record({
        targets: fc.uniqueArray(anyTarget, { selector: ({ namespace }) => namespace }),
        conditions: fc.uniqueArray(anyCondition, { selector: ({ type }) => type }),
      })
      .map(({ targets, conditions }) =>
        statusOf(
          targets,
          conditions.map(({ type, status: value, reason }) => condition(type, value, reason)),
        ),
      );
    fc.assert(
      fc.property(status, (same) => {
        expect(eventsBetween(same, structuredClone(same), NO_WORK)).to.deep.equal([]);
      }),
    );
  });
});

describe('a list in a message', () => {
  it('is sorted and whole up to 20', () => {
    expect(firstOf(['b', 'c', 'a'], ' ')).to.equal('a b c');
    expect(firstOf([], ' ')).to.equal('');
    expect(firstOf(numbered(20), ' ').split(' ')).to.have.length(20);
  });

  it('names the first 20 and counts the rest beyond', () => {
    expect(firstOf(numbered(22).reverse(), ' ')).to.equal(`${numbered(20).join(' ')} and 2 more`);
  });
});

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `ns-${String(index).padStart(2, '0')}`);
}

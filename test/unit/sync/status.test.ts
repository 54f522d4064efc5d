import { expect } from 'chai';
import fc from 'fast-check';
import {
  type ConfigMapSyncStatus,
  MAX_TARGETS,
  MAX_TARGET_MESSAGE,
  TARGET_STATES,
  type Verb,
} from '../../../src/api/v1alpha1/config-map-sync-status.js';
import { CONDITION_TYPES, MAX_CONDITION_MESSAGE } from '../../../src/api/v1alpha1/condition.js';
import { StatusDraft } from '../../../src/controller/status-draft.js';
import { SYNCED } from '../../../src/sync/outcomes.js';
import { syncObject } from '../../support/sync-object.js';

const FIRST = '2026-01-02T03:04:05Z';
const LATER = '2026-01-02T04:00:00Z';
const username = 'system:serviceaccount:team-a:default';

function draft(before?: ConfigMapSyncStatus, now = FIRST): StatusDraft {
  return new StatusDraft(syncObject({ ...(before && { status: before }) }), username, now);
}

/** Enters a visit where everything is well, but for what the test enters afterwards. */
function allIsWell(next: StatusDraft): StatusDraft {
  next.pass('ValidServiceAccount', 'ServiceAccountValid');
  next.pass('SourceConfigMapFound', 'ConfigMapFound');
  next.pass('TargetsAuthorized', 'AllTargetsAuthorized');
  next.pass('AllTargetsSynced', 'AllConfigMapsSynced');
  next.source('7', 'sha256:aa');
  next.target('prod', SYNCED);
  return next;
}

function conditionsOf(status: ConfigMapSyncStatus): string[] {
  return (status.conditions ?? []).map(({ type, status: value, reason }) => `${type} ${value} ${reason}`);
}

describe('the status of a visit', () => {
  it('holds everything that was found', () => {
    const next = allIsWell(draft());
    next.target('dev', {
      state: 'Denied',
      reason: 'MissingPermissions',
      message: 'no',
      missingVerbs: ['get'],
    });
    next.target('team-a', { state: 'Skipped', reason: 'SourceItself' });
    next.leftover('old', { state: 'Stale', reason: 'CleanupBlocked', message: 'still there' });

    const { conditions, ...status } = next.build();

    expect(status).to.deep.equal({
      observedGeneration: 1,
      serviceAccount: username,
      summary: '1/2',
      wantedTargets: 2,
      syncedTargets: 1,
      deniedTargets: 2,
      sourceResourceVersion: '7',
      contentHash: 'sha256:aa',
      targets: [
        {
          namespace: 'dev',
          state: 'Denied',
          reason: 'MissingPermissions',
          message: 'no',
          missingVerbs: ['get'],
          lastTransitionTime: FIRST,
        },
        {
          namespace: 'old',
          state: 'Stale',
          reason: 'CleanupBlocked',
          message: 'still there',
          lastTransitionTime: FIRST,
        },
        { namespace: 'prod', state: 'Synced', reason: 'ConfigMapSynced', lastTransitionTime: FIRST },
        { namespace: 'team-a', state: 'Skipped', reason: 'SourceItself', lastTransitionTime: FIRST },
      ],
    });
    expect(conditions?.map(({ type, observedGeneration }) => [type, observedGeneration])).to.deep.equal(
      CONDITION_TYPES.map((type) => [type, 1]),
    );
  });

  it('is unknown where nobody has looked', () => {
    expect(conditionsOf(draft().build())).to.deep.equal([
      'ValidServiceAccount Unknown NotEvaluated',
      'SourceConfigMapFound Unknown NotEvaluated',
      'TargetsAuthorized Unknown NotEvaluated',
      'AllTargetsSynced Unknown NotEvaluated',
      'Ready Unknown NotEvaluated',
    ]);
  });

  it('leaves undecided what an earlier failure leaves undecided, whatever it was before', () => {
    const next = draft(allIsWell(draft()).build(), LATER);
    next.fail('ValidServiceAccount', 'ServiceAccountNotFound', 'gone');

    expect(conditionsOf(next.build())).to.deep.equal([
      'ValidServiceAccount False ServiceAccountNotFound',
      'SourceConfigMapFound Unknown NotEvaluated',
      'TargetsAuthorized Unknown NotEvaluated',
      'AllTargetsSynced Unknown NotEvaluated',
      'Ready False ServiceAccountNotFound',
    ]);
  });

  describe('says of Ready', () => {
    const ready = (next: StatusDraft): string | undefined => conditionsOf(next.build()).at(-1);

    it('that it is, where all is well', () => {
      expect(ready(allIsWell(draft()))).to.equal('Ready True ReconciliationComplete');
    });

    it('the reason of the first condition that failed', () => {
      const next = allIsWell(draft());
      next.fail('AllTargetsSynced', 'SomeTargetsNotSynced', 'not all');
      expect(ready(next)).to.equal('Ready False SomeTargetsNotSynced');

      next.fail('TargetsAuthorized', 'MissingPermissions', 'denied');
      expect(ready(next)).to.equal('Ready False MissingPermissions');
    });

    it('what was said of it itself, before all else', () => {
      const next = allIsWell(draft());
      next.fail('TargetsAuthorized', 'MissingPermissions', 'denied');
      next.notReady('CleanupBlocked', 'still there');

      expect(ready(next)).to.equal('Ready False CleanupBlocked');
    });
  });

  describe('moves times', () => {
    it('of conditions only with their status', () => {
      const before = allIsWell(draft()).build();
      const next = allIsWell(draft(before, LATER));
      next.fail('AllTargetsSynced', 'NoTargets', 'none');

      const times = next
        .build()
        .conditions?.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]);

      expect(times).to.deep.equal([
        ['ValidServiceAccount', FIRST],
        ['SourceConfigMapFound', FIRST],
        ['TargetsAuthorized', FIRST],
        ['AllTargetsSynced', LATER],
        ['Ready', LATER],
      ]);
    });

    it('of targets only with their state, whatever else is said of them', () => {
      const first = allIsWell(draft());
      first.target('prod', { state: 'Failed', reason: 'Conflict', message: 'one' });
      const same = allIsWell(draft(first.build(), LATER));
      same.target('prod', { state: 'Failed', reason: 'Timeout', message: 'two' });
      const other = allIsWell(draft(first.build(), LATER));

      expect(same.build().targets?.[0]?.lastTransitionTime).to.equal(FIRST);
      expect(other.build().targets?.[0]?.lastTransitionTime).to.equal(LATER);
    });
  });

  describe('needs no write', () => {
    it('where nothing is new but the time', () => {
      const before = allIsWell(draft()).build();
      const next = allIsWell(draft(structuredClone(before), LATER));

      expect(next.equals(next.build())).to.equal(true);
    });

    it('where only the version of the source moved, not its content', () => {
      const before = allIsWell(draft()).build();
      const next = allIsWell(draft(before, LATER));
      next.source('8', 'sha256:aa');

      expect(next.equals(next.build())).to.equal(true);
    });

    it('but needs one for anything else, and at the first visit', () => {
      const before = allIsWell(draft()).build();
      const renewed = allIsWell(draft(before, LATER));
      renewed.source('8', 'sha256:bb');
      const worse = allIsWell(draft(before, LATER));
      worse.target('prod', { state: 'Denied', reason: 'MissingPermissions' });
      const first = draft();

      expect(renewed.equals(renewed.build())).to.equal(false);
      expect(renewed.build()).to.include({ sourceResourceVersion: '8', contentHash: 'sha256:bb' });
      expect(worse.equals(worse.build())).to.equal(false);
      expect(first.equals(first.build())).to.equal(false);
    });

    it('whatever was found, where the same is found again', () => {
      const outcomes = fc.dictionary(
        fc.constantFrom('a', 'b', 'c', 'd'),
        fc.record({
          state: fc.constantFrom(...TARGET_STATES),
          reason: fc.constantFrom('X', 'Y'),
          message: fc.string(),
        }),
      );
      const failures = fc.subarray([...CONDITION_TYPES].filter((type) => type !== 'Ready'));
      const visit = (before: ConfigMapSyncStatus | undefined, now: string, found: Found): StatusDraft => {
        const next = draft(before, now);
        for (const [namespace, outcome] of Object.entries(found.outcomes)) next.target(namespace, outcome);
        for (const type of found.failures) next.fail(type, 'Why', 'because');
        return next;
      };
      interface Found {
        outcomes: Record<string, { state: (typeof TARGET_STATES)[number]; reason: string; message: string }>;
        failures: (typeof CONDITION_TYPES)[number][];
      }
      fc.assert(
        fc.property(outcomes, failures, (found, failed) => {
          const first = visit(undefined, FIRST, { outcomes: found, failures: failed }).build();
          const second = visit(first, LATER, { outcomes: found, failures: failed });
          expect(second.equals(second.build())).to.equal(true);
        }),
      );
    });
  });

  it('keeps what was last known of the source where nobody looked at it', () => {
    const next = draft(allIsWell(draft()).build(), LATER);

    expect(next.build()).to.include({ sourceResourceVersion: '7', contentHash: 'sha256:aa' });
  });

  it('of a suspended one is as it was, but for what is said of it', () => {
    const before = allIsWell(draft()).build();
    const next = draft(before, LATER);
    next.keep();
    next.notReady('Suspended', 'spec.suspend is true');

    const { conditions, ...rest } = next.build();
    const { conditions: conditionsBefore, ...restBefore } = before;
    expect(rest).to.deep.equal(restBefore);
    expect(conditions?.slice(0, 4)).to.deep.equal(conditionsBefore?.slice(0, 4));
    expect(conditions?.[4]).to.include({ status: 'False', reason: 'Suspended', lastTransitionTime: LATER });
  });

  it('of one that was suspended from the start is complete', () => {
    const next = draft();
    next.keep();
    next.notReady('Suspended', 'spec.suspend is true');

    expect(conditionsOf(next.build())).to.deep.equal([
      'ValidServiceAccount Unknown NotEvaluated',
      'SourceConfigMapFound Unknown NotEvaluated',
      'TargetsAuthorized Unknown NotEvaluated',
      'AllTargetsSynced Unknown NotEvaluated',
      'Ready False Suspended',
    ]);
  });

  describe('fits into what the API server takes', () => {
    it('by cutting messages between two characters, counted as the API server counts them', () => {
      const next = draft();
      next.fail('ValidServiceAccount', 'TokenRequestDenied', '𝒳'.repeat(MAX_CONDITION_MESSAGE + 1));
      next.target('prod', { state: 'Failed', reason: 'Why', message: '𝒳'.repeat(MAX_TARGET_MESSAGE) });

      const { conditions, targets } = next.build();

      const message = Array.from(conditions?.[0]?.message ?? '');
      expect(message).to.have.length(MAX_CONDITION_MESSAGE);
      expect(message.at(-1)).to.equal('…');
      expect(message.at(-2)).to.equal('𝒳');
      expect(Array.from(targets?.[0]?.message ?? '')).to.have.length(MAX_TARGET_MESSAGE);
      expect(targets?.[0]?.message?.endsWith('…')).to.equal(false);
    });

    it('by leaving out targets in step first, where there are too many, without miscounting them', () => {
      const next = draft();
      for (let n = 0; n < MAX_TARGETS; n += 1) next.target(`ns-${n}`, SYNCED);
      next.target('zz-denied', { state: 'Denied', reason: 'MissingPermissions' });

      const status = next.build();

      expect(status.targets).to.have.length(MAX_TARGETS);
      expect(status.targets?.at(-1)).to.include({ namespace: 'zz-denied' });
      expect(status.summary).to.equal(`${MAX_TARGETS}/${MAX_TARGETS + 1}`);
    });

    for (const [targets, message] of [
      [
        MAX_TARGETS,
        `${username} may not get, create, update, delete configmaps in namespace "${'n'.repeat(63)}"`,
      ],
      [1000, 'a webhook <"says"> more than enough & more 𝒳\n'.repeat(90)],
    ] as const) {
      it(`by cutting messages where ${targets} targets have ${message.length} characters to tell each`, () => {
        const next = draft();
        const missingVerbs: Verb[] = ['get', 'create', 'update', 'delete'];
        for (let n = 0; n < targets; n += 1) {
          const namespace = `${'n'.repeat(58)}-${1000 + n}`;
          next.target(namespace, { state: 'Denied', reason: 'MissingPermissions', message, missingVerbs });
        }
        next.target('a-short-one', { state: 'Failed', reason: 'Invalid', message: 'short' });
        next.target('zz', SYNCED);

        const status = next.build();

        const listed = Math.min(targets + 2, MAX_TARGETS);
        expect(status.targets).to.have.length(listed);
        const json = JSON.stringify({ ...syncObject(), status }).replace(/[<>&]/g, '\\u0000');
        expect(Buffer.byteLength(json)).to.be.within(1.2 * 1024 * 1024, 1.5 * 1024 * 1024);
        expect(status.targets?.[0]).to.include({ namespace: 'a-short-one', message: 'short' });
        expect(status.targets?.[1]?.message).to.satisfy((cut: string) =>
          message.startsWith(cut.slice(0, -1)),
        );
        expect(status.targets?.every(({ namespace }) => namespace !== '')).to.equal(true);
      });
    }
  });
});

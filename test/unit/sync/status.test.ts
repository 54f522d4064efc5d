import { expect } from 'chai';
import fc from 'fast-check';
import { CONDITION_TYPES, MAX_CONDITION_MESSAGE } from '../../../src/api/v1alpha1/condition.js';
import {
  MAX_TARGETS,
  type ConfigMapSyncStatus,
  MAX_COPIES,
  MAX_TARGET_MESSAGE,
  TARGET_STATES,
} from '../../../src/api/v1alpha1/config-map-sync-status.js';
import type { Verb } from '../../../src/api/v1alpha1/config-map-sync-status.js';
import { deniedOutcome, KEPT, NOT_EVALUATED, SYNCED } from '../../../src/sync/outcomes.js';
import { type SyncResult, type TargetOutcome } from '../../../src/sync/result.js';
import { sameStatus, statusOf } from '../../../src/sync/status.js';
import { copiesOf, failed, planOf, resultOf, username } from './results.js';
import { syncObject } from '../../support/sync-object.js';

const FIRST = '2026-01-02T03:04:05Z';
const LATER = '2026-01-02T04:00:00Z';

/** `prod` is in sync. */
function allIsWell(): SyncResult {
  return resultOf(planOf({ syncToNamespaces: ['prod'] }), { prod: SYNCED }, { copies: copiesOf('prod') });
}

function conditionsOf(status: ConfigMapSyncStatus): string[] {
  return (status.conditions ?? []).map(({ type, status: value, reason }) => `${type} ${value} ${reason}`);
}

function conditionOf(status: ConfigMapSyncStatus, type: string): string {
  const found = status.conditions?.find((condition) => condition.type === type);
  return `${found?.status ?? ''} ${found?.reason ?? ''}: ${found?.message ?? ''}`;
}

function targetsOf(status: ConfigMapSyncStatus): string[] {
  return (status.targets ?? []).map(({ namespace, state, reason = '' }) => `${namespace} ${state} ${reason}`);
}

describe('the status of a ConfigMapSync', () => {
  it('holds everything that was found', () => {
    const denied = deniedOutcome(username, 'dev', ['get'], false);
    const left: TargetOutcome = { state: 'Stale', reason: 'CleanupBlocked', message: 'still there' };
    const result = resultOf(
      planOf({ syncToNamespaces: ['dev', 'prod', 'team-a'] }),
      { prod: SYNCED, dev: denied, old: left },
      { copies: copiesOf('prod', 'old') },
    );

    const { conditions, ...status } = statusOf(undefined, result, FIRST);

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
          message: `${username} may not get configmaps in namespace "dev"`,
          missingVerbs: ['get'],
          lastTransitionTime: FIRST,
        },
        {
          namespace: 'old',
          state: 'Stale',
          reason: 'CleanupBlocked',
          message: 'still there',
          copies: [{ name: 'shared', uid: 'uid-old' }],
          lastTransitionTime: FIRST,
        },
        {
          namespace: 'prod',
          state: 'Synced',
          reason: 'ConfigMapSynced',
          copies: [{ name: 'shared', uid: 'uid-prod' }],
          lastTransitionTime: FIRST,
        },
        {
          namespace: 'team-a',
          state: 'Skipped',
          reason: 'SourceItself',
          message: "it is the source's own place",
          lastTransitionTime: FIRST,
        },
      ],
    });
    expect(conditions?.map(({ type, observedGeneration }) => [type, observedGeneration])).to.deep.equal(
      CONDITION_TYPES.map((type) => [type, 1]),
    );
  });

  it('is unknown where nobody has looked', () => {
    const plan = planOf({ syncToNamespaces: ['prod'] }, { purpose: 'hold', conditions: {} });

    expect(conditionsOf(statusOf(undefined, resultOf(plan), FIRST))).to.deep.equal([
      'ValidServiceAccount Unknown NotEvaluated',
      'SourceConfigMapFound Unknown NotEvaluated',
      'TargetsAuthorized Unknown NotEvaluated',
      'AllTargetsSynced Unknown NotEvaluated',
      'Ready Unknown NotEvaluated',
    ]);
  });

  it('leaves undecided what an earlier failure leaves undecided, whatever it was before', () => {
    const previous = statusOf(undefined, allIsWell(), FIRST);
    const conditions = { ValidServiceAccount: failed('ServiceAccountNotFound', 'gone') };
    const plan = planOf({ syncToNamespaces: ['prod'] }, { purpose: 'hold', conditions });

    expect(conditionsOf(statusOf(previous, resultOf(plan), LATER))).to.deep.equal([
      'ValidServiceAccount False ServiceAccountNotFound',
      'SourceConfigMapFound Unknown NotEvaluated',
      'TargetsAuthorized Unknown NotEvaluated',
      'AllTargetsSynced Unknown NotEvaluated',
      'Ready False ServiceAccountNotFound',
    ]);
  });

  describe('says of Ready', () => {
    const ready = (result: SyncResult): string | undefined =>
      conditionsOf(statusOf(undefined, result, FIRST)).at(-1);

    it('that it is, where all is well', () => {
      expect(ready(allIsWell())).to.equal('Ready True ReconciliationComplete');
    });

    it('the reason of the first condition that failed', () => {
      const plan = planOf({ syncToNamespaces: ['prod', 'dev'] });
      const refused: TargetOutcome = { state: 'Failed', reason: 'Invalid', message: 'no' };

      expect(ready(resultOf(plan, { prod: refused, dev: SYNCED }))).to.equal(
        'Ready False SomeTargetsNotSynced',
      );
      const denied = deniedOutcome(username, 'dev', ['get'], false);
      expect(ready(resultOf(plan, { prod: refused, dev: denied }))).to.equal(
        'Ready False MissingPermissions',
      );
    });

    it('what failed before what is only not known yet', () => {
      const plan = planOf({ syncToNamespaces: ['prod', 'dev'] });
      const denied = deniedOutcome(username, 'dev', ['get'], false);
      const result = resultOf(plan, { dev: denied }, { underWay: new Map([['prod', undefined]]) });

      expect(ready(result)).to.equal('Ready False MissingPermissions');
    });

    it('what was said of it itself, before all else', () => {
      const left = [{ namespace: 'prod', name: 'shared', message: 'still there' }];
      const plan = planOf({ syncToNamespaces: ['prod'] }, { purpose: 'finalize', leftovers: left });

      expect(ready(resultOf(plan))).to.equal('Ready False CleanupBlocked');
    });
  });

  describe('judges the targets', () => {
    it('well where every one is in step', () => {
      const status = statusOf(undefined, allIsWell(), FIRST);

      expect(conditionOf(status, 'TargetsAuthorized')).to.equal('True AllTargetsAuthorized: ');
      expect(conditionOf(status, 'AllTargetsSynced')).to.equal('True AllConfigMapsSynced: ');
    });

    it('by naming each denied namespace and its missing verbs in the usual words', () => {
      const result = resultOf(planOf({ syncToNamespaces: ['a', 'b', 'c'] }), {
        b: deniedOutcome(username, 'b', ['delete'], true),
        c: SYNCED,
        a: deniedOutcome(username, 'a', ['create', 'update'], false),
      });
      const status = statusOf(undefined, result, FIRST);

      expect(conditionOf(status, 'TargetsAuthorized')).to.equal(
        `False MissingPermissions: insufficient permissions on service account ${username}. Not authorized to create, update or delete configmaps in the following namespaces [a b]; missing verbs: a: create, update; b: delete`,
      );
      expect(conditionOf(status, 'AllTargetsSynced')).to.equal(
        'False SomeTargetsNotSynced: 1 of 3 targets are in step; not: a (Denied), b (Stale)',
      );
    });

    it('as missing where there are none, without the source’s own place', () => {
      const status = statusOf(undefined, resultOf(planOf({ syncToNamespaces: ['team-a'] })), FIRST);

      expect(conditionOf(status, 'AllTargetsSynced')).to.match(/^False NoTargets: /);
      expect(targetsOf(status)).to.deep.equal(['team-a Skipped SourceItself']);
      expect(status.summary).to.equal('0/0');
    });

    it('by naming the keys that the source lacks, whether or not the rest is well', () => {
      const content = { resourceVersion: '7', hash: 'sha256:aa', missingKeys: ['ca.crt'] };
      const plan = planOf({ syncToNamespaces: ['prod'] }, { content });
      const message = (outcome: TargetOutcome): string =>
        conditionOf(statusOf(undefined, resultOf(plan, { prod: outcome }), FIRST), 'AllTargetsSynced');

      expect(message(SYNCED)).to.equal(
        'True AllConfigMapsSynced: the source lacks these of spec.keys: ca.crt',
      );
      expect(message(deniedOutcome(username, 'prod', ['get'], false))).to.match(
        /; the source lacks these of spec\.keys: ca\.crt$/,
      );
    });
  });

  describe('of targets that are under way', () => {
    const plan = planOf({ syncToNamespaces: ['dev', 'prod'] });
    const underWay = new Map([['prod', undefined]]);

    it('keeps what they were, and says that it waits', () => {
      const previous = statusOf(undefined, resultOf(plan, { dev: SYNCED, prod: SYNCED }), FIRST);
      const status = statusOf(previous, resultOf(plan, { dev: SYNCED }, { underWay }), LATER);

      expect(targetsOf(status)).to.deep.equal(['dev Synced ConfigMapSynced', 'prod Synced ConfigMapSynced']);
      expect(status.targets?.[1]?.lastTransitionTime).to.equal(FIRST);
      expect(conditionOf(status, 'AllTargetsSynced')).to.equal(
        'Unknown Progressing: waiting for 1 of 2 targets: prod',
      );
      expect(conditionOf(status, 'Ready')).to.match(/^Unknown Progressing: /);
    });

    it('calls them pending where they were nothing yet', () => {
      const status = statusOf(undefined, resultOf(plan, { dev: SYNCED }, { underWay }), FIRST);

      expect(targetsOf(status)).to.deep.equal(['dev Synced ConfigMapSynced', 'prod Pending NotEvaluated']);
      expect(status.summary).to.equal('1/2');
      expect(conditionOf(status, 'AllTargetsSynced')).to.match(/^Unknown Progressing: /);
    });

    it('says why the last attempt told nothing', () => {
      const why = new Map([['prod', 'the API server is too busy']]);
      const status = statusOf(undefined, resultOf(plan, { dev: SYNCED }, { underWay: why }), FIRST);

      expect(conditionOf(status, 'AllTargetsSynced')).to.equal(
        'Unknown Progressing: waiting for 1 of 2 targets: prod (the API server is too busy)',
      );
    });

    it('does not wait where another one has failed', () => {
      const refused: TargetOutcome = { state: 'Failed', reason: 'Invalid', message: 'no' };
      const status = statusOf(undefined, resultOf(plan, { dev: refused }, { underWay }), FIRST);

      expect(conditionOf(status, 'AllTargetsSynced')).to.match(
        /^False SomeTargetsNotSynced: .*not: dev \(Failed\)$/,
      );
    });

    it('shows a copy as soon as it is recorded, whatever is known of its target', () => {
      const copies = copiesOf('prod');
      const status = statusOf(undefined, resultOf(plan, { dev: SYNCED }, { underWay, copies }), FIRST);

      expect(status.targets?.[1]).to.deep.include({ state: 'Pending', copies: copies.get('prod') });
    });
  });

  describe('of targets about which nothing was to be asked', () => {
    const stale: TargetOutcome = { state: 'Stale', reason: 'SourceDenied', message: 'not any more' };

    it('is what the plan says', () => {
      const settled = new Map([
        ['a', stale],
        ['b', KEPT],
        ['c', NOT_EVALUATED],
      ]);
      const plan = planOf({ syncToNamespaces: ['a', 'b', 'c'] }, { purpose: 'hold', settled });

      expect(targetsOf(statusOf(undefined, resultOf(plan), FIRST))).to.deep.equal([
        'a Stale SourceDenied',
        'b Pending CopyKept',
        'c Pending NotEvaluated',
      ]);
    });

    it('lists a namespace that is none any more only while a copy is left there', () => {
      const plan = planOf({ syncToNamespaces: ['prod'] }, { settled: new Map([['old', stale]]) });

      const left = statusOf(undefined, resultOf(plan, { prod: SYNCED }, { copies: copiesOf('old') }), FIRST);
      const gone = statusOf(left, resultOf(plan, { prod: SYNCED }), LATER);

      expect(targetsOf(left)).to.deep.equal(['old Stale SourceDenied', 'prod Synced ConfigMapSynced']);
      expect(targetsOf(gone)).to.deep.equal(['prod Synced ConfigMapSynced']);
    });
  });

  it("has one line for the source's own place, of the copy that is left there", () => {
    const left: TargetOutcome = { state: 'Stale', reason: 'CleanupBlocked', message: 'still there' };
    const plan = planOf({ syncToNamespaces: ['team-a'] });
    const copies = new Map([['team-a', [{ name: 'former', uid: 'uid-former' }]]]);

    expect(
      targetsOf(statusOf(undefined, resultOf(plan, { 'team-a': left }, { copies }), FIRST)),
    ).to.deep.equal(['team-a Stale CleanupBlocked']);
  });

  it('still records a copy that is the source now: it may be a copy again', () => {
    const plan = planOf({ syncToNamespaces: ['team-a'] });
    const status = statusOf(undefined, resultOf(plan, {}, { copies: copiesOf('team-a') }), FIRST);

    expect(status.targets?.[0]).to.deep.include({
      state: 'Skipped',
      copies: [{ name: 'shared', uid: 'uid-team-a' }],
    });
  });

  describe('moves times', () => {
    it('of conditions only with their status', () => {
      const previous = statusOf(undefined, allIsWell(), FIRST);
      const refused: TargetOutcome = { state: 'Failed', reason: 'Invalid', message: 'no' };
      const next = statusOf(
        previous,
        resultOf(planOf({ syncToNamespaces: ['prod'] }), { prod: refused }),
        LATER,
      );

      expect(
        next.conditions?.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]),
      ).to.deep.equal([
        ['ValidServiceAccount', FIRST],
        ['SourceConfigMapFound', FIRST],
        ['TargetsAuthorized', FIRST],
        ['AllTargetsSynced', LATER],
        ['Ready', LATER],
      ]);
    });

    it('of targets only with their state, whatever else is said of them', () => {
      const plan = planOf({ syncToNamespaces: ['prod'] });
      const one: TargetOutcome = { state: 'Failed', reason: 'Conflict', message: 'one' };
      const two: TargetOutcome = { state: 'Failed', reason: 'Timeout', message: 'two' };
      const first = statusOf(undefined, resultOf(plan, { prod: one }), FIRST);
      const same = statusOf(first, resultOf(plan, { prod: two }), LATER);
      const other = statusOf(first, resultOf(plan, { prod: SYNCED }), LATER);

      expect(same.targets?.[0]).to.include({ reason: 'Timeout', lastTransitionTime: FIRST });
      expect(other.targets?.[0]?.lastTransitionTime).to.equal(LATER);
    });
  });

  describe('needs no write', () => {
    it('where nothing is new but the time', () => {
      const previous = statusOf(undefined, allIsWell(), FIRST);

      expect(sameStatus(statusOf(structuredClone(previous), allIsWell(), LATER), previous)).to.equal(true);
    });

    it('where only the version of the source moved, not its content', () => {
      const previous = statusOf(undefined, allIsWell(), FIRST);
      const content = { resourceVersion: '8', hash: 'sha256:aa', missingKeys: [] };
      const result = resultOf(
        planOf({ syncToNamespaces: ['prod'] }, { content }),
        { prod: SYNCED },
        { copies: copiesOf('prod') },
      );

      expect(sameStatus(statusOf(previous, result, LATER), previous)).to.equal(true);
    });

    it('but needs one for anything else, and at the first visit', () => {
      const previous = statusOf(undefined, allIsWell(), FIRST);
      const content = { resourceVersion: '8', hash: 'sha256:bb', missingKeys: [] };
      const renewed = statusOf(
        previous,
        resultOf(planOf({ syncToNamespaces: ['prod'] }, { content }), { prod: SYNCED }),
        LATER,
      );
      const lost = statusOf(previous, { ...allIsWell(), copies: new Map() }, LATER);

      expect(sameStatus(renewed, previous)).to.equal(false);
      expect(renewed).to.include({ sourceResourceVersion: '8', contentHash: 'sha256:bb' });
      expect(sameStatus(lost, previous)).to.equal(false);
      expect(sameStatus(previous, undefined)).to.equal(false);
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
      const purposes = fc.constantFrom('sync', 'hold', 'suspend', 'finalize', 'unknown');
      const held = fc.subarray(['a', 'b', 'c', 'e']);
      fc.assert(
        fc.property(outcomes, purposes, held, (found, purpose, namespaces) => {
          const plan = planOf({ syncToNamespaces: ['a', 'b', 'c'] }, { purpose });
          const result = resultOf(plan, found, { copies: copiesOf(...namespaces) });
          const first = statusOf(undefined, result, FIRST);
          expect(sameStatus(statusOf(first, result, LATER), first)).to.equal(true);
          // What is told already is in the status, and nowhere else.
          expect(sameStatus(statusOf(first, { ...result, targets: new Map() }, LATER), first)).to.equal(true);
        }),
      );
    });
  });

  it('keeps what was last known of the source where nobody looked at it', () => {
    const previous = statusOf(undefined, allIsWell(), FIRST);
    const plan = planOf({ syncToNamespaces: ['prod'] }, { purpose: 'hold' });
    delete plan.content;

    expect(statusOf(previous, resultOf(plan), LATER)).to.include({
      sourceResourceVersion: '7',
      contentHash: 'sha256:aa',
    });
  });

  for (const [purpose, verdict] of [
    ['suspend', { status: 'False', reason: 'Suspended', message: 'spec.suspend is true' }],
    ['unknown', { status: 'Unknown', reason: 'SyncFailed', message: 'no answer' }],
  ] as const) {
    describe(`where the plan is to ${purpose}`, () => {
      const sync = syncObject({ metadata: { generation: 2 }, spec: { syncToNamespaces: ['prod'] } });
      const plan = planOf({}, { purpose, sync, conditions: { Ready: verdict } });

      it('is as it was, but for what is said of it', () => {
        const previous = statusOf(undefined, allIsWell(), FIRST);

        const { conditions, observedGeneration, ...rest } = statusOf(previous, resultOf(plan), LATER);

        const { conditions: before, observedGeneration: generation, ...restBefore } = previous;
        expect(rest).to.deep.equal(restBefore);
        expect(observedGeneration).to.equal(purpose === 'suspend' ? 2 : generation);
        expect(conditions?.slice(0, 4).map(({ status, reason }) => [status, reason])).to.deep.equal(
          before?.slice(0, 4).map(({ status, reason }) => [status, reason]),
        );
        expect(conditions?.[4]).to.include({ ...verdict, lastTransitionTime: LATER });
      });

      it('is complete where it never was anything else', () => {
        expect(conditionsOf(statusOf(undefined, resultOf(plan), FIRST))).to.deep.equal([
          'ValidServiceAccount Unknown NotEvaluated',
          'SourceConfigMapFound Unknown NotEvaluated',
          'TargetsAuthorized Unknown NotEvaluated',
          'AllTargetsSynced Unknown NotEvaluated',
          `Ready ${verdict.status} ${verdict.reason}`,
        ]);
      });

      it('still takes up what was under way', () => {
        const previous = statusOf(undefined, allIsWell(), FIRST);
        const refused: TargetOutcome = { state: 'Failed', reason: 'Invalid', message: 'no' };

        const status = statusOf(previous, resultOf(plan, { prod: refused }), LATER);

        expect(targetsOf(status)).to.deep.equal(['prod Failed Invalid']);
      });
    });
  }

  describe('of a deletion', () => {
    const plan = planOf({ syncToNamespaces: ['prod', 'dev'] }, { purpose: 'finalize' });

    it('lists only where copies are left, and wants nothing', () => {
      const result = resultOf(
        plan,
        {},
        { copies: copiesOf('prod'), underWay: new Map([['prod', undefined]]) },
      );
      const previous = statusOf(
        undefined,
        resultOf(planOf({ syncToNamespaces: ['prod', 'dev'] }), { prod: SYNCED, dev: SYNCED }),
        FIRST,
      );

      const status = statusOf(previous, result, LATER);

      expect(targetsOf(status)).to.deep.equal(['prod Synced ConfigMapSynced']);
      expect(status).to.include({ summary: '0/0', wantedTargets: 0 });
    });
  });

  describe('fits into what the API server takes', () => {
    it('by cutting messages between two characters, counted as the API server counts them', () => {
      const conditions = {
        ValidServiceAccount: failed('TokenRequestDenied', '𝒳'.repeat(MAX_CONDITION_MESSAGE + 1)),
      };
      const result = resultOf(planOf({ syncToNamespaces: ['prod'] }, { conditions }), {
        prod: { state: 'Failed', reason: 'Why', message: '𝒳'.repeat(MAX_TARGET_MESSAGE) },
      });

      const { conditions: written, targets } = statusOf(undefined, result, FIRST);

      const message = Array.from(written?.[0]?.message ?? '');
      expect(message).to.have.length(MAX_CONDITION_MESSAGE);
      expect(message.at(-1)).to.equal('…');
      expect(message.at(-2)).to.equal('𝒳');
      expect(Array.from(targets?.[0]?.message ?? '')).to.have.length(MAX_TARGET_MESSAGE);
      expect(targets?.[0]?.message?.endsWith('…')).to.equal(false);
    });

    it('by leaving out targets in step first, where there are too many, without miscounting them', () => {
      const synced = Array.from({ length: MAX_TARGETS }, (_, n) => `ns-${n}`);
      const plan = planOf({ syncToNamespaces: [...synced, 'zz-denied'] });
      const outcomes = Object.fromEntries(synced.map((namespace) => [namespace, SYNCED]));

      const status = statusOf(
        undefined,
        resultOf(plan, { ...outcomes, 'zz-denied': deniedOutcome(username, 'zz-denied', ['get'], false) }),
        FIRST,
      );

      expect(status.targets).to.have.length(MAX_TARGETS);
      expect(status.targets?.at(-1)).to.include({ namespace: 'zz-denied' });
      expect(status.summary).to.equal(`${MAX_TARGETS}/${MAX_TARGETS + 1}`);
    });

    it('where it is suspended too, with something under way that ends', () => {
      const names = Array.from({ length: MAX_TARGETS + 1 }, (_, n) => `ns-${n}`);
      const plan = planOf({ syncToNamespaces: names }, { purpose: 'suspend' });

      expect(statusOf(undefined, resultOf(plan, { 'ns-0': SYNCED }), FIRST).targets).to.have.length(
        MAX_TARGETS,
      );
    });

    it('by naming the latest copies of a namespace only', () => {
      const copies = Array.from({ length: MAX_COPIES + 1 }, (_, n) => ({
        name: `copy-${n}`,
        uid: `uid-${n}`,
      }));
      const result = resultOf(
        planOf({ syncToNamespaces: ['prod'] }),
        { prod: SYNCED },
        { copies: new Map([['prod', copies]]) },
      );

      const [line] = statusOf(undefined, result, FIRST).targets ?? [];

      expect(line?.copies).to.deep.equal(copies.slice(1));
    });

    for (const [targets, message] of [
      [
        MAX_TARGETS,
        `${username} may not get, create, update, delete configmaps in namespace "${'n'.repeat(63)}"`,
      ],
      [1000, 'a webhook <"says"> more than enough & more 𝒳\n'.repeat(90)],
    ] as const) {
      it(`by cutting messages where ${targets} targets have ${message.length} characters to tell each`, () => {
        const missingVerbs: Verb[] = ['get', 'create', 'update', 'delete'];
        const denied: TargetOutcome = {
          state: 'Denied',
          reason: 'MissingPermissions',
          message,
          missingVerbs,
        };
        const names = Array.from({ length: targets }, (_, n) => `${'n'.repeat(58)}-${1000 + n}`);
        const outcomes = {
          ...Object.fromEntries(names.map((namespace) => [namespace, denied])),
          'a-short-one': { state: 'Failed', reason: 'Invalid', message: 'short' },
          zz: SYNCED,
        } as const;
        // As a selector finds them: the spec names none.
        const selection = { wanted: Object.keys(outcomes).sort(), skipped: undefined };

        const status = statusOf(undefined, resultOf(planOf({}, { selection }), outcomes), FIRST);

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

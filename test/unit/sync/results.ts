import type { ConfigMapSyncSpec } from '../../../src/api/v1alpha1/config-map-sync-spec.js';
import type { CopyReference } from '../../../src/api/v1alpha1/config-map-sync-status.js';
import { NO_WORK, type SyncPlan, type SyncResult, type TargetOutcome, type TargetResult, type Verdict } from '../../../src/sync/result.js';
import { selectTargets, sourceOf } from '../../../src/sync/targets.js';
import { syncObject } from '../../support/sync-object.js';

export const username = 'system:serviceaccount:team-a:default';

export const passed = (reason: string): Verdict => ({ status: 'True', reason, message: '' });
export const failed = (reason: string, message = `${reason}, in words`): Verdict => ({
  status: 'False',
  reason,
  message,
});

/** A plan for team-a/share, whose identity and source are well. */
export function planOf(spec: Partial<ConfigMapSyncSpec> = {}, rest: Partial<SyncPlan> = {}): SyncPlan {
  const sync = rest.sync ?? syncObject({ spec });
  return {
    purpose: 'sync',
    sync,
    owner: { uid: 'uid-share', namespace: 'team-a', name: 'share' },
    username,
    source: sourceOf(sync.spec, 'team-a'),
    selection: selectTargets(sync.spec, 'team-a', []),
    conditions: {
      ValidServiceAccount: passed('ServiceAccountValid'),
      SourceConfigMapFound: passed('ConfigMapFound'),
    },
    content: { resourceVersion: '7', hash: 'sha256:aa', missingKeys: [] },
    work: new Map(),
    settled: new Map(),
    since: 0,
    ...rest,
  };
}

export function targetResult(outcome?: TargetOutcome, rest: Partial<TargetResult> = {}): TargetResult {
  return {
    outcome,
    copies: undefined,
    work: NO_WORK,
    leftovers: [],
    retry: undefined,
    refused: [],
    ...rest,
  };
}

/** What is known when these targets of `plan` have come to an end. */
export function resultOf(
  plan: SyncPlan,
  outcomes: Readonly<Record<string, TargetOutcome>> = {},
  rest: Partial<Omit<SyncResult, 'plan'>> = {},
): SyncResult {
  return {
    plan,
    targets: new Map(
      Object.entries(outcomes).map(([namespace, outcome]) => [namespace, targetResult(outcome)]),
    ),
    underWay: new Map(),
    copies: new Map(),
    work: NO_WORK,
    ...rest,
  };
}

export function copiesOf(...namespaces: string[]): Map<string, readonly CopyReference[]> {
  return new Map(namespaces.map((namespace) => [namespace, [{ name: 'shared', uid: `uid-${namespace}` }]]));
}

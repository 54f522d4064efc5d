import { isDeepStrictEqual } from 'node:util';
import {
  CONDITION_TYPES,
  MAX_CONDITION_MESSAGE,
  type Condition,
  type ConditionType,
} from '../api/v1alpha1/condition.js';
import type { ConfigMapSyncStatus, Verb } from '../api/v1alpha1/config-map-sync-status.js';
import { MAX_COPIES, MAX_TARGET_MESSAGE, type TargetStatus } from '../api/v1alpha1/config-map-sync-status.js';
import {
  blockedMessage,
  missingKeysMessage,
  permissionsMessage,
  progressMessage,
  unsyncedMessage,
} from './messages.js';
import { CLEANUP_BLOCKED, isDenied, NOT_EVALUATED, outcomeOf, SKIPPED } from './outcomes.js';
import { type Leftover, type SyncPlan, type SyncResult, type TargetOutcome, type Verdict } from './result.js';
import { cut, fittingTargets } from './status-size.js';

/**
 * The next status. What is not known stays as `previous` has it; times move only with what they stamp.
 * @param now RFC 3339 with seconds, as metav1.Time has it.
 */
export function statusOf(
  previous: ConfigMapSyncStatus | undefined,
  result: SyncResult,
  now: string,
): ConfigMapSyncStatus {
  const { plan } = result;
  const { generation = 0 } = plan.sync.metadata;
  const observedGeneration = plan.purpose === 'unknown' ? previous?.observedGeneration : generation;
  const conditions = (outcomes: ReadonlyMap<string, TargetOutcome>): Condition[] => {
    const verdicts = verdictsOf(previous, result, outcomes);
    return CONDITION_TYPES.map((type) => {
      const verdict = verdicts.get(type) ?? UNDECIDED;
      const before = previous?.conditions?.find((condition) => condition.type === type);
      return {
        type,
        status: verdict.status,
        observedGeneration: generation,
        lastTransitionTime: before?.status === verdict.status ? before.lastTransitionTime : now,
        reason: verdict.reason,
        message: cut(verdict.message, MAX_CONDITION_MESSAGE),
      };
    });
  };
  if (plan.purpose === 'suspend' || plan.purpose === 'unknown') {
    const { targets: told, ...rest } = previous ?? {};
    const status: ConfigMapSyncStatus = {
      ...rest,
      ...(observedGeneration !== undefined && { observedGeneration }),
      serviceAccount: plan.username,
      conditions: conditions(new Map()),
    };
    const targets =
      result.targets.size > 0 ? fittingTargets(plan.sync, status, targetsOf(previous, result, now)) : told;
    return { ...status, ...(targets && { targets }) };
  }
  const targets = targetsOf(previous, result, now);
  const outcomes = new Map(
    targets
      .filter(({ namespace }) => isWanted(plan, namespace))
      .map((line) => [line.namespace, outcomeOf(line)]),
  );
  const wanted = plan.purpose === 'finalize' ? 0 : plan.selection.wanted.length;
  const synced = [...outcomes.values()].filter(({ state }) => state === 'Synced').length;
  const status: ConfigMapSyncStatus = {
    observedGeneration: generation,
    serviceAccount: plan.username,
    summary: `${synced}/${wanted}`,
    wantedTargets: wanted,
    syncedTargets: synced,
    deniedTargets: targets.filter(isDenied).length,
    ...sourceFields(previous, plan),
    conditions: conditions(outcomes),
  };
  return { ...status, targets: fittingTargets(plan.sync, status, targets) };
}

/** True where the API server would store the same. */
export function sameStatus(a: ConfigMapSyncStatus | undefined, b: ConfigMapSyncStatus | undefined): boolean {
  return isDeepStrictEqual(plain(a), plain(b));
}

const UNDECIDED: Verdict = { status: 'Unknown', reason: 'NotEvaluated', message: 'not looked at yet' };

function isWanted({ purpose, selection }: SyncPlan, namespace: string): boolean {
  return purpose !== 'finalize' && selection.wanted.includes(namespace);
}

/** Every wanted target, and every namespace where copies are left; sorted. */
function targetsOf(
  previous: ConfigMapSyncStatus | undefined,
  result: SyncResult,
  now: string,
): TargetStatus[] {
  const { plan, copies } = result;
  const before = new Map((previous?.targets ?? []).map((target) => [target.namespace, target]));
  const wanted = new Set(plan.purpose === 'finalize' ? [] : plan.selection.wanted);
  const { skipped } = plan.selection;
  const kept = plan.purpose === 'suspend' || plan.purpose === 'unknown' ? before.keys() : [];
  const leftovers = [...copies].filter(([, list]) => list.length > 0).map(([namespace]) => namespace);
  const namespaces = new Set([...wanted, ...leftovers, ...kept]);
  if (skipped !== undefined && plan.purpose !== 'finalize') namespaces.add(skipped);
  return [...namespaces].sort().map((namespace) => {
    const last = before.get(namespace);
    const list = copies.get(namespace) ?? [];
    const isSkipped = namespace === skipped && list.every(({ name }) => name === plan.source.name);
    const outcome = isSkipped
      ? SKIPPED
      : (result.targets.get(namespace)?.outcome ??
        plan.settled.get(namespace) ??
        waitingOutcome(last, result.underWay.get(namespace)));
    return {
      namespace,
      state: outcome.state,
      reason: outcome.reason,
      ...(outcome.message && { message: cut(outcome.message, MAX_TARGET_MESSAGE) }),
      ...(outcome.missingVerbs && outcome.missingVerbs.length > 0 && { missingVerbs: outcome.missingVerbs }),
      ...(list.length > 0 && { copies: list.slice(-MAX_COPIES) }),
      lastTransitionTime: last?.state === outcome.state ? last.lastTransitionTime : now,
    };
  });
}

/** Where nothing is known yet, why that is so is worth more than nothing. */
function waitingOutcome(last: TargetStatus | undefined, error: string | undefined): TargetOutcome {
  if (last !== undefined && last.state !== 'Pending') return outcomeOf(last);
  return error === undefined ? NOT_EVALUATED : { state: 'Pending', reason: 'Retrying', message: error };
}

/** `sourceResourceVersion` is that of the content: labels on the source move its version, not what is copied. */
function sourceFields(
  previous: ConfigMapSyncStatus | undefined,
  { content }: SyncPlan,
): Pick<ConfigMapSyncStatus, 'sourceResourceVersion' | 'contentHash'> {
  const { sourceResourceVersion, contentHash } = previous ?? {};
  if (content === undefined || (contentHash === content.hash && sourceResourceVersion !== undefined)) {
    return { ...(sourceResourceVersion && { sourceResourceVersion }), ...(contentHash && { contentHash }) };
  }
  return { sourceResourceVersion: content.resourceVersion, contentHash: content.hash };
}

function verdictsOf(
  previous: ConfigMapSyncStatus | undefined,
  result: SyncResult,
  outcomes: ReadonlyMap<string, TargetOutcome>,
): Map<ConditionType, Verdict> {
  const { plan } = result;
  const verdicts = new Map<ConditionType, Verdict>();
  const keepsPrevious = plan.purpose === 'suspend' || plan.purpose === 'unknown';
  if (keepsPrevious) {
    for (const { type, status, reason, message } of previous?.conditions ?? []) {
      if (type !== 'Ready') verdicts.set(type, { status, reason, message });
    }
  }
  for (const type of CONDITION_TYPES) {
    const verdict = plan.conditions[type];
    if (verdict !== undefined) verdicts.set(type, verdict);
  }
  if (plan.purpose === 'sync') {
    verdicts.set('TargetsAuthorized', authorizedVerdict(plan, outcomes));
    verdicts.set('AllTargetsSynced', syncedVerdict(result, outcomes));
  }
  if (plan.purpose === 'finalize') {
    const leftovers = leftoversOf(result);
    if (leftovers.length > 0) {
      verdicts.set('Ready', { status: 'False', reason: CLEANUP_BLOCKED, message: blockedMessage(leftovers) });
    } else if (result.underWay.size > 0) {
      const message = progressMessage(result.underWay.size, result.underWay);
      verdicts.set('Ready', { status: 'Unknown', reason: 'Progressing', message });
    }
  }
  if (!verdicts.has('Ready')) verdicts.set('Ready', readyVerdict(verdicts));
  return verdicts;
}

/** Ready speaks for the first condition that is not True. */
function readyVerdict(verdicts: ReadonlyMap<ConditionType, Verdict>): Verdict {
  const parts = CONDITION_TYPES.filter((type) => type !== 'Ready').map(
    (type) => verdicts.get(type) ?? UNDECIDED,
  );
  const obstacle =
    parts.find(({ status }) => status === 'False') ?? parts.find(({ status }) => status === 'Unknown');
  return obstacle ?? { status: 'True', reason: 'ReconciliationComplete', message: 'every target is in step' };
}

function authorizedVerdict({ username }: SyncPlan, outcomes: ReadonlyMap<string, TargetOutcome>): Verdict {
  const denied = new Map<string, readonly Verb[]>();
  for (const [namespace, { missingVerbs = [] }] of outcomes) {
    if (missingVerbs.length > 0) denied.set(namespace, missingVerbs);
  }
  return denied.size === 0
    ? { status: 'True', reason: 'AllTargetsAuthorized', message: '' }
    : { status: 'False', reason: 'MissingPermissions', message: permissionsMessage(username, denied) };
}

function syncedVerdict(
  { plan, underWay }: SyncResult,
  outcomes: ReadonlyMap<string, TargetOutcome>,
): Verdict {
  const keys = missingKeysMessage(plan.content?.missingKeys ?? []);
  const withKeys = (message: string): string => [message, keys].filter((part) => part !== '').join('; ');
  if (outcomes.size === 0) {
    const message =
      'no namespace to copy to: none that spec names or selects is another place than the source';
    return { status: 'False', reason: 'NoTargets', message };
  }
  // A target under way shows its previous state, which says nothing of what it is to become.
  const waiting = new Map([...underWay].filter(([namespace]) => outcomes.has(namespace)));
  const unsynced = [...outcomes].filter(
    ([namespace, { state }]) => state !== 'Synced' && !(waiting.has(namespace) && state === 'Pending'),
  );
  if (unsynced.length > 0) {
    const names = unsynced.map(([namespace, { state }]) => `${namespace} (${state})`);
    const message = unsyncedMessage(outcomes.size - unsynced.length, names);
    return { status: 'False', reason: 'SomeTargetsNotSynced', message: withKeys(message) };
  }
  if (waiting.size > 0) {
    const message = progressMessage(outcomes.size, waiting);
    return { status: 'Unknown', reason: 'Progressing', message: withKeys(message) };
  }
  return { status: 'True', reason: 'AllConfigMapsSynced', message: keys };
}

/** Copies that should be gone and are not, in all namespaces. */
export function leftoversOf({ plan, targets }: SyncResult): Leftover[] {
  return [...(plan.leftovers ?? []), ...[...targets.values()].flatMap(({ leftovers }) => leftovers)];
}

/** Without prototypes: an object of the API and one of ours are equal where their fields are. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null)) as unknown;
}

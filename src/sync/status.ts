import { isDeepStrictEqual } from 'node:util';
import { CONDITION_TYPES, MAX_CONDITION_MESSAGE, type Condition } from '../api/v1alpha1/condition.js';
import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import {
  MAX_COPIES,
  MAX_TARGET_MESSAGE,
  type ConfigMapSyncStatus,
  type TargetStatus,
  type Verb,
} from '../api/v1alpha1/config-map-sync-status.js';
import {
  blockedMessage,
  missingKeysMessage,
  permissionsMessage,
  progressMessage,
  unsyncedMessage,
} from './messages.js';
import { CLEANUP_BLOCKED, isDenied, NOT_EVALUATED, outcomeOf, SKIPPED } from './outcomes.js';
import {
  failed,
  passed,
  undecided,
  type Leftover,
  type SyncPlan,
  type SyncResult,
  type TargetOutcome,
  type Verdict,
} from './result.js';
import { cut, fittingTargets } from './status-size.js';
import { TOO_MANY_OBJECTS } from './stored.js';

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
  const wanted = new Set(plan.purpose === 'finalize' ? [] : plan.selection.wanted);
  const targets = targetsOf(previous, result, wanted, now);
  const judged = targets.filter(({ namespace }) => wanted.has(namespace));
  const outcomes = new Map(judged.map((target) => [target.namespace, outcomeOf(target)]));
  const verdicts = verdictsOf(previous, result, outcomes);
  const conditions = conditionsOf(verdicts, previous, generation, now);
  if (keepsPrevious(plan)) {
    const { targets: known, ...rest } = previous ?? {};
    const status: ConfigMapSyncStatus = {
      ...rest,
      ...(plan.purpose === 'suspend' && { observedGeneration: generation }),
      serviceAccount: plan.username,
      conditions,
    };
    const kept = result.targets.size > 0 ? fittingTargets(plan.sync, status, targets) : known;
    return { ...status, ...(kept && { targets: kept }) };
  }
  const synced = [...outcomes.values()].filter(({ state }) => state === 'Synced').length;
  const status: ConfigMapSyncStatus = {
    observedGeneration: generation,
    serviceAccount: plan.username,
    summary: `${synced}/${wanted.size}`,
    wantedTargets: wanted.size,
    syncedTargets: synced,
    deniedTargets: targets.filter(isDenied).length,
    ...sourceFields(previous, plan),
    conditions,
  };
  return { ...status, targets: fittingTargets(plan.sync, status, targets) };
}

/** That nothing is done for it, in place of the parts of the status that say how far it has come. */
export function withheldStatus(
  { metadata: { generation = 0 }, status }: ConfigMapSync,
  message: string,
  now: string,
): ConfigMapSyncStatus {
  const verdicts = { Ready: failed(TOO_MANY_OBJECTS, message) };
  return { observedGeneration: generation, conditions: conditionsOf(verdicts, status, generation, now) };
}

/** As metav1.Time has it, without fractions. */
export function metaTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** True where the API server would store the same. */
export function sameStatus(a: ConfigMapSyncStatus | undefined, b: ConfigMapSyncStatus | undefined): boolean {
  return isDeepStrictEqual(plain(a), plain(b));
}

const UNDECIDED = undecided('NotEvaluated', 'not looked at yet');

function conditionsOf(
  verdicts: Verdicts,
  previous: ConfigMapSyncStatus | undefined,
  observedGeneration: number,
  now: string,
): Condition[] {
  return CONDITION_TYPES.map((type) => {
    const { status, reason, message } = verdicts[type] ?? UNDECIDED;
    const before = previous?.conditions?.find((condition) => condition.type === type);
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : now;
    const text = cut(message, MAX_CONDITION_MESSAGE);
    return { type, status, observedGeneration, lastTransitionTime, reason, message: text };
  });
}

/** Nothing was looked at: what is known stays. */
function keepsPrevious({ purpose }: SyncPlan): boolean {
  return purpose === 'suspend' || purpose === 'unknown';
}

/** Every wanted target, and every namespace where copies are left; sorted. */
function targetsOf(
  previous: ConfigMapSyncStatus | undefined,
  result: SyncResult,
  wanted: ReadonlySet<string>,
  now: string,
): TargetStatus[] {
  const { plan, copies } = result;
  const before = new Map((previous?.targets ?? []).map((target) => [target.namespace, target]));
  const { skipped } = plan.selection;
  const kept = keepsPrevious(plan) ? before.keys() : [];
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
  const isPending = last === undefined || last.state === 'Pending';
  if (isPending && error !== undefined) return { state: 'Pending', reason: 'Retrying', message: error };
  return last === undefined ? NOT_EVALUATED : outcomeOf(last);
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

type Verdicts = SyncPlan['conditions'];

function verdictsOf(
  previous: ConfigMapSyncStatus | undefined,
  result: SyncResult,
  outcomes: ReadonlyMap<string, TargetOutcome>,
): Verdicts {
  const { plan, underWay } = result;
  const verdicts: Verdicts = {};
  for (const { type, status, reason, message } of keepsPrevious(plan) ? (previous?.conditions ?? []) : []) {
    if (type !== 'Ready') verdicts[type] = { status, reason, message };
  }
  Object.assign(verdicts, plan.conditions);
  if (plan.purpose === 'sync') {
    verdicts.TargetsAuthorized = authorizedVerdict(plan, outcomes);
    verdicts.AllTargetsSynced = syncedVerdict(result, outcomes);
  }
  if (plan.purpose === 'finalize') {
    const leftovers = leftoversOf(result);
    if (leftovers.length > 0) verdicts.Ready = failed(CLEANUP_BLOCKED, blockedMessage(leftovers));
    else if (underWay.size > 0)
      verdicts.Ready = undecided('Progressing', progressMessage(underWay.size, underWay));
  }
  verdicts.Ready ??= readyVerdict(verdicts);
  return verdicts;
}

/** Ready speaks for the first condition that is not True. */
function readyVerdict(verdicts: Verdicts): Verdict {
  const parts = CONDITION_TYPES.filter((type) => type !== 'Ready').map((type) => verdicts[type] ?? UNDECIDED);
  return (
    parts.find(({ status }) => status === 'False') ??
    parts.find(({ status }) => status === 'Unknown') ??
    passed('ReconciliationComplete', 'every target is in step')
  );
}

function authorizedVerdict({ username }: SyncPlan, outcomes: ReadonlyMap<string, TargetOutcome>): Verdict {
  const denied = new Map<string, readonly Verb[]>();
  for (const [namespace, { missingVerbs = [] }] of outcomes) {
    if (missingVerbs.length > 0) denied.set(namespace, missingVerbs);
  }
  return denied.size === 0
    ? passed('AllTargetsAuthorized')
    : failed('MissingPermissions', permissionsMessage(username, denied));
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
    return failed('NoTargets', message);
  }
  // A target under way shows its previous state, which says nothing of what it is to become.
  const waiting = new Map([...underWay].filter(([namespace]) => outcomes.has(namespace)));
  const unsynced = [...outcomes].filter(
    ([namespace, { state }]) => state !== 'Synced' && !(waiting.has(namespace) && state === 'Pending'),
  );
  if (unsynced.length > 0) {
    const names = unsynced.map(([namespace, { state }]) => `${namespace} (${state})`);
    const message = unsyncedMessage(outcomes.size - unsynced.length, names);
    return failed('SomeTargetsNotSynced', withKeys(message));
  }
  if (waiting.size > 0) return undecided('Progressing', withKeys(progressMessage(outcomes.size, waiting)));
  return passed('AllConfigMapsSynced', keys);
}

/** Copies that should be gone and are not, in all namespaces. */
export function leftoversOf({ plan, targets }: SyncResult): Leftover[] {
  return [...(plan.leftovers ?? []), ...[...targets.values()].flatMap(({ leftovers }) => leftovers)];
}

/** Without prototypes: an object of the API and one of ours are equal where their fields are. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null)) as unknown;
}

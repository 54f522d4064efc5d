import type { Condition, ConditionType } from '../api/v1alpha1/condition.js';
import type {
  ConfigMapSyncStatus,
  TargetState,
  TargetStatus,
} from '../api/v1alpha1/config-map-sync-status.js';
import { listLeftovers, wordsOf } from './messages.js';
import { isDenied } from './outcomes.js';
import type { Leftover, WorkCounts } from './result.js';

/** Every reason of our Events: part of what dashboards and alerts rely on. */
export type EventReason =
  | 'NamespaceDenied'
  | 'NamespaceAllowed'
  | 'Synced'
  | 'SourceNotFound'
  | 'SourceDenied'
  | 'ServiceAccountNotFound'
  | 'TokenRequestDenied'
  | 'TargetConflict'
  | 'NamespaceNotFound'
  | 'SyncFailed'
  | 'CleanupBlocked'
  | 'CleanupAbandoned';

export interface StatusEvent {
  type: 'Normal' | 'Warning';
  reason: EventReason;
  /** The namespace it is about, where there is one. */
  namespace?: string;
  note: string;
}

/** What a refusal was found for is one ServiceAccount: of another one, `previous` says nothing of it. */
export function findingsOfSameAccount(
  previous: ConfigMapSyncStatus | undefined,
  serviceAccount: string | undefined,
): ConfigMapSyncStatus | undefined {
  return previous?.serviceAccount === serviceAccount ? previous : undefined;
}

/**
 * The Events that lie between two statuses: entering a state is one, staying in it is none, so that neither a retry nor
 * a restart of the operator repeats any.
 */
export function eventsBetween(
  previous: ConfigMapSyncStatus | undefined,
  next: ConfigMapSyncStatus,
  work: WorkCounts,
  leftovers: readonly Leftover[] = [],
): StatusEvent[] {
  return [
    ...conditionEvents(previous, next),
    ...targetEvents(previous, next),
    ...workEvents(work, leftovers),
  ];
}

/** By condition and its reason; Ready mostly has that of another condition, which is no Event again. */
const CONDITION_EVENTS: Partial<Record<string, EventReason>> = {
  'Ready SyncFailed': 'SyncFailed',
  'Ready CleanupBlocked': 'CleanupBlocked',
  'ValidServiceAccount ServiceAccountNotFound': 'ServiceAccountNotFound',
  'ValidServiceAccount TokenRequestDenied': 'TokenRequestDenied',
  'ValidServiceAccount IdentityMismatch': 'SyncFailed',
  'SourceConfigMapFound ConfigMapNotFound': 'SourceNotFound',
  'SourceConfigMapFound SourceNamespaceNotFound': 'SourceNotFound',
  'SourceConfigMapFound SourceDenied': 'SourceDenied',
};

function conditionEvents(
  previous: ConfigMapSyncStatus | undefined,
  next: ConfigMapSyncStatus,
): StatusEvent[] {
  const types: ConditionType[] = ['Ready', 'ValidServiceAccount', 'SourceConfigMapFound'];
  const sameAccount = findingsOfSameAccount(previous, next.serviceAccount);
  return types.flatMap((type) => {
    const known = type === 'Ready' ? previous : sameAccount;
    const before = known?.conditions?.find((condition) => condition.type === type);
    const now = next.conditions?.find((condition) => condition.type === type);
    const reason = CONDITION_EVENTS[`${type} ${now?.reason ?? ''}`];
    if (now === undefined || reason === undefined || before?.reason === now.reason) return [];
    return [{ type: 'Warning' as const, reason, note: noteOf(now) }];
  });
}

/** Manifests stay with the condition: an Event's note is short, and half a manifest is worse than none. */
function noteOf({ type, message }: Condition): string {
  const { words, hasManifests } = wordsOf(message);
  return hasManifests ? `${words} what condition ${type} holds` : message;
}

const TARGET_EVENTS: Partial<Record<TargetState, EventReason>> = {
  Conflict: 'TargetConflict',
  NamespaceNotFound: 'NamespaceNotFound',
  Failed: 'SyncFailed',
};

function targetEvents(previous: ConfigMapSyncStatus | undefined, next: ConfigMapSyncStatus): StatusEvent[] {
  const before = new Map((previous?.targets ?? []).map((target) => [target.namespace, target]));
  const sameAccount = findingsOfSameAccount(previous, next.serviceAccount) !== undefined;
  return (next.targets ?? []).flatMap((target) =>
    targetEvent(before.get(target.namespace), target, sameAccount),
  );
}

function targetEvent(
  before: TargetStatus | undefined,
  now: TargetStatus,
  sameAccount: boolean,
): StatusEvent[] {
  const { namespace, message = '' } = now;
  const verbs = now.missingVerbs?.join() ?? '';
  const wasDenied = before !== undefined && isDenied(before) && (before.missingVerbs ?? []).length > 0;
  if (isDenied(now) && verbs !== '') {
    if (sameAccount && wasDenied && before.missingVerbs?.join() === verbs) return [];
    return [{ type: 'Warning', reason: 'NamespaceDenied', namespace, note: message }];
  }
  // What was not judged again is not allowed again.
  const allowedAgain = wasDenied && !isDenied(now) && now.state !== 'Pending';
  const events: StatusEvent[] = [];
  if (allowedAgain) {
    const note = `the ServiceAccount may work in namespace "${namespace}" again`;
    events.push({ type: 'Normal', reason: 'NamespaceAllowed', namespace, note });
  }
  const reason = TARGET_EVENTS[now.state];
  if (reason !== undefined && (before?.state !== now.state || before.reason !== now.reason)) {
    events.push({ type: 'Warning', reason, namespace, note: message });
  }
  return events;
}

/** What was done to copies, in one Event; none where nothing was. */
function workEvents(
  { created, updated, deleted }: WorkCounts,
  leftovers: readonly Leftover[],
): StatusEvent[] {
  if (created + updated + deleted === 0) return [];
  const rest = leftovers.length === 0 ? '' : `; could not remove ${listLeftovers(leftovers)}`;
  const note = `copies: ${created} created, ${updated} updated, ${deleted} removed${rest}`;
  return [{ type: 'Normal', reason: 'Synced', note }];
}

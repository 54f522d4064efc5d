import type { ConditionStatus, ConditionType } from '../api/v1alpha1/condition.js';
import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { CopyReference, TargetState, TargetStatus } from '../api/v1alpha1/target-status.js';
import type { Verb } from '../api/v1alpha1/verb.js';
import type { NamespacedName } from './config-map.js';
import type { CopyTemplate } from './copy-template.js';
import type { Owner } from './ownership.js';
import type { TargetSelection } from './targets.js';

/** What is to become of the copies in one namespace. */
export type Desired =
  | { kind: 'copy'; template: CopyTemplate }
  /** `release`: they stay as ConfigMaps without our marks. */
  | { kind: 'absent'; mode: 'delete' | 'release' };

export interface Verdict {
  status: ConditionStatus;
  reason: string;
  message: string;
}

/**
 * What one look at a ConfigMapSync, its identity and its source found, and what is to be done for it. A newer plan of the
 * same ConfigMapSync replaces it.
 */
export interface SyncPlan {
  /**
   * `sync`: bring the targets in sync. `hold`: identity or source stand in the way. `suspend`: touch nothing.
   * `finalize`: remove all copies. `unknown`: the API server gave no usable answer, so that nothing is known.
   */
  purpose: 'sync' | 'hold' | 'suspend' | 'finalize' | 'unknown';
  sync: ConfigMapSync;
  owner: Owner;
  /** User name of the identity under which all of it happens. */
  username: string;
  source: NamespacedName;
  selection: TargetSelection;
  conditions: Partial<Record<ConditionType, Verdict>>;
  /** Of the source, where it was read. */
  content?: { resourceVersion: string; hash: string; missingKeys: readonly string[] };
  /** What has to be done, by namespace. */
  work: ReadonlyMap<string, Desired>;
  /** Targets about which no request is needed. */
  settled: ReadonlyMap<string, TargetOutcome>;
  /** Copies that should be gone and cannot be reached: there is no identity to remove them with. */
  leftovers?: readonly Leftover[];
  /** When the change was noticed that this plan carries out (milliseconds since the epoch). */
  since: number;
}

/** How one target stands. */
export interface TargetOutcome {
  state: TargetState;
  reason: string;
  message?: string;
  missingVerbs?: Verb[];
}

/** Writes that were carried out. */
export interface WorkCounts {
  created: number;
  updated: number;
  deleted: number;
}

/** A copy that should be gone and is not. */
export interface Leftover extends NamespacedName {
  /** Why it is still there. */
  message: string;
  /** The verb that is missing, where that is the reason. */
  missingVerb?: Verb;
}

/** What one attempt at one target showed. A value: whoever has it may keep it. */
export interface TargetResult {
  /** Undefined where nothing was found out: the last finding stays, with its evidence. */
  outcome: TargetOutcome | undefined;
  /** The copies as they are now; undefined where that was not found out. */
  copies: readonly CopyReference[] | undefined;
  work: WorkCounts;
  leftovers: readonly Leftover[];
  /**
   * When to try again: `backoff`, later with each failure; or not before so many milliseconds, because the server says so,
   * or the drift limiter, which has nothing against something new (`endsWithRevision`). Undefined where a change will tell.
   */
  retry: 'backoff' | { afterMs: number; endsWithRevision?: true } | undefined;
  /** Verbs for which the API server refused a request of this attempt: the audit log has their lines. */
  refused: readonly Verb[];
  /** `Audit-Id` of the answer that showed what is missing. */
  auditID?: string | undefined;
  /** There may be a copy that nobody has confirmed: a create went unanswered. */
  uncertain?: boolean;
  /** Why nothing was found out. */
  error?: string;
}

/** Everything that is known of a ConfigMapSync beyond its previous status. */
export interface SyncResult {
  plan: SyncPlan;
  /** The newest results that are in no status yet, by namespace. */
  targets: ReadonlyMap<string, TargetResult>;
  /** Namespaces of the plan about which nothing is known yet, and why, where an attempt failed. */
  underWay: ReadonlyMap<string, string | undefined>;
  /** Recorded copies by namespace; none where there are none. */
  copies: ReadonlyMap<string, readonly CopyReference[]>;
  work: WorkCounts;
  /** When the change was noticed that an earlier report told of, with targets still under way. */
  spreadingSince?: number | undefined;
}

export const NO_WORK: WorkCounts = { created: 0, updated: 0, deleted: 0 };

export function addWork(a: WorkCounts, b: WorkCounts): WorkCounts {
  return {
    created: a.created + b.created,
    updated: a.updated + b.updated,
    deleted: a.deleted + b.deleted,
  };
}

/** Reason of a `Failed` target that somebody else keeps changing. */
export const CONTENDED = 'Contended';
/** Reason of a target whose old copy should be gone and is not. */
export const CLEANUP_BLOCKED = 'CleanupBlocked';
/** Reason of a `Conflict` target whose copy would go round in a circle: it stays as it is, if it is there already. */
export const LOOP = 'Loop';
/** Reason of a `Pending` target whose copy stays as it is, because there is nothing to bring it in sync with. */
export const COPY_KEPT = 'CopyKept';

export const SYNCED: TargetOutcome = { state: 'Synced', reason: 'ConfigMapSynced' };
export const NOT_EVALUATED: TargetOutcome = { state: 'Pending', reason: 'NotEvaluated' };
export const KEPT: TargetOutcome = {
  state: 'Pending',
  reason: COPY_KEPT,
  message: 'the copy stays as it is until the source is back',
};
export const SKIPPED: TargetOutcome = {
  state: 'Skipped',
  reason: 'SourceItself',
  message: "it is the source's own place",
};

export function namespaceNotFound(namespace: string): TargetOutcome {
  return {
    state: 'NamespaceNotFound',
    reason: 'NamespaceNotFound',
    message: `there is no namespace "${namespace}"; the copy follows as soon as there is`,
  };
}

export function terminating(namespace: string): TargetOutcome {
  return {
    state: 'Terminating',
    reason: 'NamespaceTerminating',
    message: `namespace "${namespace}" is being deleted`,
  };
}

export function deniedOutcome(
  username: string,
  namespace: string,
  missingVerbs: Verb[],
  hasCopy: boolean,
): TargetOutcome {
  return {
    state: hasCopy ? 'Stale' : 'Denied',
    reason: 'MissingPermissions',
    message: `${username} may not ${missingVerbs.join(', ')} configmaps in namespace "${namespace}"`,
    missingVerbs,
  };
}

/** How a namespace stands where these copies should be gone and are not. */
export function leftoverOutcome(leftovers: readonly Leftover[]): TargetOutcome {
  const names = leftovers.map(({ name }) => `"${name}"`).join(', ');
  const [first] = leftovers;
  return {
    state: first?.missingVerb === undefined ? 'Failed' : 'Stale',
    reason: CLEANUP_BLOCKED,
    message: `ConfigMap ${names} should be gone: ${first?.message ?? ''}`,
    ...(first?.missingVerb && { missingVerbs: [first.missingVerb] }),
  };
}

/** A target whose former copy stays does not count as synced. */
export function withLeftovers(outcome: TargetOutcome, leftovers: readonly Leftover[]): TargetOutcome {
  if (leftovers.length === 0) return outcome;
  const left = leftoverOutcome(leftovers);
  if (outcome.state === 'Synced') return { ...left, state: 'Failed' };
  const message = [outcome.message, left.message].filter((part) => part !== undefined).join('; ');
  return { ...outcome, message };
}

export function isDenied<T extends { state: TargetState }>(
  target: T,
): target is T & { state: 'Denied' | 'Stale' } {
  return target.state === 'Denied' || target.state === 'Stale';
}

/** What a status says of a target, as a finding. */
export function outcomeOf({ state, reason = '', message, missingVerbs }: TargetStatus): TargetOutcome {
  return { state, reason, ...(message && { message }), ...(missingVerbs && { missingVerbs }) };
}

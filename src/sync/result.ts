import type { ConditionStatus, ConditionType } from '../api/v1alpha1/condition.js';
import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { CopyReference, TargetState, Verb } from '../api/v1alpha1/config-map-sync-status.js';
import type { NamespacedName } from '../api/kubernetes.js';
import type { Owner } from './ownership.js';
import type { TargetSelection } from './targets.js';

/** `release`: copies that are not desired stay as ConfigMaps without our marks. */
export type RemovalMode = 'delete' | 'release';

/** What is to become of one namespace: a copy, or none. */
export type Desired = 'copy' | RemovalMode;

export function removalMode({ spec }: ConfigMapSync): RemovalMode {
  return spec.deletionPolicy === 'Orphan' ? 'release' : 'delete';
}

export interface Verdict {
  status: ConditionStatus;
  reason: string;
  message: string;
}

export function passed(reason: string, message = ''): Verdict {
  return { status: 'True', reason, message };
}

export function failed(reason: string, message: string): Verdict {
  return { status: 'False', reason, message };
}

export function undecided(reason: string, message: string): Verdict {
  return { status: 'Unknown', reason, message };
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
  /** Why no copy is written: it could not be removed again. */
  blocked?: string;
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

/**
 * `backoff`: later with each failure. `waitMs`: after so long, or at once for another wish. `holdMs`: the server asks for it,
 * whatever is wished.
 */
export type Retry = 'backoff' | { waitMs: number } | { holdMs: number };

/** What one attempt at one target showed. A value: whoever has it may keep it. */
export interface TargetResult {
  /** Undefined where nothing was found out: the last finding stays, with its evidence. */
  outcome: TargetOutcome | undefined;
  /** The copies as they are now; undefined where that was not found out. */
  copies: readonly CopyReference[] | undefined;
  work: WorkCounts;
  leftovers: readonly Leftover[];
  /** When to try again; undefined where a change will tell. */
  retry: Retry | undefined;
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

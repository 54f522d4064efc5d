import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type {
  ConfigMapSyncStatus,
  CopyReference,
  TargetState,
  TargetStatus,
} from '../api/v1alpha1/config-map-sync-status.js';
import { FINALIZER } from '../api/v1alpha1/well-known.js';
import { objectKey } from '../k8s/client/objects.js';
import { TokenBucket } from '../k8s/util/token-bucket.js';
import type { CopyRecord } from '../sync/ownership.js';
import {
  addWork,
  NO_WORK,
  type SyncPlan,
  type SyncResult,
  type TargetResult,
  type WorkCounts,
} from '../sync/result.js';
import { COPY_ALTERED, isDenied } from '../sync/outcomes.js';

/** How often a ConfigMapSync may be planned: a spec that flaps costs a constant. */
const PLANS = { burst: 20, periodMs: 500 };

/** What is known of one ConfigMapSync beyond what its object says. Only the record of copies matters after a restart. */
export class SyncState {
  readonly uid: string;
  /** `namespace/name`. */
  readonly key: string;
  readonly plans: TokenBucket;
  /** What our own last write returned: the watch may still be behind it. */
  written: ConfigMapSync | undefined;
  /** The status that was sent last, set before it is sent: its echo may come before the answer. */
  sent: ConfigMapSyncStatus | undefined;
  /** When a change of the source was noticed that is not carried out yet (milliseconds since the epoch). */
  changedAt: number | undefined;
  /** When everything was last looked at, whatever watches say. */
  checkedAt = Number.NEGATIVE_INFINITY;
  /** Since when no plan could be made (milliseconds since the epoch). */
  brokenSince: number | undefined;
  suspendedSince: number | undefined;
  /** Takes the place of the plan where none could be made for a while. */
  trouble: SyncPlan | undefined;
  /** Copies that a deletion has removed or released so far. */
  removed = NO_WORK;
  /** Since when there is something to report, and when something last was (milliseconds since the epoch). */
  dirtySince: number | undefined;
  lastReportAt = Number.NEGATIVE_INFINITY;
  /** The last Event of a deletion was told. */
  finalized = false;
  /** Why its status, or its finalizer, cannot be written, as an Event has told it. */
  unwritable: string | undefined;
  /** `--cascade=orphan` was asked for. */
  orphaned = false;
  /** When this process first tried to remove all copies (milliseconds since the epoch). */
  removingSince: number | undefined;
  #reported: ConfigMapSyncStatus | undefined;
  /** Its targets by namespace, as long as they are needed. */
  #previous: Map<string, TargetStatus> | undefined;
  #plan: SyncPlan | undefined;
  #results = new Map<string, TargetResult>();
  #underWay = new Map<string, string | undefined>();
  readonly #copies = new Map<string, readonly CopyReference[]>();
  /**
   * The status tells nothing of targets: nothing is known until all are looked at. That there were none is no conclusion from a
   * finalizer that is missing, which anybody may have removed.
   */
  #statusLost: boolean;
  /** Namespaces where a create went unanswered. */
  readonly #uncertain = new Set<string>();
  /** Namespaces where the copy was stored otherwise than it was sent. */
  readonly #altered = new Set<string>();
  #work: WorkCounts = NO_WORK;
  #spreadingSince: number | undefined;

  constructor(sync: ConfigMapSync, now: number) {
    this.uid = sync.metadata.uid;
    this.key = objectKey(sync);
    this.plans = new TokenBucket({ ...PLANS, now });
    this.#reported = sync.status;
    this.#statusLost = (sync.status?.targets ?? []).length === 0;
    for (const { namespace, reason, copies = [] } of sync.status?.targets ?? []) {
      if (copies.length > 0) this.#copies.set(namespace, copies);
      if (reason === COPY_ALTERED) this.#altered.add(namespace);
    }
  }

  get plan(): SyncPlan | undefined {
    return this.#plan;
  }

  /** The status that Events, metrics and the audit log speak of. */
  get reported(): ConfigMapSyncStatus | undefined {
    return this.#reported;
  }

  /** How a target stood at the last report. */
  previous(namespace: string): TargetStatus | undefined {
    this.#previous ??= new Map((this.#reported?.targets ?? []).map((target) => [target.namespace, target]));
    return this.#previous.get(namespace);
  }

  /** The state of a target, reported or not. */
  stateOf(namespace: string): TargetState | undefined {
    return this.#results.get(namespace)?.outcome?.state ?? this.previous(namespace)?.state;
  }

  /** Namespaces where a copy of ours is, or may be. */
  get namespacesWithCopies(): Set<string> {
    return new Set([...this.#copies.keys(), ...this.#uncertain]);
  }

  /** True while something of the current plan is not known yet. */
  get isUnderWay(): boolean {
    return this.#underWay.size > 0;
  }

  /** What is known now, as a value. */
  result(plan: SyncPlan): SyncResult {
    return {
      plan,
      targets: new Map(this.#results),
      underWay: new Map(this.#underWay),
      copies: new Map(this.#copies),
      work: this.#work,
      spreadingSince: this.#spreadingSince,
    };
  }

  record(namespace: string): CopyRecord {
    return {
      copies: this.#copies.get(namespace) ?? [],
      lost: this.#statusLost || this.#uncertain.has(namespace),
      ...(this.#altered.has(namespace) && { altered: true }),
    };
  }

  /** The newest plan wins: what older ones found stays until it is found anew. */
  adopt(plan: SyncPlan): void {
    this.#plan = plan;
    // Why an earlier attempt showed nothing holds until the next one.
    const before = this.#underWay;
    this.#underWay = new Map([...plan.work.keys()].map((namespace) => [namespace, before.get(namespace)]));
    for (const namespace of plan.settled.keys()) {
      const result = this.#results.get(namespace);
      if (result) this.#results.set(namespace, { ...result, outcome: undefined, leftovers: [] });
    }
  }

  /** Takes over what one attempt showed. */
  settle(plan: SyncPlan, namespace: string, result: TargetResult): void {
    this.#work = addWork(this.#work, result.work);
    if (result.copies?.length === 0) this.#copies.delete(namespace);
    else if (result.copies !== undefined) this.#copies.set(namespace, result.copies);
    if (result.outcome?.reason === COPY_ALTERED) this.#altered.add(namespace);
    else if (result.outcome?.state === 'Synced' || result.copies?.length === 0)
      this.#altered.delete(namespace);
    if (result.uncertain === true) this.#uncertain.add(namespace);
    // Where something is missing, it could not be looked for.
    else if (result.outcome !== undefined && !isDenied(result.outcome)) this.#uncertain.delete(namespace);
    const isUnderWay = this.#underWay.has(namespace);
    const isCurrent = plan === this.#plan;
    // The newest plan settles this target, or has an attempt to make that does.
    const isOutdated = !isCurrent && (isUnderWay || (this.#plan?.settled.has(namespace) ?? false));
    if (result.outcome === undefined || isOutdated) {
      if (isUnderWay) this.#underWay.set(namespace, result.error);
      return;
    }
    if (isCurrent) this.#underWay.delete(namespace);
    const refused = new Set([...(this.#results.get(namespace)?.refused ?? []), ...result.refused]);
    this.#results.set(namespace, { ...result, refused: [...refused] });
  }

  /** The API server has what was sent: one object in memory serves for both. */
  stored(status: ConfigMapSyncStatus | undefined): void {
    if (this.#reported === this.sent) this.#reported = status;
    this.sent = status;
  }

  /** All that `result` holds is reported as `status`. */
  told(result: SyncResult, status: ConfigMapSyncStatus): void {
    const isNew = this.#reported?.contentHash !== status.contentHash;
    if (result.underWay.size === 0) this.#spreadingSince = undefined;
    else if (isNew) this.#spreadingSince ??= result.plan.since;
    this.#reported = status;
    this.#previous = undefined;
    if (result.plan.purpose === 'sync' && result.underWay.size === 0) this.#statusLost = false;
    this.#work = NO_WORK;
    for (const [namespace, reported] of result.targets) {
      // What is left over is named anew in each report of a deletion.
      if (this.#results.get(namespace) === reported && reported.leftovers.length === 0) {
        this.#results.delete(namespace);
      }
    }
  }
}

export function hasFinalizer(sync: ConfigMapSync): boolean {
  return sync.metadata.finalizers?.includes(FINALIZER) ?? false;
}

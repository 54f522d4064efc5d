import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { Clock } from '../k8s/util/clock.js';
import { blockedMessage } from '../sync/messages.js';
import type { Leftover, SyncResult } from '../sync/result.js';
import { leftoversOf } from '../sync/status.js';
import { accountOf } from '../sync/targets.js';
import type { NamespaceLister } from './namespace-lister.js';
import type { SyncState } from './sync-state.js';

export type FinalizerVerdict =
  /** `abandoned`: what is left behind, for the Event that names it. */
  | { state: 'done'; abandoned?: string }
  /** `givenUpInMs`: milliseconds after which it may be given up. */
  | { state: 'blocked'; givenUpInMs: number };

const GOING_LOOK_MS = 2_000;
/** How long what is denied is tried again by one process, in milliseconds, also where the deletion is older than that. */
const DENIED_PATIENCE_MS = 60_000;

/** Decides when the finalizer goes. Deletion never hangs for ever. */
export class Finalizer {
  readonly #namespaces: Pick<NamespaceLister, 'state'>;
  readonly #timeoutMs: number;
  readonly #clock: Clock;

  constructor(options: { namespaces: Pick<NamespaceLister, 'state'>; timeoutMs: number; clock: Clock }) {
    this.#namespaces = options.namespaces;
    this.#timeoutMs = options.timeoutMs;
    this.#clock = options.clock;
  }

  /** True where nobody answers for what is under way, and has not for as long as is waited for anything. */
  isOverdue(state: SyncState, { plan, underWay }: SyncResult): boolean {
    const unanswered = [...underWay.values()].every((reason) => reason !== undefined);
    return unanswered && this.givenUpInMs(state, plan.sync, true) <= 0;
  }

  /** @param result Of a plan that finalizes, with nothing under way any more, or overdue. */
  verdict(state: SyncState, result: SyncResult): FinalizerVerdict {
    const { sync, leftovers: outOfReach = [] } = result.plan;
    const leftovers = [...leftoversOf(result), ...unansweredOf(result)];
    // Releasing is a courtesy: a copy whose owner is gone belongs to nobody, marks or not.
    if (leftovers.length === 0 || sync.spec.deletionPolicy === 'Orphan') return { state: 'done' };
    const isDenial = leftovers.every(({ missingVerb }) => missingVerb !== undefined) || outOfReach.length > 0;
    const givenUpInMs = this.givenUpInMs(state, sync, !isDenial);
    // Nothing can be created in a namespace that goes: no ServiceAccount, no grant. Waiting would only hold it up.
    const cannotReturn = this.#namespaces.state(accountOf(sync).namespace) !== 'active';
    if (givenUpInMs <= 0 || (outOfReach.length > 0 && cannotReturn)) {
      return { state: 'done', abandoned: `left behind, ${blockedMessage(leftovers)}` };
    }
    // There, the identity is gone within moments, and then there is nothing to wait for.
    return { state: 'blocked', givenUpInMs: cannotReturn ? GOING_LOOK_MS : givenUpInMs };
  }

  /**
   * The first failure says little where nobody was there to try before, as after a restart of the whole cluster.
   * @param mayPass The obstacle is an error that may pass, not a denial.
   */
  givenUpInMs(state: SyncState, { metadata }: ConfigMapSync, mayPass: boolean): number {
    const askedAt = Date.parse(metadata.deletionTimestamp ?? '');
    const now = this.#clock.now();
    const patienceMs = mayPass ? this.#timeoutMs : Math.min(this.#timeoutMs, DENIED_PATIENCE_MS);
    return Math.max(askedAt + this.#timeoutMs, (state.removingSince ?? now) + patienceMs) - now;
  }
}

/** Copies about which the API server gave no answer. */
function unansweredOf({ underWay, copies }: SyncResult): Leftover[] {
  return [...underWay].flatMap(([namespace, message = 'no answer']) =>
    (copies.get(namespace) ?? []).map(({ name }) => ({ namespace, name, message })),
  );
}

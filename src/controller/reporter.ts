import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import { isRefusal, RetryError, undefinedAt } from '../k8s/client/errors.js';
import type { ReconcileResult } from '../k8s/controller/controller.js';
import type { WorkQueue } from '../k8s/controller/work-queue.js';
import type { Clock } from '../k8s/util/clock.js';
import type { Notifier } from '../reporting/notifier.js';
import { addWork, undecided, type SyncPlan, type SyncResult } from '../sync/result.js';
import { leftoversOf, metaTime, sameStatus, statusOf } from '../sync/status.js';
import type { ConfigMapSyncClient } from './config-map-sync-client.js';
import type { Finalizer } from './finalizer.js';
import type { SyncState } from './sync-state.js';
import type { SyncStates } from './sync-states.js';

/** How often to look whether all that is missing are stragglers. */
const LOOK_MS = 500;
/** Stragglers or not, what is known is reported after so long. */
const LONGEST_MS = 30_000;
/** Reports of one ConfigMapSync while something is under way: one in so long. */
const PACE_MS = 1_000;

export interface ReporterOptions {
  states: SyncStates;
  client: ConfigMapSyncClient;
  notifier: Notifier;
  finalizer: Finalizer;
  /** Keys of ConfigMapSyncs, by uid, that have something to report. */
  queue: WorkQueue;
  /** Whether something of this ConfigMapSync may come to an end any moment: the rest are stragglers. */
  hasQuick: (uid: string) => boolean;
  /** Has this ConfigMapSync planned again after so long. */
  replan: (key: string, afterMs: number) => void;
  /** How long to wait for what is refused to be granted. */
  recoveryMs: () => number;
  /** The ConfigMapSync is gone, or no copy of it is left. */
  onFinalized: (state: SyncState) => void;
  clock: Clock;
}

/** Turns what is known of a ConfigMapSync into its status, Events, metrics and audit lines. */
export class Reporter {
  readonly #options: ReporterOptions;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** A plan was made, or a target of it came to an end. */
  changed(state: SyncState): void {
    // What is forgotten may still have something under way that ends.
    if (this.#options.states.get(state.uid) !== state) return;
    state.dirtySince ??= this.#options.clock.now();
    if (state.isUnderWay) this.#options.queue.addAfter(state.uid, LOOK_MS);
    else this.#options.queue.add(state.uid);
  }

  /** Reports at once all that is known and not reported: for the end of the process. */
  async flush(signal: AbortSignal): Promise<void> {
    for (const state of this.#options.states.all()) {
      if (signal.aborted) return;
      await this.finish(state, signal).catch(() => undefined);
    }
  }

  /** Reports what is known and not reported of one, as if all that is missing had been missing for long enough. */
  async finish(state: SyncState, signal: AbortSignal): Promise<void> {
    if (state.dirtySince === undefined) return;
    state.dirtySince = state.lastReportAt = Number.NEGATIVE_INFINITY;
    await this.report(state.uid, signal);
  }

  /** @throws ApiError where the status could not be written: it is tried again, and told only once. */
  async report(uid: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { states, clock, notifier } = this.#options;
    const state = states.get(uid);
    const plan = state?.trouble ?? state?.plan;
    if (state === undefined || plan === undefined) return {};
    const waitMs = this.#waitMs(state);
    if (waitMs > 0) return { requeueAfterMs: waitMs };
    state.dirtySince = undefined;
    state.lastReportAt = clock.now();

    const previous = state.reported;
    const result = state.result(plan);
    const next = statusOf(previous, result, metaTime(clock.now()));
    state.told(result, next);
    if (plan.purpose === 'finalize') state.removed = addWork(state.removed, result.work);
    const { finalizer } = this.#options;
    const isOver = !state.isUnderWay || finalizer.isOverdue(state, result);
    if (plan.purpose === 'finalize' && isOver && this.#finalized(state, result)) {
      await this.#release(state, plan, signal).catch((error: unknown) =>
        this.#stuck(state, result, error, signal),
      );
      return {};
    }
    await notifier.report(previous, next, result, clock.now());
    if (leftoversOf(result).length > 0 && (plan.purpose === 'sync' || plan.purpose === 'hold')) {
      this.#options.replan(state.key, this.#options.recoveryMs());
    }
    try {
      await this.#writeStatus(state, signal);
      state.unwritable = undefined;
    } catch (error) {
      state.dirtySince ??= clock.now();
      this.#refused(state, plan, 'the status cannot be written', error);
    }
    return {};
  }

  /** Copies are removed, and the ConfigMapSync does not go. */
  async #stuck(state: SyncState, result: SyncResult, error: unknown, signal: AbortSignal): Promise<never> {
    const { plan } = result;
    const what = 'the copies are removed, but the finalizer cannot be';
    if (isRefusal(error)) {
      const Ready = undecided('SyncFailed', `${what}: ${error.message}`);
      const stuck = { ...result, plan: { ...plan, conditions: { ...plan.conditions, Ready } } };
      state.told(stuck, statusOf(state.reported, stuck, metaTime(this.#options.clock.now())));
      await this.#writeStatus(state, signal).catch(() => undefined);
    }
    return this.#refused(state, plan, what, error);
  }

  /** A refusal is told by an Event, once: the status itself may not be able to tell it. */
  #refused(state: SyncState, { sync }: SyncPlan, what: string, error: unknown): never {
    if (!isRefusal(error)) throw error;
    const { notifier, recoveryMs } = this.#options;
    const note = `${what}: ${error.message}`;
    if (state.unwritable !== note) notifier.event(sync, { type: 'Warning', reason: 'SyncFailed', note });
    state.unwritable = note;
    throw new RetryError(note, recoveryMs());
  }

  /** Milliseconds for which more may come in that belongs to the same report. */
  #waitMs(state: SyncState): number {
    const { dirtySince, lastReportAt } = state;
    if (!state.isUnderWay || dirtySince === undefined) return 0;
    const now = this.#options.clock.now();
    const leftMs = dirtySince + LONGEST_MS - now;
    const quickMs = this.#options.hasQuick(state.uid) ? Math.min(LOOK_MS, leftMs) : 0;
    return Math.max(quickMs, lastReportAt + PACE_MS - now);
  }

  /** Whether all that can be done for a ConfigMapSync that is deleted is done. */
  #finalized(state: SyncState, result: SyncResult): boolean {
    const { finalizer, notifier, replan, recoveryMs } = this.#options;
    const { sync } = result.plan;
    const verdict = finalizer.verdict(state, result);
    if (verdict.state === 'blocked') {
      replan(state.key, Math.min(recoveryMs(), verdict.givenUpInMs));
      return false;
    }
    // The finalizer may not go at the first try.
    if (state.finalized) return true;
    state.finalized = true;
    const { deleted, updated } = state.removed;
    if (verdict.abandoned !== undefined) {
      notifier.event(sync, { type: 'Warning', reason: 'CleanupAbandoned', note: verdict.abandoned });
    } else if (deleted + updated > 0) {
      const note = deleted > 0 ? `copies: ${deleted} removed` : `copies: ${updated} released`;
      notifier.event(sync, { type: 'Normal', reason: 'Synced', note });
    }
    return true;
  }

  async #release(state: SyncState, { sync }: SyncPlan, signal: AbortSignal): Promise<void> {
    const { states, client, onFinalized } = this.#options;
    if (!states.isLost(state.uid)) {
      await client.removeFinalizer(this.#newest(state) ?? sync, signal).catch(undefinedAt(404));
    }
    onFinalized(state);
  }

  async #writeStatus(state: SyncState, signal: AbortSignal): Promise<void> {
    const sync = this.#newest(state);
    const { reported } = state;
    if (sync === undefined || reported === undefined || sameStatus(sync.status, reported)) return;
    state.sent = reported;
    const writing = this.#options.client.writeStatus(sync, reported, signal);
    // Undefined: it is gone, or another one of the same name.
    state.written = (await writing.catch(undefinedAt(404, 409))) ?? state.written;
  }

  #newest(state: SyncState): ConfigMapSync | undefined {
    const sync = this.#options.states.current(state.key);
    return sync?.metadata.uid === state.uid ? sync : undefined;
  }
}

import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import { RetryError, isApiError, isRefusal, undefinedAt } from '../k8s/client/errors.js';
import { splitKey } from '../k8s/client/objects.js';
import type { ReconcileResult } from '../k8s/controller/controller.js';
import type { Clock } from '../k8s/util/clock.js';
import { messageOf } from '../k8s/util/text.js';
import type { Notifier } from '../reporting/notifier.js';
import { isWithheld, TOO_MANY_OBJECTS } from '../sync/stored.js';
import { metaTime, withheldStatus } from '../sync/status.js';
import type { Tenancy } from '../tenant/tenancy.js';
import type { ConfigMapSyncClient } from './config-map-sync-client.js';
import type { Finalizer } from './finalizer.js';
import type { Planned, Planner, PlanRequest } from './planner.js';
import type { Reporter } from './reporter.js';
import type { Schedule } from './schedule.js';
import type { SyncAdmission } from './sync-admission.js';
import { hasFinalizer, type SyncState } from './sync-state.js';
import type { SyncStates } from './sync-states.js';
import type { TargetRunner } from './target-runner.js';

export interface ReconcilerOptions {
  states: SyncStates;
  client: ConfigMapSyncClient;
  admission: Pick<SyncAdmission, 'hasRoomFor' | 'message'>;
  tenancy: Tenancy;
  planner: Planner;
  targets: TargetRunner;
  reporter: Reporter;
  finalizer: Finalizer;
  notifier: Notifier;
  schedule: Schedule;
  clock: Clock;
}

/** Where no plan could be made for so long, in milliseconds, it is no passing fault. */
const BROKEN_MS = 10_000;
/** How often to look whether what is under way has ended, where nothing more is to be done, in milliseconds. */
const WITHHOLD_MS = 500;
/** How long the watches of a suspended ConfigMapSync are kept, in milliseconds: many are resumed at once. */
const SUSPENDED_MS = 60_000;

/**
 * Plans one ConfigMapSync at a time and hands its targets to the queue. It computes from what is, never from what an event
 * said, and waits for no target.
 */
export class ConfigMapSyncReconciler {
  readonly #options: ReconcilerOptions;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** @throws whatever a retry may resolve; the work queue retries with back-off. */
  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { states } = this.#options;
    for (const state of states.gone(key)) this.forget(state);
    for (const lost of states.lost(key)) await this.#finalize(lost, states.of(lost), signal);
    const sync = states.current(key);
    if (sync === undefined) {
      if (states.lost(key).length === 0) this.#options.tenancy.close(key);
      return {};
    }
    if (isWithheld(sync)) return this.#withhold(sync, signal);
    const state = states.of(sync);
    const now = this.#options.clock.now();
    const waitMs = state.plans.readyAt(now) - now;
    if (waitMs > 0) return { requeueAfterMs: waitMs };
    state.plans.take(now);
    if (sync.metadata.deletionTimestamp !== undefined) return this.#finalize(sync, state, signal);
    if (sync.spec.suspend) return this.#suspend(sync, state, signal);
    state.suspendedSince = undefined;
    return this.#sync(sync, state, signal);
  }

  /** The ConfigMapSync is gone, or no copy of it is left. */
  forget(state: SyncState): void {
    const { states, targets, notifier, tenancy } = this.#options;
    targets.forget(state);
    states.forget(state);
    const successor = states.current(state.key);
    if (successor !== undefined && successor.metadata.uid !== state.uid) return;
    const { namespace, name } = splitKey(state.key);
    notifier.forget(namespace, name);
    tenancy.close(state.key);
  }

  async #sync(stored: ConfigMapSync, state: SyncState, signal: AbortSignal): Promise<ReconcileResult> {
    const { planner, schedule } = this.#options;
    const fresh = !hasFinalizer(stored) && stored.status?.targets === undefined;
    const request = this.#request(stored, state, signal, fresh);
    const planned = await this.#withFinalizer(request)
      .then((marked) => planner.plan(marked))
      .catch((error: unknown) => {
        throw this.#failed(state, request, error);
      });
    const { sync, blocked } = planned.plan;
    // Only now it is known how many targets it has; nothing is done for them yet.
    if (!this.#options.admission.hasRoomFor(sync, planned.plan.selection.wanted.length)) return {};
    if (request.recheck) state.checkedAt = this.#options.clock.now();
    this.#adopt(state, planned);
    if (blocked !== undefined) throw new RetryError(blocked, schedule.recoveryMs());
    return { requeueAfterMs: Math.min(this.#nextLookMs(planned), schedule.resyncMs()) };
  }

  /** Where the finalizer is refused, all but copies is still looked at and reported. */
  async #withFinalizer(request: PlanRequest): Promise<PlanRequest> {
    const { sync, known, signal } = request;
    if (hasFinalizer(sync)) return request;
    try {
      known.written = await this.#options.client.addFinalizer(sync, signal);
      return { ...request, sync: known.written };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return {
        ...request,
        blocked: `nothing is copied, since the finalizer cannot be set: ${error.message}`,
      };
    }
  }

  /** There is no room for it in memory: it is told so, and nothing else is done. */
  async #withhold(sync: ConfigMapSync, signal: AbortSignal): Promise<ReconcileResult> {
    const { states, targets, reporter, client, admission, clock } = this.#options;
    const state = states.get(sync.metadata.uid);
    if (state !== undefined && !state.orphaned) {
      // What an attempt did is in the status before it is forgotten.
      targets.queue.cancel(state.uid);
      if (targets.queue.running(state.uid).length > 0) return { requeueAfterMs: WITHHOLD_MS };
      await reporter.finish(state, signal);
      this.forget(state);
    }
    const { metadata, status } = sync;
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    if (ready?.reason === TOO_MANY_OBJECTS && ready.observedGeneration === metadata.generation) return {};
    const message = admission.message(metadata.namespace ?? '');
    await client
      .writeStatus(sync, withheldStatus(sync, message, metaTime(clock.now())), signal)
      .catch(undefinedAt(404, 409));
    return {};
  }

  /** Touches nothing; what is known is kept for a moment, in case that it is resumed. */
  async #suspend(sync: ConfigMapSync, state: SyncState, signal: AbortSignal): Promise<ReconcileResult> {
    const { planner, schedule, tenancy, clock } = this.#options;
    this.#adopt(state, { plan: await planner.suspended(this.#request(sync, state, signal, false)) });
    state.suspendedSince ??= clock.now();
    const closesInMs = state.suspendedSince + SUSPENDED_MS - clock.now();
    if (closesInMs > 0) return { requeueAfterMs: closesInMs };
    tenancy.close(state.key);
    return { requeueAfterMs: schedule.resyncMs() };
  }

  async #finalize(sync: ConfigMapSync, state: SyncState, signal: AbortSignal): Promise<ReconcileResult> {
    const { planner, finalizer, schedule, states, clock } = this.#options;
    if (!hasFinalizer(sync) && !states.isLost(state.uid)) return {};
    const request = this.#request(sync, state, signal, false);
    if (state.orphaned || (sync.metadata.finalizers?.includes('orphan') ?? false)) {
      this.#adopt(state, { plan: planner.orphaned(request) });
      return {};
    }
    state.removingSince ??= clock.now();
    try {
      this.#adopt(state, await planner.finalize(request));
    } catch (error) {
      if (signal.aborted || finalizer.givenUpInMs(state, sync, true) > 0)
        throw this.#failed(state, request, error);
      this.#adopt(state, { plan: planner.unreachable(request, String(error)) });
    }
    return { requeueAfterMs: schedule.resyncMs() };
  }

  #request(sync: ConfigMapSync, state: SyncState, signal: AbortSignal, fresh: boolean): PlanRequest {
    const { targets, clock, schedule } = this.#options;
    const now = clock.now();
    return {
      sync,
      known: state,
      running: () => targets.queue.running(state.uid),
      // Once in a resync interval everything is read, whatever watches make us believe.
      recheck: now - state.checkedAt >= 0.8 * schedule.intervals.resyncMs,
      fresh,
      since: state.changedAt ?? now,
      signal,
    };
  }

  #adopt(state: SyncState, planned: Planned): void {
    const { states, targets, reporter, notifier } = this.#options;
    // Forgotten while it was planned: nobody would forget what is kept for it now.
    if (states.get(state.uid) !== state) return;
    const { plan, refusal } = planned;
    state.brokenSince = undefined;
    state.trouble = undefined;
    state.changedAt = undefined;
    if (refusal !== undefined) notifier.identityRefused(plan.sync, state.reported, refusal);
    state.adopt(plan);
    targets.submit(state, planned);
    reporter.changed(state);
  }

  /** That no plan can be made shows in the status where it goes on for a while. */
  #failed(state: SyncState, request: PlanRequest, error: unknown): unknown {
    const { clock, planner, reporter } = this.#options;
    if (request.signal.aborted) return error;
    const now = clock.now();
    state.brokenSince ??= now;
    if (now - state.brokenSince >= BROKEN_MS && state.trouble === undefined) {
      state.trouble = planner.unknown(request, messageOf(error));
      reporter.changed(state);
    }
    if (!isApiError(error) || error.retryAfterSeconds === undefined) return error;
    return new RetryError(error.message, error.retryAfterSeconds * 1000);
  }

  #nextLookMs({ plan, session }: Planned): number {
    const { schedule } = this.#options;
    const { SourceConfigMapFound: found } = plan.conditions;
    // A watch tells of changes of the source, not of the permission to read it.
    if (session === undefined || found?.reason === 'SourceDenied') return schedule.recoveryMs();
    const watched = session.namespace(plan.source.namespace).covers(plan.source.name);
    return watched ? Infinity : schedule.pollMs();
  }
}

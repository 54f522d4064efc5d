import { createHash } from 'node:crypto';
import type { TargetStatus } from '../api/v1alpha1/config-map-sync-status.js';
import { isApiError } from '../k8s/client/errors.js';
import { abortable, Turns } from '../k8s/util/async.js';
import type { Clock } from '../k8s/util/clock.js';
import type { CopyTemplate } from '../sync/copy-template.js';
import { removalMode, type SyncPlan } from '../sync/result.js';
import { accountOf } from '../sync/targets.js';
import { SessionClosedError, TokenRejectedError } from '../tenant/errors.js';
import type { FairQueue, Priority } from '../tenant/fair-queue.js';
import { Attempt } from './attempt.js';
import type { Planned } from './planner.js';
import type { SyncState } from './sync-state.js';
import type { SyncStates } from './sync-states.js';
import { TargetWorker, type TargetItem, type TargetWorkerOptions } from './target-worker.js';
import { TargetQueue, type AttemptEnd } from './work/target-queue.js';

export interface TargetRunnerOptions extends TargetWorkerOptions {
  states: SyncStates;
  /** Bounds how many targets are under way at a time. */
  seats: FairQueue;
  /** Something came in that is to be reported. */
  onSettled: (state: SyncState) => void;
  /** Called for errors that are faults of ours. */
  onFault: (key: string, error: unknown) => void;
  /** Has this ConfigMapSync planned again. */
  replan: (key: string) => void;
  /** Resolves when there is memory for something new; undefined where there is. */
  room: () => Promise<void> | undefined;
  /** Aborts what is under way. */
  signal: AbortSignal;
  clock: Clock;
  random: () => number;
}

/** A copy that is released is read and written whole, and its size is not known before. */
const RELEASED_BYTES = 2 ** 20;
/** Attempts begun in one turn of the event loop: where nothing has to be asked, each takes some tens of microseconds. */
const ATTEMPTS_PER_TURN = 16;

/** Carries out plans, target by target. */
export class TargetRunner {
  readonly #options: TargetRunnerOptions;
  readonly #worker: TargetWorker;
  /** What waits and what is under way. */
  readonly queue: TargetQueue;
  readonly #turns = new Turns(ATTEMPTS_PER_TURN);
  /**
   * The newest plan of each ConfigMapSync that has one, with the means to carry it out. Attempts hold the content of the
   * source. A plan does not: hundreds may wait, and where memory was needed meanwhile, the source is read again.
   */
  readonly #planned = new Map<string, Planned & { kept: WeakRef<CopyTemplate> | undefined }>();

  constructor(options: TargetRunnerOptions) {
    const { seats, clock, random } = options;
    this.#options = options;
    this.#worker = new TargetWorker(options);
    this.queue = new TargetQueue({ seats, attempt: this.#attempt.bind(this), clock, random });
  }

  submit(state: SyncState, planned: Planned): void {
    const { plan, template, ...means } = planned;
    const { generation = 0, annotations = {} } = plan.sync.metadata;
    // An annotation asks for another try: what failed backs off no longer.
    const wish = createHash('sha256').update(JSON.stringify(annotations)).digest('base64');
    this.#planned.set(state.uid, { ...means, plan, kept: template && new WeakRef(template) });
    this.queue.submit({
      uid: state.uid,
      account: accountOf(plan.sync),
      bytes: template?.content.length ?? (removalMode(plan.sync) === 'release' ? RELEASED_BYTES : 0),
      work: new Map([...plan.work.keys()].map((each) => [each, priorityOf(state.previous(each))])),
      revision: `${plan.purpose} ${generation} ${plan.content?.hash ?? ''} ${wish}`,
    });
  }

  forget({ uid }: SyncState): void {
    this.queue.cancel(uid);
    this.#planned.delete(uid);
  }

  async #attempt(uid: string, namespace: string, priority: Priority): Promise<AttemptEnd> {
    await this.#turns.next();
    const { signal, replan, room } = this.#options;
    const later = room();
    // Where all ends meanwhile, the first request finds that out.
    if (later !== undefined) await abortable(later, signal).catch(() => undefined);
    const state = this.#options.states.get(uid);
    const planned = this.#planned.get(uid);
    const work = planned?.plan.work.get(namespace);
    if (state === undefined || planned?.session === undefined || work === undefined) return undefined;
    const { plan, session, cycles, kept } = planned;
    const desired = work === 'copy' ? kept?.deref() : work;
    if (desired === undefined) {
      replan(state.key);
      return 'replan';
    }
    const previous = state.previous(namespace);
    const record = state.record(namespace);
    const item: TargetItem = { plan, namespace, desired, previous, record, session, cycles };
    try {
      // What is missing is asked last: a thousand denied targets keep no good one waiting.
      if (priority !== 'background' && !(await this.#worker.isPlainlyAllowed(item, signal))) return 'later';
      const result = await this.#worker.run(item, signal, (partial) =>
        state.settle(plan, namespace, partial),
      );
      state.settle(plan, namespace, result);
      if (this.#isUnwanted(state, plan, namespace)) replan(state.key);
      this.#options.onSettled(state);
      return result.retry;
    } catch (error) {
      return this.#failed(state, item, error);
    }
  }

  #failed(state: SyncState, item: TargetItem, error: unknown): AttemptEnd {
    const { signal, replan } = this.#options;
    if (isApiError(error)) {
      const unknown = new Attempt(item, signal, this.#options).unknown(error);
      state.settle(item.plan, item.namespace, unknown);
      this.#options.onSettled(state);
      return unknown.retry;
    }
    this.#options.onSettled(state);
    if (signal.aborted || error instanceof SessionClosedError) return undefined;
    if (!(error instanceof TokenRejectedError)) this.#options.onFault(state.key, error);
    // With a new token, or to find that there is none.
    replan(state.key);
    return undefined;
  }

  /** A copy was made for a plan that is no longer the newest, and that one does not know of it, nor want any. */
  #isUnwanted(state: SyncState, plan: SyncPlan, namespace: string): boolean {
    const newest = state.plan;
    if (newest === undefined || newest === plan || newest.purpose === 'suspend') return false;
    if (newest.work.has(namespace) || state.record(namespace).copies.length === 0) return false;
    return newest.purpose !== 'sync' || !newest.selection.wanted.includes(namespace);
  }
}

/** Targets in good health come before those that were never looked at, and these before denied and failed ones. */
function priorityOf(previous: TargetStatus | undefined): Priority {
  if (previous === undefined || previous.state === 'Pending') return 'new';
  return previous.state === 'Synced' ? 'work' : 'background';
}

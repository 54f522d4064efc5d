import { RetryError } from '../client/errors.js';
import type { WorkQueue } from './work-queue.js';

export interface ReconcileResult {
  /** Look at this key again after so long; left out: when something changes. */
  requeueAfterMs?: number | undefined;
}

/** How one visit ended, as controller-runtime counts it: controller_runtime_reconcile_total{result}. */
export type VisitResult = 'success' | 'error' | 'requeue' | 'requeue_after';

/** Told what controller-runtime's metrics count. */
export interface ReconcileObserver {
  /** controller_runtime_max_concurrent_reconciles; once, at the start. */
  started(maxConcurrentReconciles: number): void;
  /** controller_runtime_active_workers. */
  active(workers: number): void;
  /** After each visit; `seconds` is for controller_runtime_reconcile_time_seconds. */
  reconciled(result: VisitResult, seconds: number): void;
}

export interface ControllerOptions {
  /** The controller shuts it down when it stops. */
  queue: WorkQueue;
  /** Keys that are worked on at the same time. */
  workers: number;
  /** Makes what is equal to what should be; computes from what is there, since a key does not say what has changed. */
  reconcile: (key: string, signal: AbortSignal) => Promise<ReconcileResult>;
  observer?: ReconcileObserver | undefined;
  /** Told of each failed visit but those that an abort cut short. Must not throw. */
  onError: (key: string, error: unknown) => void;
}

/** A reconcile that takes longer no longer counts against the number of workers, in milliseconds. */
const SLOW_MS = 250;
/** So many times the number of workers are the most that are busy at a time. */
const MAX_STAND_INS = 5;

/** Takes keys from a queue and reconciles them, some at a time. */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #workers = new Set<Promise<void>>();
  #active = 0;

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  /** Resolves when the signal has aborted and everything in flight is over. Never rejects for what a reconcile throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { workers, queue, observer } = this.#options;
    observer?.started(workers);
    queue.capacity = MAX_STAND_INS * workers;
    try {
      for (let worker = 0; worker < workers; worker += 1) this.#employ(signal);
      while (this.#workers.size > 0) await Promise.all(this.#workers);
    } finally {
      queue.shutDown();
    }
  }

  #employ(signal: AbortSignal): void {
    const work = this.#work(signal).finally(() => this.#workers.delete(work));
    this.#workers.add(work);
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { queue, observer } = this.#options;
    for (let key = await queue.get(signal); key !== undefined; key = await queue.get(signal)) {
      this.#active += 1;
      observer?.active(this.#active);
      const endStandIn = this.#standIn(signal);
      try {
        await this.#visit(key, signal);
      } finally {
        queue.done(key);
        this.#active -= 1;
        observer?.active(this.#active);
      }
      // Somebody has taken this worker's place meanwhile.
      if (endStandIn()) return;
    }
  }

  /** What takes long gets a stand-in, so that it delays no other key. */
  #standIn(signal: AbortSignal): () => boolean {
    const { workers } = this.#options;
    let replaced = false;
    const timer = setTimeout(() => {
      if (signal.aborted) return;
      if (this.#workers.size >= MAX_STAND_INS * workers) {
        // As soon as one of those ends, there is room.
        timer.refresh();
        return;
      }
      replaced = true;
      this.#employ(signal);
    }, SLOW_MS);
    timer.unref();
    return () => {
      clearTimeout(timer);
      return replaced;
    };
  }

  async #visit(key: string, signal: AbortSignal): Promise<void> {
    const { queue, reconcile, observer, onError } = this.#options;
    const startedAt = performance.now();
    const report = (result: VisitResult): void =>
      observer?.reconciled(result, (performance.now() - startedAt) / 1000);
    try {
      const { requeueAfterMs } = await reconcile(key, signal);
      queue.forget(key);
      if (requeueAfterMs === undefined) {
        report('success');
      } else {
        queue.addAfter(key, requeueAfterMs);
        report(requeueAfterMs > 0 ? 'requeue_after' : 'requeue');
      }
    } catch (error) {
      if (signal.aborted) return;
      queue.addRateLimited(key);
      // Of two times the earlier one counts.
      if (error instanceof RetryError) queue.addAfter(key, error.requeueAfterMs);
      onError(key, error);
      report('error');
    }
  }
}

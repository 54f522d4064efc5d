import { type Clock, steadyClock } from '../util/clock.js';
import { FairList } from '../util/fair-list.js';
import { DelayingQueue } from './delaying-queue.js';

/** Told what client-go's workqueue metrics count; {@link WorkQueue} itself has what is measured at the time of a scrape. */
export interface QueueObserver {
  /** workqueue_depth. */
  depth(length: number): void;
  /** workqueue_adds_total: once for each key that was not waiting yet. */
  added(): void;
  /** workqueue_queue_duration_seconds: a worker took a key that had waited for so long. */
  taken(waitedSeconds: number): void;
  /** workqueue_work_duration_seconds. */
  finished(workedSeconds: number): void;
  /** workqueue_retries_total: one call of addRateLimited. */
  retried(): void;
}

export interface WorkQueueOptions {
  /** Default: steadyClock. With one that can be set back, keys would come late by as much. */
  clock?: Clock;
  random?: () => number;
  /** Wait after the first failure of a key; it doubles. Default: 5, client-go's. */
  baseDelayMs?: number;
  /** Default: 300,000. client-go's 1,000 s is longer than somebody who has mended the cause will wait. */
  maxDelayMs?: number;
  /** The groups of keys that take turns; see {@link FairList}. Default: all keys are one group, first come, first served. */
  groupOf?: (key: string) => string;
  observer?: QueueObserver | undefined;
}

const DEFAULTS = {
  clock: steadyClock,
  random: Math.random,
  baseDelayMs: 5,
  maxDelayMs: 300_000,
};

/**
 * client-go's rate limiting work queue, with groups that take turns: a key waits once however often it is added, is never
 * with two workers at once, and is queued again at {@link done} when it was added meanwhile, so that no change is lost.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions & typeof DEFAULTS;
  readonly #delayed: DelayingQueue;
  /** Waiting to be taken, and since when. */
  readonly #waiting = new Map<string, number>();
  /** The same keys, in the order in which they are taken. */
  readonly #turns = new FairList<string>();
  /** With a worker, and since when. */
  readonly #processing = new Map<string, number>();
  /** Added while with a worker, and since when. */
  readonly #again = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  readonly #idle = new Set<(key: string | undefined) => void>();
  #down = false;

  constructor(options: WorkQueueOptions = {}) {
    this.#options = { ...DEFAULTS, ...options };
    this.#delayed = new DelayingQueue(this.#options.clock, (key) => this.add(key));
  }

  /** Keys that could be taken now. */
  get length(): number {
    return this.#waiting.size;
  }

  /** workqueue_unfinished_work_seconds: the sum over all keys that are with workers. */
  get unfinishedWorkSeconds(): number {
    const now = this.#options.clock.now();
    return [...this.#processing.values()].reduce((sum, since) => sum + (now - since) / 1000, 0);
  }

  /** workqueue_longest_running_processor_seconds; 0 when nothing is being worked on. */
  get longestRunningProcessorSeconds(): number {
    const now = this.#options.clock.now();
    return [...this.#processing.values()].reduce((most, since) => Math.max(most, (now - since) / 1000), 0);
  }

  add(key: string): void {
    if (this.#down || this.#waiting.has(key) || this.#again.has(key)) return;
    this.#options.observer?.added();
    const now = this.#options.clock.now();
    if (this.#processing.has(key)) this.#again.set(key, now);
    else this.#enqueue(key, now);
  }

  /** Of several times for one key the earliest counts. */
  addAfter(key: string, milliseconds: number): void {
    if (this.#down) return;
    if (milliseconds <= 0) this.add(key);
    else this.#delayed.add(key, milliseconds);
  }

  /** After a failure: the wait doubles with each one until {@link forget}. */
  addRateLimited(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#options.observer?.retried();
    const delay = Math.min(this.#options.baseDelayMs * 2 ** failures, this.#options.maxDelayMs);
    // Keys that failed together, as when the API server was away, shall not all come back together.
    this.addAfter(key, delay * (1 + 0.1 * this.#options.random()));
  }

  /** The next failure of this key is its first. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Waits for a key; undefined when the queue is shut down or the signal aborts. Each key needs its {@link done}. */
  async get(signal: AbortSignal): Promise<string | undefined> {
    if (this.#down || signal.aborted) return undefined;
    const first = this.#turns.take();
    return first === undefined ? this.#nextAdded(signal) : this.#take(first);
  }

  /** The worker is through with the key, whether it succeeded or not. */
  done(key: string): void {
    const since = this.#processing.get(key);
    if (since === undefined) return;
    this.#processing.delete(key);
    this.#options.observer?.finished((this.#options.clock.now() - since) / 1000);
    const again = this.#again.get(key);
    if (again !== undefined) {
      this.#again.delete(key);
      this.#enqueue(key, again);
    }
  }

  /** Nothing is handed out any more, and nothing added: what waits is looked at anew by whoever starts next. */
  shutDown(): void {
    this.#down = true;
    this.#delayed.stop();
    this.#waiting.clear();
    while (this.#turns.take() !== undefined);
    this.#again.clear();
    this.#options.observer?.depth(0);
    for (const resolve of [...this.#idle]) resolve(undefined);
  }

  #nextAdded(signal: AbortSignal): Promise<string | undefined> {
    return new Promise((resolve) => {
      const settle = (key: string | undefined): void => {
        this.#idle.delete(settle);
        signal.removeEventListener('abort', onAbort);
        resolve(key);
      };
      const onAbort = (): void => settle(undefined);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#idle.add(settle);
    });
  }

  #enqueue(key: string, since: number): void {
    if (this.#down) return;
    this.#waiting.set(key, since);
    this.#options.observer?.depth(this.#waiting.size);
    const [idle] = this.#idle;
    // Taken before the worker wakes up, so that nobody else takes it as well.
    if (idle !== undefined) idle(this.#take(key));
    else this.#turns.add([this.#options.groupOf?.(key) ?? ''], key);
  }

  #take(key: string): string {
    const now = this.#options.clock.now();
    const since = this.#waiting.get(key) ?? now;
    this.#waiting.delete(key);
    this.#processing.set(key, now);
    this.#options.observer?.depth(this.#waiting.size);
    this.#options.observer?.taken((now - since) / 1000);
    return key;
  }
}

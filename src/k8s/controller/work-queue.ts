import { type Clock, steadyClock } from '../util/clock.js';
import { count, FairList } from '../util/fair-list.js';
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

const DEFAULTS = { clock: steadyClock, random: Math.random, baseDelayMs: 5, maxDelayMs: 300_000 };

/**
 * client-go's rate limiting work queue, with groups that take turns: a key waits once however often it is added, is never
 * with two workers at once, and is queued again at {@link done} when it was added meanwhile, so that no change is lost.
 */
export class WorkQueue {
  /** The most keys with workers at a time, slow ones too: no group gets more than half of what would be left to others. */
  capacity = Infinity;
  readonly #options: WorkQueueOptions & typeof DEFAULTS;
  readonly #delayed: DelayingQueue<string>;
  /** Waiting to be taken, and since when. */
  readonly #waiting = new Map<string, number>();
  /** The same keys, in the order in which they are taken. */
  readonly #turns = new FairList<string>();
  /** With a worker, and since when; `again`: since when it has been added anew. */
  readonly #processing = new Map<string, { since: number; group: string; again?: number }>();
  /** By group, how many keys are with workers. */
  readonly #processingOf = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  readonly #idle = new Set<(key: string | undefined) => void>();
  #down = false;

  constructor(options: WorkQueueOptions = {}) {
    this.#options = { ...DEFAULTS, ...options };
    this.#delayed = new DelayingQueue(this.#options.clock, (key) => this.add(key));
  }

  /** Keys that wait for a worker. */
  get length(): number {
    return this.#waiting.size;
  }

  /** workqueue_unfinished_work_seconds: the sum over all keys that are with workers. */
  get unfinishedWorkSeconds(): number {
    return this.#runningSeconds.reduce((sum, seconds) => sum + seconds, 0);
  }

  /** workqueue_longest_running_processor_seconds; 0 when nothing is being worked on. */
  get longestRunningProcessorSeconds(): number {
    return Math.max(0, ...this.#runningSeconds);
  }

  get #runningSeconds(): number[] {
    const now = this.#options.clock.now();
    return [...this.#processing.values()].map(({ since }) => (now - since) / 1000);
  }

  add(key: string): void {
    const taken = this.#processing.get(key);
    if (this.#down || this.#waiting.has(key) || taken?.again !== undefined) return;
    this.#options.observer?.added();
    const now = this.#options.clock.now();
    if (taken === undefined) this.#enqueue(key, now);
    else taken.again = now;
  }

  /** Of several times for one key the earliest counts. */
  addAfter(key: string, milliseconds: number): void {
    if (milliseconds <= 0) this.add(key);
    else this.#delayed.add(key, milliseconds);
  }

  /** After a failure: the wait doubles with each one until {@link forget}. */
  addRateLimited(key: string): void {
    const { observer, baseDelayMs, maxDelayMs, random } = this.#options;
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    observer?.retried();
    // Keys that failed together, as when the API server was away, shall not all come back together.
    this.addAfter(key, Math.min(baseDelayMs * 2 ** failures, maxDelayMs) * (1 + 0.1 * random()));
  }

  /** All that has failed is tried again at once, as if for the first time: what they waited for is over. */
  retryFailed(): void {
    const failed = [...this.#failures.keys()];
    this.#failures.clear();
    for (const key of failed) this.add(key);
  }

  /** The next failure of this key is its first. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Waits for a key; undefined when the queue is shut down or the signal aborts. Each key needs its {@link done}. */
  async get(signal: AbortSignal): Promise<string | undefined> {
    if (this.#down || signal.aborted) return undefined;
    return this.#next() ?? this.#nextAdded(signal);
  }

  /** The worker is through with the key, whether it succeeded or not. */
  done(key: string): void {
    const taken = this.#processing.get(key);
    if (taken === undefined) return;
    this.#processing.delete(key);
    count(this.#processingOf, taken.group, -1);
    this.#options.observer?.finished((this.#options.clock.now() - taken.since) / 1000);
    if (taken.again !== undefined && !this.#down) this.#enqueue(key, taken.again);
    // What was held back, because its group had its share, may go on.
    this.#handOut();
  }

  /** Nothing is handed out any more, and nothing added: what waits is looked at anew by whoever starts next. */
  shutDown(): void {
    this.#down = true;
    this.#delayed.stop();
    this.#waiting.clear();
    while (this.#turns.take() !== undefined);
    this.#options.observer?.depth(0);
    for (const resolve of this.#idle) resolve(undefined);
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
    this.#waiting.set(key, since);
    this.#options.observer?.depth(this.#waiting.size);
    this.#turns.add([this.#group(key)], key);
    this.#handOut();
  }

  /** Keys are taken before the worker wakes up, so that nobody else takes them as well. */
  #handOut(): void {
    for (const idle of this.#idle) {
      const key = this.#next();
      if (key === undefined) return;
      idle(key);
    }
  }

  #next(): string | undefined {
    const key = this.#turns.take((group) => this.#may(group));
    if (key === undefined) return undefined;
    const { observer, clock } = this.#options;
    const now = clock.now();
    const waitedMs = now - (this.#waiting.get(key) ?? now);
    const group = this.#group(key);
    this.#waiting.delete(key);
    this.#processing.set(key, { since: now, group });
    count(this.#processingOf, group, 1);
    observer?.depth(this.#waiting.size);
    observer?.taken(waitedMs / 1000);
    return key;
  }

  /** However many groups keep their workers for long, each leaves something to the next. */
  #may(group: string): boolean {
    if (this.#options.groupOf === undefined) return true;
    const left = this.capacity - this.#processing.size;
    return (this.#processingOf.get(group) ?? 0) < Math.max(1, left / 2);
  }

  #group(key: string): string {
    return this.#options.groupOf?.(key) ?? '';
  }
}

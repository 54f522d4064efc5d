import type { Clock } from '../../k8s/util/clock.js';
import { DelayingQueue } from '../../k8s/controller/delaying-queue.js';
import type { FairQueue, Priority, Task } from '../../tenant/fair-queue.js';
import type { ServiceAccount } from '../../api/kubernetes.js';
import type { Retry } from '../../sync/result.js';

/** Wait after the first failure of a target, in milliseconds; it doubles. */
const BASE_DELAY_MS = 5;
const MAX_DELAY_MS = 300_000;
/** An attempt that takes longer may take much longer, in milliseconds. */
const QUICK_MS = 500;

/** How an attempt ended. `later`: again after those in better health. `replan`: again when the next plan is submitted. */
export type AttemptEnd = Retry | 'later' | 'replan' | undefined;

export interface TargetQueueOptions {
  seats: FairQueue;
  /** Must not throw. */
  attempt: (uid: string, namespace: string, priority: Priority) => Promise<AttemptEnd>;
  clock: Clock;
  random: () => number;
}

/** What is to be done for one ConfigMapSync, by namespace. */
export interface Submission {
  uid: string;
  account: ServiceAccount;
  /** What each target keeps in memory while it is under way. */
  bytes: number;
  work: ReadonlyMap<string, Priority>;
  /** Equal for two plans that want the same: a back-off counts on. */
  revision: string;
}

/** One target of one ConfigMapSync. It is never attempted twice at a time. */
class Entry implements Task {
  priority: Priority = 'new';
  bytes = 0;
  state: 'idle' | 'waiting' | 'delayed' | 'running' = 'idle';
  /** The newest plan has work for it. */
  desired = false;
  /** Asked for while it was running. */
  again = false;
  failures = 0;
  startedAt = 0;
  /** Milliseconds since the epoch: a back-off, which a newer plan ends, and what the server asked for, which it does not. */
  backedOffUntil = 0;
  heldUntil = 0;

  constructor(
    readonly uid: string,
    readonly namespace: string,
    public account: ServiceAccount,
    readonly start: (leave: () => void) => void,
  ) {}
}

/**
 * The targets of all ConfigMapSyncs that have something to be done, each with its own back-off and Retry-After. The newest
 * plan wins: what only an older one wanted is dropped, and what is under way is attempted again when it ends.
 */
export class TargetQueue {
  readonly #options: TargetQueueOptions;
  readonly #syncs = new Map<string, { revision: string; entries: Map<string, Entry> }>();
  readonly #delayed: DelayingQueue<Entry>;
  #onIdle: (() => void) | undefined;
  #length = 0;

  constructor(options: TargetQueueOptions) {
    this.#options = options;
    this.#delayed = new DelayingQueue(options.clock, (entry) => this.#due(entry));
  }

  /** Targets that wait or are under way; those that back off are not counted. */
  get length(): number {
    return this.#length;
  }

  submit({ uid, account, bytes, work, revision }: Submission): void {
    const targets = this.#syncs.get(uid) ?? { revision, entries: new Map<string, Entry>() };
    const isNew = targets.revision !== revision;
    targets.revision = revision;
    for (const entry of targets.entries.values()) {
      if (!work.has(entry.namespace)) this.#drop(entry);
    }
    // Only now: with its last target, the older plan may have been forgotten whole.
    if (work.size > 0) this.#syncs.set(uid, targets);
    for (const [namespace, priority] of work) {
      const entry: Entry =
        targets.entries.get(namespace) ??
        new Entry(uid, namespace, account, (leave) => this.#start(entry, leave));
      targets.entries.set(namespace, entry);
      entry.bytes = bytes;
      if (isNew) {
        entry.failures = 0;
        entry.backedOffUntil = 0;
      }
      this.#want(entry, account, priority);
    }
  }

  /** Nothing more is to be done for this ConfigMapSync; what is under way ends by itself. */
  cancel(uid: string): void {
    for (const entry of this.#syncs.get(uid)?.entries.values() ?? []) this.#drop(entry);
  }

  /** Ends all back-offs, as after an outage of the API server; not what a server asked for. */
  retryFailed(): void {
    for (const { entries } of [...this.#syncs.values()]) {
      for (const entry of [...entries.values()]) {
        if (entry.failures === 0) continue;
        entry.failures = 0;
        entry.backedOffUntil = 0;
        this.#due(entry);
      }
    }
  }

  /** Namespaces where something of this ConfigMapSync is under way. */
  running(uid: string): string[] {
    const entries = this.#syncs.get(uid)?.entries.values() ?? [];
    return [...entries].filter(({ state }) => state === 'running').map(({ namespace }) => namespace);
  }

  /** True while something of this ConfigMapSync waits for its turn, or has just begun. */
  hasQuick(uid: string): boolean {
    const before = this.#options.clock.now() - QUICK_MS;
    const entries = this.#syncs.get(uid)?.entries.values() ?? [];
    return [...entries].some(
      ({ state, startedAt }) => state === 'waiting' || (state === 'running' && startedAt > before),
    );
  }

  /** Resolves when all that could be done at once is done; what backs off is left to whoever starts next. */
  async drain(): Promise<void> {
    this.#delayed.stop();
    if (this.#length === 0) return;
    await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }

  #want(entry: Entry, account: ServiceAccount, priority: Priority): void {
    entry.desired = true;
    if (entry.state === 'waiting') {
      if (entry.priority === priority && entry.account.name === account.name) return;
      this.#options.seats.remove(entry);
      this.#left();
    }
    entry.account = account;
    entry.priority = priority;
    if (entry.state === 'running') entry.again = true;
    else this.#enqueue(entry);
  }

  #enqueue(entry: Entry): void {
    const waitMs = Math.max(entry.backedOffUntil, entry.heldUntil) - this.#options.clock.now();
    if (waitMs > 0) {
      entry.state = 'delayed';
      this.#delayed.add(entry, waitMs);
      return;
    }
    entry.state = 'waiting';
    this.#length += 1;
    this.#options.seats.add(entry);
  }

  #due(entry: Entry): void {
    if (entry.state !== 'delayed') return;
    entry.state = 'idle';
    if (entry.desired) this.#enqueue(entry);
    else this.#drop(entry);
  }

  #start(entry: Entry, leave: () => void): void {
    entry.state = 'running';
    entry.startedAt = this.#options.clock.now();
    entry.again = false;
    void this.#options.attempt(entry.uid, entry.namespace, entry.priority).then((retry) => {
      entry.state = 'idle';
      this.#ended(entry, retry);
      leave();
      this.#left();
    });
  }

  /** One target less waits or is under way. */
  #left(): void {
    this.#length -= 1;
    if (this.#length === 0) this.#onIdle?.();
  }

  #ended(entry: Entry, retry: AttemptEnd): void {
    // It stays as it is: the next plan counts on.
    if (retry === 'replan' && entry.desired && !entry.again) return;
    if (retry === 'later') entry.priority = 'background';
    else if (retry !== 'replan') this.#heed(entry, retry);
    if (entry.desired && (entry.again || retry !== undefined)) this.#enqueue(entry);
    else this.#drop(entry);
  }

  #heed(entry: Entry, retry: Retry | undefined): void {
    const { clock, random } = this.#options;
    if (retry === undefined) {
      entry.failures = 0;
      return;
    }
    const now = clock.now();
    // What failed together, as when the API server was away, shall not all come back together, and never too early.
    const after = (milliseconds: number): number => now + milliseconds * (1 + 0.1 * random());
    if (retry === 'backoff') {
      entry.backedOffUntil = after(Math.min(BASE_DELAY_MS * 2 ** entry.failures, MAX_DELAY_MS));
      entry.failures += 1;
    } else if ('holdMs' in retry) {
      entry.heldUntil = after(retry.holdMs);
    } else {
      entry.backedOffUntil = after(retry.waitMs);
    }
  }

  /** Nothing is to be done there. What the server asked for is remembered until it is over. */
  #drop(entry: Entry): void {
    entry.desired = false;
    if (entry.state === 'running') return;
    if (entry.state === 'waiting') {
      this.#options.seats.remove(entry);
      this.#left();
    }
    entry.state = 'idle';
    const heldMs = entry.heldUntil - this.#options.clock.now();
    if (heldMs > 0) {
      entry.state = 'delayed';
      this.#delayed.add(entry, heldMs);
      return;
    }
    const entries = this.#syncs.get(entry.uid)?.entries;
    entries?.delete(entry.namespace);
    if (entries?.size === 0) this.#syncs.delete(entry.uid);
  }
}

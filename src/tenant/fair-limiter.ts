/**
 * Bounds how many requests are under way at once and shares the places fairly: whoever waits is served in turns by
 * tenant, so that one with a thousand targets never keeps another waiting for more than a turn.
 */
export class FairLimiter {
  readonly #places: () => number;
  #taken = 0;
  /** Places taken, and attendances, by tenant; none that has neither. */
  readonly #present = new Map<string, number>();
  /** Waiters by tenant. A Map keeps insertion order: the first key is whose turn it is. */
  readonly #waiting = new Map<string, Waiter[]>();
  /**
   * Those that wait with each signal share one listener: a signal walks through its listeners for each that is added or
   * removed, and thousands of waiters have the signal of one reconcile.
   */
  readonly #bySignal = new Map<AbortSignal, SignalGroup>();

  /** @param places How many there are, at least 1; asked anew for each that comes and goes where it is a function. */
  constructor(places: number | (() => number)) {
    this.#places = typeof places === 'number' ? () => places : places;
  }

  /** How many wait for a place. */
  get waiting(): number {
    let sum = 0;
    for (const queue of this.#waiting.values()) sum += queue.length;
    return sum;
  }

  /**
   * Counts this tenant among those that are served, whether it has a request here or not, until the function that is
   * returned is called.
   */
  attend(tenant: string): () => void {
    this.#enter(tenant);
    return () => this.#leave(tenant);
  }

  /** True while somebody else than this tenant has a place, waits for one or is attended to. */
  servesOthersThan(tenant: string): boolean {
    return [this.#present, this.#waiting].some((tenants) => tenants.size > (tenants.has(tenant) ? 1 : 0));
  }

  async run<T>(tenant: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const release = await this.acquire(tenant, signal);
    try {
      return await task();
    } finally {
      release();
    }
  }

  /** Resolves, as soon as there is a place, to the function that gives it back. Rejects when the signal aborts. */
  async acquire(tenant: string, signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#waiting.size === 0 && this.#taken < this.#places()) {
      this.#take(tenant);
    } else {
      await this.#wait(tenant, signal);
    }
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#giveBack(tenant);
      this.#passOn();
    };
  }

  #take(tenant: string): void {
    this.#taken += 1;
    this.#enter(tenant);
  }

  #enter(tenant: string): void {
    this.#present.set(tenant, (this.#present.get(tenant) ?? 0) + 1);
  }

  #giveBack(tenant: string): void {
    this.#taken -= 1;
    this.#leave(tenant);
  }

  #leave(tenant: string): void {
    const left = (this.#present.get(tenant) ?? 0) - 1;
    if (left > 0) this.#present.set(tenant, left);
    else this.#present.delete(tenant);
  }

  #wait(tenant: string, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((serve, reject) => {
      const waiter: Waiter = { signal, serve, reject };
      if (signal !== undefined) this.#group(signal).waiters.add(waiter);
      const queue = this.#waiting.get(tenant);
      if (queue === undefined) this.#waiting.set(tenant, [waiter]);
      else queue.push(waiter);
    });
  }

  #passOn(): void {
    // Who is served goes to the end of the line, where this loop comes by again as long as there are places.
    for (const [tenant, queue] of this.#waiting) {
      if (this.#taken >= this.#places()) return;
      const next = queue.shift();
      this.#waiting.delete(tenant);
      if (queue.length > 0) this.#waiting.set(tenant, queue);
      if (next === undefined) continue;
      this.#take(tenant);
      this.#leaveGroup(next);
      next.serve();
    }
  }

  #group(signal: AbortSignal): SignalGroup {
    const known = this.#bySignal.get(signal);
    if (known !== undefined) return known;
    const group: SignalGroup = { waiters: new Set(), onAbort: () => this.#giveUp(signal) };
    signal.addEventListener('abort', group.onAbort, { once: true });
    this.#bySignal.set(signal, group);
    return group;
  }

  #leaveGroup(waiter: Waiter): void {
    if (waiter.signal === undefined) return;
    const group = this.#bySignal.get(waiter.signal);
    group?.waiters.delete(waiter);
    if (group?.waiters.size !== 0) return;
    waiter.signal.removeEventListener('abort', group.onAbort);
    this.#bySignal.delete(waiter.signal);
  }

  #giveUp(signal: AbortSignal): void {
    const { waiters } = this.#bySignal.get(signal) ?? { waiters: new Set<Waiter>() };
    this.#bySignal.delete(signal);
    for (const [tenant, queue] of this.#waiting) {
      const rest = queue.filter((waiter) => !waiters.has(waiter));
      // Setting what is there keeps its place in the line.
      if (rest.length > 0) this.#waiting.set(tenant, rest);
      else this.#waiting.delete(tenant);
    }
    for (const { reject } of waiters) reject(signal.reason);
  }
}

interface Waiter {
  signal: AbortSignal | undefined;
  serve: () => void;
  reject: (reason: unknown) => void;
}

/** Who waits with one signal. */
interface SignalGroup {
  waiters: Set<Waiter>;
  onAbort: () => void;
}

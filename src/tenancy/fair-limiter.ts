/**
 * Bounds how many requests are under way at once and shares the places fairly: whoever waits is served in turns by
 * tenant, so that one with a thousand targets never keeps another waiting for more than a turn.
 */
export class FairLimiter {
  #free: number;
  /** Waiters by tenant. A Map keeps insertion order: the first key is whose turn it is. */
  readonly #waiting = new Map<string, Waiter[]>();

  constructor(places: number) {
    this.#free = places;
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
    if (this.#free > 0) {
      this.#free -= 1;
    } else {
      await this.#wait(tenant, signal);
    }
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#passOn();
    };
  }

  #wait(tenant: string, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#remove(tenant, waiter);
        reject(signal?.reason as Error);
      };
      const waiter: Waiter = () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const queue = this.#waiting.get(tenant);
      if (queue === undefined) this.#waiting.set(tenant, [waiter]);
      else queue.push(waiter);
    });
  }

  #passOn(): void {
    for (const [tenant, queue] of this.#waiting) {
      const next = queue.shift();
      // Who was just served goes to the end of the line.
      this.#waiting.delete(tenant);
      if (queue.length > 0) this.#waiting.set(tenant, queue);
      if (next !== undefined) {
        next();
        return;
      }
    }
    this.#free += 1;
  }

  #remove(tenant: string, waiter: Waiter): void {
    const queue = this.#waiting.get(tenant);
    const index = queue?.indexOf(waiter) ?? -1;
    if (queue === undefined || index < 0) return;
    queue.splice(index, 1);
    if (queue.length === 0) this.#waiting.delete(tenant);
  }
}

type Waiter = () => void;

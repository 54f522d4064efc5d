/** Lets through a burst, and then one for each period. Holds no timer: it is asked. */
export class TokenBucket {
  readonly #burst: number;
  readonly #periodMs: number;
  #tokens: number;
  #countedAt: number;

  constructor(options: { burst: number; periodMs: number; now: number }) {
    this.#burst = options.burst;
    this.#periodMs = options.periodMs;
    this.#tokens = options.burst;
    this.#countedAt = options.now;
  }

  /** When the next token is there, in milliseconds since the epoch; `now` when one is there already. */
  readyAt(now: number): number {
    this.#refill(now);
    return this.#tokens >= 1 ? now : now + Math.ceil((1 - this.#tokens) * this.#periodMs);
  }

  take(now: number): void {
    this.#refill(now);
    this.#tokens = Math.max(0, this.#tokens - 1);
  }

  /** Whether it is as good as new, and may be forgotten. */
  isFull(now: number): boolean {
    this.#refill(now);
    return this.#tokens >= this.#burst;
  }

  #refill(now: number): void {
    const elapsed = Math.max(0, now - this.#countedAt);
    this.#tokens = Math.min(this.#burst, this.#tokens + elapsed / this.#periodMs);
    this.#countedAt = now;
  }
}

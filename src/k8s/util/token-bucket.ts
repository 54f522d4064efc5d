/** A burst, and then one for each so many milliseconds. */
export interface Rate {
  burst: number;
  periodMs: number;
}

/** Lets through what its rate allows. Holds no timer: it is asked. */
export class TokenBucket {
  readonly #options: Rate;
  #tokens: number;
  #countedAt: number;

  constructor(options: Rate & { now: number }) {
    this.#options = options;
    this.#tokens = options.burst;
    this.#countedAt = options.now;
  }

  /** When the next token is there, in milliseconds since the epoch; `now` when one is there already. */
  readyAt(now: number): number {
    const tokens = this.tokens(now);
    return tokens >= 1 ? now : now + Math.ceil((1 - tokens) * this.#options.periodMs);
  }

  take(now: number): void {
    this.#tokens = Math.max(0, this.tokens(now) - 1);
  }

  /** Whether it is as good as new, and may be forgotten. */
  isFull(now: number): boolean {
    return this.tokens(now) >= this.#options.burst;
  }

  /** How many may pass now. */
  tokens(now: number): number {
    const elapsed = Math.max(0, now - this.#countedAt);
    this.#countedAt = now;
    this.#tokens = Math.min(this.#options.burst, this.#tokens + elapsed / this.#options.periodMs);
    return this.#tokens;
  }
}

export interface BackoffOptions {
  baseMs: number;
  maxMs: number;
  random?: () => number;
}

/** Waits that double from `baseMs` to `maxMs`, each with up to half of itself added at random. */
export class Backoff {
  readonly #baseMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#baseMs = options.baseMs;
    this.#maxMs = options.maxMs;
    this.#random = options.random ?? Math.random;
  }

  /** Milliseconds to wait after one more failure. */
  next(): number {
    const wait = Math.min(this.#baseMs * 2 ** this.#failures, this.#maxMs);
    // Beyond 2^60 nothing changes any more.
    this.#failures = Math.min(this.#failures + 1, 60);
    return wait * (1 + 0.5 * this.#random());
  }

  reset(): void {
    this.#failures = 0;
  }
}

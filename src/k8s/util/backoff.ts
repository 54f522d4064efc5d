export interface BackoffOptions {
  baseMs: number;
  maxMs: number;
  random?: () => number;
}

/** Waits that double from `baseMs` to `maxMs`, each with up to half of itself added at random. */
export class Backoff {
  readonly #options: Required<BackoffOptions>;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = { random: Math.random, ...options };
  }

  /** Milliseconds to wait after one more failure. */
  next(): number {
    const { baseMs, maxMs, random } = this.#options;
    const wait = Math.min(baseMs * 2 ** this.#failures, maxMs);
    // Beyond 2^60 nothing changes any more.
    this.#failures = Math.min(this.#failures + 1, 60);
    return wait * (1 + 0.5 * random());
  }

  reset(): void {
    this.#failures = 0;
  }
}

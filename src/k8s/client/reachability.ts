import { UNANSWERED_CODES } from './errors.js';

/** A shorter outage is over before any back-off has grown, in milliseconds. */
const SHORTEST_OUTAGE_MS = 3_000;
/** What all requests to one API server have found: whether it answers. Ends the back-offs of those that wait for it. */
export class Reachability {
  readonly #now: () => number;
  readonly #listeners = new Set<() => void>();
  #awaySince: number | undefined;

  /** @param now Milliseconds of a clock that never jumps. */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /** To be called with the HTTP status code of each answer; 0 where there was none. */
  observe(code: number): void {
    if (UNANSWERED_CODES.includes(code)) {
      this.#awaySince ??= this.#now();
    } else if (this.#awaySince !== undefined) {
      const lastedMs = this.#now() - this.#awaySince;
      this.#awaySince = undefined;
      if (lastedMs < SHORTEST_OUTAGE_MS) return;
      for (const listener of [...this.#listeners]) listener();
    }
  }

  /** Calls `listener`, which must not throw, at the end of each outage, until the returned function is called. */
  onRecovery(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

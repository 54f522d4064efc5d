import type { Clock } from '../k8s/util/clock.js';
import { TokenBucket } from '../k8s/util/token-bucket.js';

/** A copy may be put back this often at once, and then once in so many milliseconds. */
const RATE = { burst: 5, periodMs: 60_000 };

/** Ends fights over a copy: see docs/design/0017-drift-limiter.md. Remembers only targets that needed repair lately. */
export class DriftLimiter {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds to wait before `target` may be put back once more; 0: now, and one repair is spent. */
  spend(target: string): number {
    const now = this.#clock.now();
    // The order of insertion is that of use: what is whole again comes first.
    for (const [idle, bucket] of this.#buckets) {
      if (!bucket.isFull(now)) break;
      this.#buckets.delete(idle);
    }
    const bucket = this.#buckets.get(target) ?? new TokenBucket({ ...RATE, now });
    this.#buckets.delete(target);
    this.#buckets.set(target, bucket);
    const waitMs = bucket.readyAt(now) - now;
    if (waitMs === 0) bucket.take(now);
    return waitMs;
  }
}

import type { Clock } from '../k8s/util/clock.js';

/** A copy may be put back this often at once, */
const BURST = 5;
/** and then once in so many milliseconds. */
const REFILL_MS = 60_000;

interface Bucket {
  left: number;
  updatedAt: number;
}

/**
 * Ends fights: where somebody keeps changing a copy, it is put back a few times and then only now and then, so that two
 * controllers never write against each other at full speed. Remembers only targets that needed repair lately.
 */
export class DriftLimiter {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds to wait before `target` may be put back once more; 0: now, and one repair is spent. */
  spend(target: string): number {
    this.#dropFull();
    const now = this.#clock.now();
    const bucket = this.#buckets.get(target) ?? { left: BURST, updatedAt: now };
    bucket.left = Math.min(BURST, bucket.left + (now - bucket.updatedAt) / REFILL_MS);
    bucket.updatedAt = now;
    // To the end: the order of insertion is that of use.
    this.#buckets.delete(target);
    this.#buckets.set(target, bucket);
    if (bucket.left < 1) return Math.ceil((1 - bucket.left) * REFILL_MS);
    bucket.left -= 1;
    return 0;
  }

  #dropFull(): void {
    const full = this.#clock.now() - BURST * REFILL_MS;
    for (const [target, { updatedAt }] of this.#buckets) {
      if (updatedAt >= full) return;
      this.#buckets.delete(target);
    }
  }
}

import { abortable } from './async.js';
import type { Clock } from './clock.js';
import { FairList } from './fair-list.js';
import { TokenBucket } from './token-bucket.js';

/** One re-check of permissions in so many milliseconds, all tenants together. */
const RECHECKS = { burst: 2, periodMs: 10 };
/** How often waiting ones are let through, in milliseconds. */
const TICK_MS = 20;

/**
 * Lets reviews through at a bounded rate, groups in turns. Re-checks of permissions are grouped by tenant: their number grows
 * with what tenants write, and nobody may pay for that but the tenant, whose changes are noticed later.
 */
export class ReviewPace {
  readonly #clock: Clock;
  readonly #waiting = new FairList<PromiseWithResolvers<undefined>>();
  readonly #bucket: TokenBucket;
  #running = false;

  /** @param rate Default: that of the re-checks of permissions. */
  constructor(clock: Clock, rate = RECHECKS) {
    this.#clock = clock;
    this.#bucket = new TokenBucket({ ...rate, now: clock.now() });
  }

  /** Resolves when the review may go on; rejects when the signal aborts. */
  async turn(group: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const turn = Promise.withResolvers<undefined>();
    this.#waiting.add([group], turn);
    this.#pump();
    try {
      await abortable(turn.promise, signal);
    } finally {
      this.#waiting.remove([group], turn);
    }
  }

  #pump(): void {
    const now = this.#clock.now();
    while (this.#waiting.size > 0 && this.#bucket.readyAt(now) === now) {
      this.#bucket.take(now);
      this.#waiting.take()?.resolve(undefined);
    }
    if (this.#waiting.size === 0 || this.#running) return;
    this.#running = true;
    void this.#clock.sleep(TICK_MS).then(() => {
      this.#running = false;
      this.#pump();
    });
  }
}

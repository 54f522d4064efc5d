import type { Clock } from '../k8s/util/clock.js';
import { TokenBucket } from '../k8s/events/event-queue.js';
import { abortable } from '../k8s/util/async.js';
import { FairList } from '../k8s/util/fair-list.js';

/** One re-check of permissions in so many milliseconds, all tenants together. */
const PERIOD_MS = 10;
/** How often waiting ones are let through, in milliseconds. */
const TICK_MS = 20;

/**
 * Lets re-checks of permissions through at a bounded rate, tenants in turns: their number grows with what tenants write, and
 * nobody may pay for that but the tenant, whose changes are noticed later.
 */
export class ReviewPace {
  readonly #clock: Clock;
  readonly #waiting = new FairList<PromiseWithResolvers<undefined>>();
  readonly #bucket: TokenBucket;
  #running = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#bucket = new TokenBucket({ burst: TICK_MS / PERIOD_MS, periodMs: PERIOD_MS, now: clock.now() });
  }

  /** Resolves when the re-check may go on; rejects when the signal aborts. */
  async turn(tenant: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const turn = Promise.withResolvers<undefined>();
    this.#waiting.add([tenant], turn);
    this.#pump();
    try {
      await abortable(turn.promise, signal);
    } finally {
      this.#waiting.remove([tenant], turn);
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

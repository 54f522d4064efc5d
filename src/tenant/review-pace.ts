import type { Clock } from '../k8s/util/clock.js';
import { abortable } from '../k8s/util/async.js';
import { FairList } from '../k8s/util/fair-list.js';

/** At most so many re-checks of permissions a second, all tenants together. */
const PER_SECOND = 100;
/** How often waiting ones are let through, in milliseconds. */
const TICK_MS = 20;

/**
 * Lets re-checks of permissions through at a bounded rate, tenants in turns: their number grows with what tenants write, and
 * nobody may pay for that but the tenant, whose changes are noticed later.
 */
export class ReviewPace {
  readonly #clock: Clock;
  readonly #waiting = new FairList<PromiseWithResolvers<undefined>>();
  #running = false;
  #credit = 0;
  #countedAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
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
    // A clock that is set back must not stop re-checks for as long.
    const earned = (Math.max(0, now - this.#countedAt) / 1000) * PER_SECOND;
    this.#credit = Math.min(this.#credit + earned, Math.ceil((PER_SECOND * TICK_MS) / 1000));
    this.#countedAt = now;
    while (this.#credit >= 1 && this.#waiting.size > 0) {
      this.#credit -= 1;
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

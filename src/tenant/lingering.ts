import type { Clock } from '../k8s/util/clock.js';

/** How long, in milliseconds. */
const LINGER_MS = 60_000;
/** The most of it, by cost. */
const MOST = 4000;

interface Left {
  until: number;
  cost: number;
  close: () => void;
}

/**
 * What nobody uses any more, and may be used again in a moment: each is closed after a minute, and the oldest sooner where there is
 * too much of it.
 */
export class Lingering {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  /** In the order in which they were left, which is that in which they come due. */
  readonly #left = new Map<string, Left>();
  #cost = 0;
  #timer = false;

  /** @param signal Aborts when nothing is to be closed any more. */
  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
  }

  has(key: string): boolean {
    return this.#left.has(key);
  }

  /** @param cost What it keeps in memory, in pieces of 3.5 KiB. */
  add(key: string, cost: number, close: () => void): void {
    this.delete(key);
    this.#left.set(key, { until: this.#clock.now() + LINGER_MS, cost, close });
    this.#cost += cost;
    this.#closeDue();
  }

  /** It is used again, or closed by itself. */
  delete(key: string): void {
    this.#cost -= this.#left.get(key)?.cost ?? 0;
    this.#left.delete(key);
  }

  #closeDue(): void {
    const now = this.#clock.now();
    for (const [key, { until, close }] of this.#left) {
      if (until > now && this.#cost <= MOST) break;
      this.delete(key);
      close();
    }
    const [first] = this.#left.values();
    if (this.#timer || first === undefined) return;
    this.#timer = true;
    void this.#clock.sleep(first.until - now, this.#signal).then(
      () => {
        this.#timer = false;
        this.#closeDue();
      },
      () => undefined,
    );
  }
}

import TinyQueue from 'tinyqueue';
import type { Clock } from '../util/clock.js';

/** The longest that a timer can hold; who is still not due then sleeps again. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Keys that come due later, each once, at the earliest time asked for. One timer for all: there may be tens of thousands. */
export class DelayingQueue<K> {
  readonly #clock: Clock;
  readonly #onDue: (key: K) => void;
  /** What counts; entries of the heap that say otherwise are leftovers. */
  readonly #due = new Map<K, number>();
  readonly #heap = new TinyQueue<{ key: K; due: number }>([], (a, b) => a.due - b.due);
  #sleeper: AbortController | undefined;
  #wakesAt = Infinity;
  #stopped = false;

  constructor(clock: Clock, onDue: (key: K) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** A time later than the one already set changes nothing. */
  add(key: K, milliseconds: number): void {
    const due = this.#clock.now() + milliseconds;
    if (this.#stopped || due >= (this.#due.get(key) ?? Infinity)) return;
    this.#due.set(key, due);
    this.#heap.push({ key, due });
    if (due < this.#wakesAt) this.#sleepUntil(due);
  }

  stop(): void {
    this.#stopped = true;
    this.#due.clear();
    this.#sleeper?.abort();
  }

  #sleepUntil(due: number): void {
    this.#sleeper?.abort();
    const sleeper = new AbortController();
    this.#sleeper = sleeper;
    this.#wakesAt = due;
    this.#clock.sleep(Math.min(Math.max(0, due - this.#clock.now()), MAX_TIMER_MS), sleeper.signal).then(
      () => this.#wake(),
      // Aborted: an earlier one has taken over, or the queue has stopped.
      () => undefined,
    );
  }

  #wake(): void {
    this.#wakesAt = Infinity;
    const now = this.#clock.now();
    for (let first = this.#heap.peek(); first !== undefined; first = this.#heap.peek()) {
      const current = this.#due.get(first.key) === first.due;
      if (current && first.due > now) {
        this.#sleepUntil(first.due);
        return;
      }
      this.#heap.pop();
      if (current) {
        this.#due.delete(first.key);
        this.#onDue(first.key);
      }
    }
  }
}

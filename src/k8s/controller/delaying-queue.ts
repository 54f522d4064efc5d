import type { Clock } from '../util/clock.js';

/** The longest that a timer can hold; who is still not due then sleeps again. */
const MAX_TIMER_MS = 2 ** 31 - 1;

interface Entry {
  key: string;
  due: number;
}

/** Keys that come due later, each once, at the earliest time asked for. One timer for all: there may be tens of thousands. */
export class DelayingQueue {
  readonly #clock: Clock;
  readonly #onDue: (key: string) => void;
  /** What counts; entries of the heap that say otherwise are leftovers. */
  readonly #due = new Map<string, number>();
  readonly #heap: Entry[] = [];
  #sleeper: AbortController | undefined;
  #wakesAt = Infinity;
  #stopped = false;

  constructor(clock: Clock, onDue: (key: string) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** A time later than the one already set changes nothing. */
  add(key: string, milliseconds: number): void {
    const due = this.#clock.now() + milliseconds;
    if (this.#stopped || due >= (this.#due.get(key) ?? Infinity)) return;
    this.#due.set(key, due);
    this.#push({ key, due });
    if (due < this.#wakesAt) this.#sleepUntil(due);
  }

  stop(): void {
    this.#stopped = true;
    this.#due.clear();
    this.#heap.length = 0;
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
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      const current = this.#due.get(first.key) === first.due;
      if (current && first.due > now) {
        this.#sleepUntil(first.due);
        return;
      }
      this.#pop();
      if (current) {
        this.#due.delete(first.key);
        this.#onDue(first.key);
      }
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#at(parent).due <= entry.due) break;
      heap[index] = this.#at(parent);
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (let child = 1; child < heap.length; child = 2 * index + 1) {
      if (child + 1 < heap.length && this.#at(child + 1).due < this.#at(child).due) child += 1;
      if (this.#at(child).due >= last.due) break;
      heap[index] = this.#at(child);
      index = child;
    }
    heap[index] = last;
  }

  #at(index: number): Entry {
    const entry = this.#heap[index];
    if (entry === undefined) throw new RangeError(`the heap has no entry ${index}`);
    return entry;
  }
}

import { type EventSeries, objectId } from './event-series.js';

interface ObjectQueue {
  bucket: TokenBucket;
  /** In the order of their first unsent occurrence. */
  waiting: Set<EventSeries>;
}

/** Series that have something to send, fair between the objects they regard: each has a burst and a rate of its own. */
export class EventQueue {
  readonly #rate: { burst: number; periodMs: number };
  readonly #objects = new Map<string, ObjectQueue>();
  #length = 0;

  constructor(rate: { burst: number; periodMs: number }) {
    this.#rate = rate;
  }

  get length(): number {
    return this.#length;
  }

  has(series: EventSeries): boolean {
    return this.#objects.get(objectId(series.event.regarding))?.waiting.has(series) ?? false;
  }

  add(series: EventSeries, now: number): void {
    const id = objectId(series.event.regarding);
    let object = this.#objects.get(id);
    if (object === undefined) {
      object = { bucket: new TokenBucket({ ...this.#rate, now }), waiting: new Set() };
      this.#objects.set(id, object);
    }
    if (!object.waiting.has(series)) {
      object.waiting.add(series);
      this.#length++;
    }
  }

  /**
   * Gives up the youngest of the object that has most waiting, where that is more than the object of `series` would have:
   * one with thousands must not cost another its few. Undefined where there is no such object.
   */
  makeRoomFor(series: EventSeries): EventSeries | undefined {
    const own = this.#objects.get(objectId(series.event.regarding))?.waiting.size ?? 0;
    let largest: ObjectQueue | undefined;
    for (const object of this.#objects.values()) {
      if (object.waiting.size > (largest?.waiting.size ?? own + 1)) largest = object;
    }
    const youngest = largest && [...largest.waiting].at(-1);
    if (largest !== undefined && youngest !== undefined) this.#remove(largest, youngest);
    return youngest;
  }

  /** Takes one that may be sent now; the objects take turns. */
  take(now: number): EventSeries | undefined {
    for (const [id, object] of this.#objects) {
      const series = object.bucket.readyAt(now) <= now ? firstDue(object, now) : undefined;
      if (series !== undefined) {
        object.bucket.take(now);
        this.#remove(object, series);
        this.#objects.delete(id);
        this.#objects.set(id, object);
        return series;
      }
    }
    return undefined;
  }

  /** Takes all of them, whatever their rates and times. */
  takeAll(): EventSeries[] {
    const all = [...this.#objects.values()].flatMap(({ waiting }) => [...waiting]);
    for (const { waiting } of this.#objects.values()) waiting.clear();
    this.#length = 0;
    return all;
  }

  /** When {@link take} will next have one, in milliseconds since the epoch; Infinity when nothing waits. */
  nextAt(now: number): number {
    let next = Infinity;
    for (const { bucket, waiting } of this.#objects.values()) {
      for (const series of waiting) next = Math.min(next, Math.max(bucket.readyAt(now), series.notBefore));
    }
    return next;
  }

  /** Forgets objects that have not been heard of for long enough to have their whole burst again. */
  prune(now: number): void {
    for (const [id, { bucket, waiting }] of this.#objects) {
      if (waiting.size === 0 && bucket.isFull(now)) this.#objects.delete(id);
    }
  }

  #remove(object: ObjectQueue, series: EventSeries): void {
    object.waiting.delete(series);
    this.#length--;
  }
}

function firstDue({ waiting }: ObjectQueue, now: number): EventSeries | undefined {
  for (const series of waiting) {
    if (series.notBefore <= now) return series;
  }
  return undefined;
}

/** Lets through a burst, and then one for each period. Holds no timer: it is asked. */
export class TokenBucket {
  readonly #options: { burst: number; periodMs: number };
  #tokens: number;
  #countedAt: number;

  constructor(options: { burst: number; periodMs: number; now: number }) {
    this.#options = options;
    this.#tokens = options.burst;
    this.#countedAt = options.now;
  }

  /** When the next token is there, in milliseconds since the epoch; `now` when one is there already. */
  readyAt(now: number): number {
    const tokens = this.#refill(now);
    return tokens >= 1 ? now : now + Math.ceil((1 - tokens) * this.#options.periodMs);
  }

  take(now: number): void {
    this.#tokens = Math.max(0, this.#refill(now) - 1);
  }

  /** Whether it is as good as new, and may be forgotten. */
  isFull(now: number): boolean {
    return this.#refill(now) >= this.#options.burst;
  }

  #refill(now: number): number {
    const elapsed = Math.max(0, now - this.#countedAt);
    this.#countedAt = now;
    this.#tokens = Math.min(this.#options.burst, this.#tokens + elapsed / this.#options.periodMs);
    return this.#tokens;
  }
}

import { type Rate, TokenBucket } from '../util/token-bucket.js';
import { type EventSeries, objectId } from './event-series.js';

/** How many may wait besides; twice as many where they regard an object as a whole. */
type Limit = Rate & { waiting: number };

export interface EventLimits {
  object: Limit;
  namespace: Limit;
  all: Rate;
}

/** What a namespace or an object has of its limit, and how many of its series wait. */
interface Share {
  bucket: TokenBucket;
  waiting: number;
}

interface Entry {
  series: EventSeries;
  namespace: Share;
  object: Share;
}

/** Series that have something to send, with the bounds and in the order of docs/design/0020-events-and-series.md. */
export class EventQueue {
  readonly #limits: EventLimits;
  readonly #all: TokenBucket;
  readonly #namespaces = new Map<string, Share>();
  readonly #objects = new Map<string, Share>();
  /** In the order of their first unsent occurrence. */
  readonly #waiting = new Map<EventSeries, Entry>();

  /** Namespaces of which one is being sent. Their next one waits: a namespace whose Events hang delays no other. */
  readonly #busy = new Set<string>();

  constructor(limits: EventLimits, now: number) {
    this.#limits = limits;
    this.#all = new TokenBucket({ ...limits.all, now });
  }

  get length(): number {
    return this.#waiting.size;
  }

  has(series: EventSeries): boolean {
    return this.#waiting.has(series);
  }

  /** Adds it where its object and its namespace have room; false where they have not. */
  offer(series: EventSeries, now: number): boolean {
    const { namespace, object } = this.#entryOf(series, now);
    const isWhole = series.event.related === undefined;
    const ofObject = this.#limits.object.waiting * (isWhole ? 2 : 1);
    // An object that has none waiting gets one in, however many the others of its namespace have.
    const ofNamespace = this.#limits.namespace.waiting * (isWhole || object.waiting === 0 ? 2 : 1);
    if (object.waiting < ofObject && namespace.waiting < ofNamespace) this.add(series, now);
    return this.has(series);
  }

  /** Adds it whatever waits: its Event exists, or could not be written when it was taken. */
  add(series: EventSeries, now: number): void {
    if (this.has(series)) return;
    const entry = this.#entryOf(series, now);
    this.#waiting.set(series, entry);
    for (const share of [entry.namespace, entry.object]) share.waiting += 1;
  }

  /**
   * Takes the next one that may be sent now, and no other of its namespace before {@link done}. Where there is none: when to ask
   * again, in milliseconds since the epoch; Infinity when nothing waits.
   */
  take(now: number): EventSeries | number {
    let askAt = Infinity;
    let next: Entry | undefined;
    const allAt = this.#all.readyAt(now);
    for (const entry of this.#waiting.values()) {
      const { series, namespace, object } = entry;
      if (this.#busy.has(series.namespace)) continue;
      const at = Math.max(allAt, namespace.bucket.readyAt(now), object.bucket.readyAt(now), series.notBefore);
      if (at > now) askAt = Math.min(askAt, at);
      else if (next === undefined || goesBefore(entry, next, now)) next = entry;
    }
    if (next === undefined) return askAt;
    this.#all.take(now);
    this.#waiting.delete(next.series);
    this.#busy.add(next.series.namespace);
    for (const share of [next.namespace, next.object]) {
      share.bucket.take(now);
      share.waiting -= 1;
    }
    return next.series;
  }

  done({ namespace }: EventSeries): void {
    this.#busy.delete(namespace);
  }

  /** Forgets what has not been used for long enough to have its whole burst again. */
  prune(now: number): void {
    for (const shares of [this.#namespaces, this.#objects]) {
      for (const [key, { bucket, waiting }] of shares) {
        if (waiting === 0 && bucket.isFull(now)) shares.delete(key);
      }
    }
  }

  #entryOf(series: EventSeries, now: number): Entry {
    const shareOf = (shares: Map<string, Share>, key: string, rate: Rate): Share => {
      const share = shares.get(key) ?? { bucket: new TokenBucket({ ...rate, now }), waiting: 0 };
      shares.set(key, share);
      return share;
    };
    return {
      series,
      namespace: shareOf(this.#namespaces, series.namespace, this.#limits.namespace),
      object: shareOf(this.#objects, objectId(series.event.regarding), this.#limits.object),
    };
  }
}

/** Of one object, what regards it as a whole goes first: it is little and says most. */
function goesBefore(a: Entry, b: Entry, now: number): boolean {
  const ahead =
    a.namespace.bucket.tokens(now) - b.namespace.bucket.tokens(now) ||
    a.object.bucket.tokens(now) - b.object.bucket.tokens(now);
  if (a.object !== b.object) return ahead > 0;
  return a.series.event.related === undefined && b.series.event.related !== undefined;
}

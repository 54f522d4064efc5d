import { follow } from '../util/async.js';
import { CauseLog, type RuntimeLog } from '../util/cause-log.js';
import { type Clock, systemClock } from '../util/clock.js';
import { ApiError, isApiError, undefinedAt } from '../client/errors.js';
import { messageOf } from '../util/text.js';
import { type EventLimits, EventQueue } from './event-queue.js';
import { eventName, EventSeries, type RecordedEvent, seriesKey } from './event-series.js';
import { apiPath } from '../client/api-path.js';
import type { Requester } from '../client/rest-client.js';

export interface EventRecorderOptions {
  client: Requester;
  /** Who reports, such as `example.com/controller`. */
  reportingController: string;
  /** Which process of it, such as the pod's name. */
  reportingInstance: string;
  /** Default: those of docs/design/0020-events-and-series.md. */
  limits?: Partial<EventLimits>;
  /** An Event of that namespace was given up because the API server does not take it. */
  onFailed?: (namespace: string) => void;
  log: RuntimeLog;
  clock?: Clock;
  /** For the names of Events. */
  random?: () => number;
}

const DEFAULTS = { clock: systemClock, random: Math.random };
const LIMITS: EventLimits = {
  object: { burst: 25, periodMs: 5_000, waiting: 100 },
  namespace: { burst: 100, periodMs: 1_000, waiting: 500 },
  all: { burst: 200, periodMs: 20 },
};
/** client-go's: a series that was silent for so long is over. */
const SERIES_MS = 6 * 60_000;
/** How often the count of a series is written at most. */
const PATCH_PERIOD_MS = 10_000;
const MAX_TRIES = 5;
const REQUEST_TIMEOUT_MS = 10_000;
/** Of one namespace there is never more than one under way. */
const CONCURRENCY = 16;
/** How often a namespace has a line in the log that its Events exceed the bounds, and how often idle ones are forgotten. */
const PERIOD_MS = 60_000;
/** About what a timer can hold. */
const DAY_MS = 86_400_000;

/**
 * Writes Events about objects, in the background: {@link record} never waits and never fails. Bounds and turns are those of
 * docs/design/0020-events-and-series.md.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions & typeof DEFAULTS;
  readonly #queue: EventQueue;
  readonly #causes: CauseLog;
  /** By {@link seriesKey}. The rates bound how many there are of a namespace. */
  readonly #series = new Map<string, EventSeries>();
  /** Namespaces that were lately said to exceed their bounds. */
  readonly #warned = new Set<string>();
  #pruneAt = 0;
  #wake: AbortController | undefined;

  constructor(options: EventRecorderOptions) {
    this.#options = { ...DEFAULTS, ...options };
    this.#queue = new EventQueue({ ...LIMITS, ...options.limits }, this.#options.clock.now());
    this.#causes = new CauseLog(options.log, { reporter: options.reportingController });
  }

  /** False where too many of its object or its namespace wait: it is not remembered. */
  record(event: RecordedEvent): boolean {
    const now = this.#options.clock.now();
    this.#prune(now);
    const key = seriesKey(event);
    const found = this.#series.get(key);
    const known = found !== undefined && !this.#isOver(found, now) ? found : undefined;
    const series = known ?? new EventSeries(event, now);
    known?.repeat(now);
    if (this.#queue.offer(series, now)) {
      this.#series.set(key, series);
      this.#wake?.abort();
      return true;
    }
    // The count of one that is told already goes out with a later one.
    if (known !== undefined) return true;
    const { namespace } = series;
    if (!this.#warned.has(namespace))
      this.#options.log.warn('events are not written: too many wait', { namespace });
    this.#warned.add(namespace);
    return false;
  }

  /** Writes until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const underWay = new Set<Promise<void>>();
    while (!signal.aborted) {
      const now = this.#options.clock.now();
      const hasSeat = underWay.size < CONCURRENCY;
      const series = hasSeat ? this.#queue.take(now) : Infinity;
      if (typeof series === 'number') await this.#pause(series - now, signal);
      else {
        const sending = this.#send(series, signal).finally(() => {
          underWay.delete(sending);
          this.#wake?.abort();
        });
        underWay.add(sending);
      }
    }
    await Promise.all(underWay);
  }

  /** At the end of the process, after {@link run}: tries all that waits once, whatever its rate; an abort loses the rest. */
  async flush(signal: AbortSignal): Promise<void> {
    let now = this.#options.clock.now();
    const write = async (): Promise<void> => {
      while (!signal.aborted) {
        // As if a day had passed since the last one: no rate holds it back, and namespaces still take turns.
        const series = this.#queue.take((now += DAY_MS));
        if (typeof series === 'number') return;
        series.failures = MAX_TRIES;
        await this.#send(series, signal);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, write));
    const events = this.#queue.length;
    if (events > 0) this.#options.log.warn('events are lost: the process ends', { events });
  }

  /** Until it is time or {@link record} has something new. */
  async #pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    const wake = new AbortController();
    this.#wake = wake;
    const unfollow = follow(signal, wake);
    await this.#options.clock.sleep(Math.min(milliseconds, DAY_MS), wake.signal).catch(() => undefined);
    unfollow();
    this.#wake = undefined;
  }

  /** Never rejects. */
  async #send(series: EventSeries, signal: AbortSignal): Promise<void> {
    const { count } = series;
    try {
      await this.#write(series, signal);
      this.#causes.recovered('events are written again');
      series.failures = 0;
      series.notBefore = this.#options.clock.now() + PATCH_PERIOD_MS;
      if (series.count > count) this.#queue.add(series, this.#options.clock.now());
    } catch (error) {
      this.#failed(series, error, signal);
    } finally {
      this.#queue.done(series);
    }
  }

  async #write(series: EventSeries, signal: AbortSignal): Promise<void> {
    if (series.name !== undefined) {
      const patch = this.#request('PATCH', series, series.seriesPatch(), signal);
      if ((await patch.catch(undefinedAt(404))) !== undefined) return;
      // It has expired, or somebody has tidied up: it is told anew.
      series.name = undefined;
    }
    const name = eventName(series.event.regarding, this.#unique());
    await this.#request('POST', series, series.body({ ...this.#options, name }), signal);
    series.name = name;
  }

  #request(method: 'POST' | 'PATCH', series: EventSeries, body: object, signal: AbortSignal) {
    const { namespace, name } = series;
    const path = apiPath({ group: 'events.k8s.io', version: 'v1', namespace, resource: 'events', name });
    return this.#options.client.request({ method, path, body, signal, timeoutMs: REQUEST_TIMEOUT_MS });
  }

  #failed(series: EventSeries, error: unknown, signal: AbortSignal): void {
    const now = this.#options.clock.now();
    if (signal.aborted) {
      // A flush() may follow.
      this.#queue.add(series, now);
      return;
    }
    if (isOver(error)) {
      const why = 'the namespace is gone or going';
      this.#options.log.debug(`an event in namespace ${series.namespace} is dropped: ${why}`);
      this.#series.delete(seriesKey(series.event));
      return;
    }
    this.#causes.failed(`events cannot be written: ${messageOf(error)}`, error);
    series.failures++;
    if (!mayPass(error) || series.failures >= MAX_TRIES) {
      this.#series.delete(seriesKey(series.event));
      this.#options.onFailed?.(series.namespace);
    } else {
      series.notBefore = now + 1000 * 2 ** (series.failures - 1) * (1 + this.#options.random());
      this.#queue.add(series, now);
    }
  }

  /** What waits for longer than that is still the same Event. */
  #isOver(series: EventSeries, now: number): boolean {
    return now - series.lastObserved >= SERIES_MS && !this.#queue.has(series);
  }

  #prune(now: number): void {
    if (now < this.#pruneAt) return;
    this.#pruneAt = now + PERIOD_MS;
    this.#warned.clear();
    this.#queue.prune(now);
    for (const [key, series] of this.#series) {
      if (this.#isOver(series, now)) this.#series.delete(key);
    }
  }

  #unique(): string {
    const time = Math.floor(this.#options.clock.now()).toString(36);
    const chance = Math.floor(this.#options.random() * 36 ** 8).toString(36);
    return `${time}${chance.padStart(8, '0')}`;
  }
}

/** The namespace is gone (404), is being terminated (403), or somebody else was there first (409): nobody would read it. */
function isOver(error: unknown): boolean {
  return isApiError(error, 404, 409) || (isApiError(error, 403) && error.hasCause('NamespaceTerminating'));
}

function mayPass(error: unknown): boolean {
  return !(error instanceof ApiError) || [0, 401, 429].includes(error.code) || error.code >= 500;
}

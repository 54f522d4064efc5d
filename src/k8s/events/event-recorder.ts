import { follow } from '../util/async.js';
import { CauseLog, type RuntimeLog } from '../util/cause-log.js';
import { type Clock, systemClock } from '../util/clock.js';
import { ApiError, isApiError } from '../client/errors.js';
import { messageOf } from '../util/text.js';
import { EventQueue } from './event-queue.js';
import { eventName, EventSeries, type RecordedEvent, seriesKey } from './event-series.js';
import { apiPath } from '../client/api-path.js';
import type { Requester } from '../client/rest-client.js';

export interface EventRecorderOptions {
  client: Requester;
  /** Who reports, such as `example.com/controller`. */
  reportingController: string;
  /** Which process of it, such as the pod's name. */
  reportingInstance: string;
  /** Events about one object that go out at once. Default: 25, client-go's. */
  burst?: number;
  /** After a burst, one for each such period. Default: 5,000. */
  refillMs?: number;
  /** Events that may wait. Default: 2,000. */
  maxQueued?: number;
  log: RuntimeLog;
  clock?: Clock;
  /** For the names of Events. */
  random?: () => number;
}

const DEFAULTS = {
  burst: 25,
  refillMs: 5_000,
  maxQueued: 2_000,
  clock: systemClock,
  random: Math.random,
};
/** client-go's: a series that was silent for so long is over. */
const SERIES_MS = 6 * 60_000;
/** How often the count of a series is written at most. */
const PATCH_PERIOD_MS = 10_000;
/** Subjects that are remembered, to count them when they come again. */
const MAX_SERIES = 10_000;
const MAX_TRIES = 5;
const REQUEST_TIMEOUT_MS = 10_000;
const FLUSH_CONCURRENCY = 8;

/**
 * Writes Events about objects, in the background: {@link record} never waits and never fails. Bounds and turns are those of
 * docs/design/0020-events-and-series.md.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions & typeof DEFAULTS;
  readonly #queue: EventQueue;
  readonly #causes: CauseLog;
  /** By {@link seriesKey}, the one heard of last at the end. */
  readonly #series = new Map<string, EventSeries>();
  #pruneAt = 0;
  /** The bound was reached, and the queue has not been half empty since. */
  #full = false;
  #wake: AbortController | undefined;

  constructor(options: EventRecorderOptions) {
    this.#options = { ...DEFAULTS, ...options };
    const { burst, refillMs } = this.#options;
    this.#queue = new EventQueue({ burst, periodMs: refillMs });
    this.#causes = new CauseLog(options.log, { reporter: options.reportingController });
  }

  record(event: RecordedEvent): void {
    const now = this.#options.clock.now();
    this.#forgetOld(now);
    this.#full &&= this.#queue.length > this.#options.maxQueued / 2;
    const key = seriesKey(event);
    const known = this.#series.get(key);
    const series = known ?? new EventSeries(event, now);
    if (!this.#queue.has(series) && this.#queue.length >= this.#options.maxQueued) {
      if (!this.#full) {
        // Once for each time that it fills up: each single loss would be a line.
        const fields = { reporter: this.#options.reportingController, waiting: this.#queue.length };
        this.#options.log.warn('events are lost: more of them come than may be written', fields);
      }
      this.#full = true;
      const given = this.#queue.makeRoomFor(series);
      if (given === undefined) return;
      this.#forget(given);
    }
    known?.repeat(now);
    this.#series.delete(key);
    this.#series.set(key, series);
    this.#queue.add(series, now);
    this.#wake?.abort();
  }

  /** Writes until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const now = this.#options.clock.now();
      const series = this.#queue.take(now);
      if (series === undefined) await this.#pause(this.#queue.nextAt(now) - now, signal);
      else await this.#send(series, signal);
    }
  }

  /** At the end of the process, after {@link run}: tries all that waits once, whatever its rate; an abort loses the rest. */
  async flush(signal: AbortSignal): Promise<void> {
    const waiting = this.#queue.takeAll().values();
    const write = async (): Promise<void> => {
      for (const series of waiting) {
        if (signal.aborted) return;
        series.failures = MAX_TRIES;
        await this.#send(series, signal);
      }
    };
    await Promise.all(Array.from({ length: FLUSH_CONCURRENCY }, write));
  }

  /** Until it is time or {@link record} has something new. */
  async #pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    const wake = new AbortController();
    this.#wake = wake;
    const unfollow = follow(signal, wake);
    // Never longer than a day, which is about what a timer can hold.
    await this.#options.clock.sleep(Math.min(milliseconds, 86_400_000), wake.signal).catch(() => undefined);
    unfollow();
    this.#wake = undefined;
  }

  async #send(series: EventSeries, signal: AbortSignal): Promise<void> {
    const { count } = series;
    try {
      await (series.name === undefined ? this.#create(series, signal) : this.#patch(series, signal));
      this.#causes.recovered('events are written again');
      series.failures = 0;
      series.notBefore = this.#options.clock.now() + PATCH_PERIOD_MS;
      if (series.count > count) this.#queue.add(series, this.#options.clock.now());
    } catch (error) {
      this.#failed(series, error, signal);
    }
  }

  async #create(series: EventSeries, signal: AbortSignal): Promise<void> {
    const name = eventName(series.event.regarding, this.#unique());
    const body = series.body({ ...this.#options, name });
    await this.#request('POST', series, body, signal);
    series.name = name;
  }

  async #patch(series: EventSeries, signal: AbortSignal): Promise<void> {
    try {
      await this.#request('PATCH', series, series.seriesPatch(), signal);
    } catch (error) {
      // It has expired, or somebody has tidied up: it is told anew.
      if (!isApiError(error, 404)) throw error;
      series.name = undefined;
      await this.#create(series, signal);
    }
  }

  async #request(method: 'POST' | 'PATCH', series: EventSeries, body: object, signal: AbortSignal) {
    const { namespace, name } = series;
    const path = apiPath({ group: 'events.k8s.io', version: 'v1', namespace, resource: 'events', name });
    await this.#options.client.request({ method, path, body, signal, timeoutMs: REQUEST_TIMEOUT_MS });
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
      this.#forget(series);
      return;
    }
    this.#causes.failed(`events cannot be written: ${messageOf(error)}`, error);
    series.failures++;
    if (!mayPass(error) || series.failures >= MAX_TRIES) {
      this.#forget(series);
    } else {
      series.notBefore = now + 1000 * 2 ** (series.failures - 1) * (1 + this.#options.random());
      this.#queue.add(series, now);
    }
  }

  #forget(series: EventSeries): void {
    this.#series.delete(seriesKey(series.event));
  }

  /** Insertion order is that of the last occurrence: the first that is young enough ends the search. */
  #forgetOld(now: number): void {
    for (const [key, series] of this.#series) {
      if (now - series.lastObserved < SERIES_MS && this.#series.size <= MAX_SERIES) break;
      this.#series.delete(key);
    }
    if (now >= this.#pruneAt) {
      this.#pruneAt = now + 60_000;
      this.#queue.prune(now);
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

import { follow } from '../util/async.js';
import { Backoff } from '../util/backoff.js';
import { type Clock, systemClock } from '../util/clock.js';
import { ApiError, isApiError, isUnanswered } from '../client/errors.js';
import type { KubernetesObject, WatchEvent } from '../client/objects.js';
import type { Watcher } from '../client/rest-client.js';
import type { Query } from '../client/api-path.js';

/** A watch that was accepted but does not work. Trying again is all there is to do. */
export class WatchFault extends Error {
  override readonly name = 'WatchFault';
}

export interface WatchLoopOptions {
  client: Watcher;
  path: string;
  query?: Query | undefined;
  accept?: string | undefined;
  userAgent?: string | undefined;
  clock?: Clock;
  random?: () => number;
  /**
   * Seconds after which the server ends a watch, at random between the two so that not all come back at once. Also the
   * longest that a watch outlives the loss of the right to it. Default: 240 to 300.
   */
  watchSeconds?: readonly [number, number];
  /** A watch without an event or bookmark for so long is given up; bookmarks come about once a minute. Default: 120,000. */
  silenceMs?: number;
  /** The most that a try waits while the API server gives no answer, in milliseconds. Default: as after other failures. */
  unansweredMs?: number;
  /**
   * Waits for a seat among all that begin to watch, at the start and after each failure: thousands of watches may fail together.
   * Resolves to what gives it back, which may be called more than once. Rejects when the signal aborts. Default: at once.
   */
  seat?: (signal: AbortSignal) => Promise<() => void>;
}

export interface WatchStart<T extends KubernetesObject> {
  /** Everything after it is still to be seen: it moves on with each event. */
  resourceVersion: string;
  /** A watch that is open already and goes on from there. */
  events?: AsyncGenerator<WatchEvent<T>>;
}

export interface OpenOptions {
  query: Query;
  onOpen?: () => void;
  /** Instead of `silenceMs` until the first bookmark. */
  firstSilenceMs?: number;
}

/** What a {@link WatchLoop} works for. */
export interface WatchTarget<T extends KubernetesObject> {
  /** Called first, and again when the server no longer knows where we were: finds out where to watch from. */
  start(signal: AbortSignal): Promise<WatchStart<T>>;
  /** The server has accepted a watch: nothing since {@link start} is missed as long as it, and those after it, last. */
  opened(): void;
  changed(event: WatchEvent<T>): void;
  /** Events are lost: {@link start} comes next. */
  expired(): void;
  /** Called for every failure but an abort. `stop` ends the loop with that error, `retry` waits and goes on. */
  failed(error: unknown): 'retry' | 'stop';
}

const DEFAULTS: Required<Omit<WatchLoopOptions, 'client' | 'path' | 'query' | 'accept' | 'userAgent'>> = {
  clock: systemClock,
  random: Math.random,
  watchSeconds: [240, 300],
  silenceMs: 120_000,
  unansweredMs: Infinity,
  seat: () => Promise.resolve(() => undefined),
};
/** A watch that ends so soon without a single event is no watch: without a guard we would spin. */
const SHORTEST_WATCH_MS = 1000;

/** Keeps one watch going for ever, and waits longer and longer after failures: see docs/design/0010-watches.md. */
export class WatchLoop<T extends KubernetesObject> {
  /** When the last start, event or bookmark was, in milliseconds since the epoch; 0 before the first. */
  lastProgress = 0;
  readonly #options: WatchLoopOptions & typeof DEFAULTS;
  readonly #backoff: Backoff;
  /** Aborts when the pause after a failure need not go on. */
  #wake = new AbortController();
  /** Nothing was seen since the last time that events were lost. */
  #expired = false;

  constructor(options: WatchLoopOptions) {
    this.#options = { ...DEFAULTS, ...options };
    this.#backoff = new Backoff({ baseMs: 800, maxMs: 30_000, random: this.#options.random });
  }

  /** Resolves when the signal aborts; rejects with the error for which the target said `stop`. */
  async run(target: WatchTarget<T>, signal: AbortSignal): Promise<void> {
    let start: WatchStart<T> | undefined;
    const { clock, client, seat } = this.#options;
    // A function, since the compiler takes `aborted` for a constant within the loop.
    const isAborted = (): boolean => signal.aborted;
    let leave = (): void => undefined;
    let isTrying = true;
    const unsubscribe = client.reachability?.onRecovery(() => {
      this.#backoff.reset();
      this.#wake.abort();
    });
    try {
      while (!isAborted()) {
        try {
          if (isTrying) leave = await seat(signal);
          isTrying = false;
          if (start === undefined) {
            start = await target.start(signal);
            this.lastProgress = clock.now();
          }
          const onOpen = (): void => {
            leave();
            target.opened();
          };
          await this.#follow(start, target, onOpen, signal);
        } catch (error) {
          leave();
          isTrying = true;
          if (isAborted()) return;
          if (forgets(error)) {
            start = undefined;
            target.expired();
          }
          if (target.failed(error) === 'stop') throw error;
          await this.#pause(error, signal);
        }
      }
    } finally {
      leave();
      unsubscribe?.();
    }
  }

  /** Longer and longer, but not before the first list after a 410, nor when the API server answers again. */
  async #pause(error: unknown, signal: AbortSignal): Promise<void> {
    const listsAtOnce = isExpired(error) && !this.#expired;
    this.#expired ||= isExpired(error);
    if (listsAtOnce) return;
    const { clock, random, unansweredMs } = this.#options;
    const asked = error instanceof ApiError ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
    const mostMs = isUnanswered(error) ? unansweredMs * (1 + 0.5 * random()) : Infinity;
    this.#wake = new AbortController();
    const unfollow = follow(signal, this.#wake);
    const pauseMs = Math.max(Math.min(this.#backoff.next(), mostMs), asked);
    await clock.sleep(pauseMs, this.#wake.signal).catch(() => undefined);
    unfollow();
  }

  /** Follows one watch to its end, and moves `start` on with each event. */
  async #follow(
    start: WatchStart<T>,
    target: WatchTarget<T>,
    onOpen: () => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, path } = this.#options;
    let seen = start.events !== undefined;
    const { resourceVersion } = start;
    const events = start.events ?? this.open({ query: { resourceVersion }, onOpen }, signal);
    delete start.events;
    const startedAt = clock.now();
    for await (const event of events) {
      seen = true;
      this.#expired = false;
      this.#backoff.reset();
      start.resourceVersion = event.object.metadata.resourceVersion;
      if (event.type !== 'BOOKMARK') target.changed(event);
    }
    if (!seen && clock.now() - startedAt < SHORTEST_WATCH_MS) {
      throw new WatchFault(`the API server ends watches of ${path} as soon as they begin`);
    }
  }

  /** Opens one watch; its errors are those of RestClient.watch and {@link WatchFault}. */
  async *open(options: OpenOptions, signal: AbortSignal): AsyncGenerator<WatchEvent<T>> {
    const { client, path, query, accept, userAgent, silenceMs, watchSeconds, random } = this.#options;
    const [least, most] = watchSeconds;
    const timeoutSeconds = Math.round(least + (most - least) * random());
    const controller = new AbortController();
    signal.throwIfAborted();
    const unfollow = follow(signal, controller);
    const abortAfter = (milliseconds: number): NodeJS.Timeout =>
      setTimeout(() => {
        const seconds = Math.round(milliseconds / 1000);
        controller.abort(new WatchFault(`the watch of ${path} was silent for ${seconds} s`));
      }, milliseconds);
    let silence = abortAfter(options.firstSilenceMs ?? silenceMs);
    try {
      for await (const event of client.watch<T>({
        path,
        query: { ...query, ...options.query, allowWatchBookmarks: true, timeoutSeconds },
        accept,
        userAgent,
        onOpen: options.onOpen,
        signal: controller.signal,
      })) {
        this.lastProgress = this.#options.clock.now();
        if (event.type === 'BOOKMARK') {
          clearTimeout(silence);
          silence = abortAfter(silenceMs);
        }
        silence.refresh();
        yield event;
      }
    } finally {
      clearTimeout(silence);
      unfollow();
    }
  }
}

/** After a 404 the resource may come back as another one, as when a CustomResourceDefinition is made anew. */
function forgets(error: unknown): boolean {
  return isApiError(error, 404) || isExpired(error);
}

function isExpired(error: unknown): boolean {
  return isApiError(error, 410) || (error instanceof ApiError && error.reason === 'Expired');
}

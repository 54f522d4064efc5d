import { follow } from '../util/async.js';
import { Backoff } from '../util/backoff.js';
import { type Clock, systemClock } from '../util/clock.js';
import { ApiError, isApiError } from '../client/errors.js';
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
  clock?: Clock | undefined;
  random?: (() => number) | undefined;
  /**
   * Seconds after which the server ends a watch, at random between the two so that not all come back at once. Also the
   * longest that a watch outlives the loss of the right to it. Default: 240 to 300.
   */
  watchSeconds?: readonly [number, number] | undefined;
  /** A watch without an event or bookmark for so long is given up; bookmarks come about once a minute. Default: 120,000. */
  silenceMs?: number | undefined;
}

export interface OpenOptions {
  query: Query;
  onOpen?: () => void;
  /** Instead of `silenceMs` until the first bookmark. */
  firstSilenceMs?: number;
}

/** Opens one watch; its errors are those of RestClient.watch and {@link WatchFault}. */
export type OpenWatch<T extends KubernetesObject> = (options: OpenOptions) => AsyncGenerator<WatchEvent<T>>;

export interface WatchStart<T extends KubernetesObject> {
  /** Everything after it is still to be seen. */
  resourceVersion: string;
  /** A watch that is open already and goes on from there. */
  events?: AsyncGenerator<WatchEvent<T>>;
}

/** What a {@link WatchLoop} works for. */
export interface WatchTarget<T extends KubernetesObject> {
  /** Called first, and again when the server no longer knows where we were: finds out where to watch from. */
  start(open: OpenWatch<T>, signal: AbortSignal): Promise<WatchStart<T>>;
  /** The server has accepted a watch: nothing since {@link start} is missed as long as it, and those after it, last. */
  opened(): void;
  changed(event: WatchEvent<T>): void;
  /** Events are lost: {@link start} comes next. */
  expired(): void;
  /** Called for every failure but an abort. `stop` ends the loop with that error, `retry` waits and goes on. */
  failed(error: unknown): 'retry' | 'stop';
}

/** A watch that ends so soon without a single event is no watch: without a guard we would spin. */
const SHORTEST_WATCH_MS = 1000;

/**
 * Keeps one watch going for ever: resumes where the last one ended, starts anew when the server has forgotten that place
 * (410) or the resource itself (404), waits longer and longer after failures, and gives up on a watch that has gone silent.
 */
export class WatchLoop<T extends KubernetesObject> {
  readonly #options: WatchLoopOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #backoff: Backoff;
  readonly #silenceMs: number;
  #lastProgress = 0;

  constructor(options: WatchLoopOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#backoff = new Backoff({ baseMs: 800, maxMs: 30_000, random: this.#random });
    this.#silenceMs = options.silenceMs ?? 120_000;
  }

  /** When the last start, event or bookmark was, in milliseconds since the epoch; 0 before the first. */
  get lastProgress(): number {
    return this.#lastProgress;
  }

  /**
   * Resolves when the signal aborts.
   * @throws the error for which the target said `stop`.
   */
  async run(target: WatchTarget<T>, signal: AbortSignal): Promise<void> {
    const open: OpenWatch<T> = (options) => this.#open(options, signal);
    let start: WatchStart<T> | undefined;
    // A function, since the compiler takes `aborted` for a constant within the loop.
    const isAborted = (): boolean => signal.aborted;
    while (!isAborted()) {
      try {
        if (start === undefined) {
          start = await target.start(open, signal);
          this.#progressed();
        }
        start = { resourceVersion: await this.#follow(start, open, target) };
      } catch (error) {
        if (isAborted()) return;
        if (forgets(error)) {
          start = undefined;
          target.expired();
        } else if (start !== undefined) {
          start = { resourceVersion: this.#resourceVersion };
        }
        if (target.failed(error) === 'stop') throw error;
        const asked = error instanceof ApiError ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
        await this.#clock.sleep(Math.max(this.#backoff.next(), asked), signal).catch(() => undefined);
      }
    }
  }

  /** The last one seen by {@link #follow}, also when it ended by an error. */
  #resourceVersion = '';

  /** Follows one watch to its end; gives the resourceVersion to go on from. */
  async #follow(start: WatchStart<T>, open: OpenWatch<T>, target: WatchTarget<T>): Promise<string> {
    this.#resourceVersion = start.resourceVersion;
    const events =
      start.events ??
      open({
        query: { resourceVersion: start.resourceVersion, allowWatchBookmarks: true },
        onOpen: () => target.opened(),
      });
    const startedAt = this.#clock.now();
    let seen = start.events !== undefined;
    for await (const event of events) {
      seen = true;
      this.#backoff.reset();
      this.#resourceVersion = event.object.metadata.resourceVersion;
      if (event.type !== 'BOOKMARK') target.changed(event);
    }
    const lasted = this.#clock.now() - startedAt;
    if (!seen && lasted < SHORTEST_WATCH_MS) {
      throw new WatchFault(`the API server ends watches of ${this.#options.path} as soon as they begin`);
    }
    return this.#resourceVersion;
  }

  async *#open(options: OpenOptions, signal: AbortSignal): AsyncGenerator<WatchEvent<T>> {
    const { client, path, query, accept, userAgent } = this.#options;
    const controller = new AbortController();
    signal.throwIfAborted();
    const unfollow = follow(signal, controller);
    let silence = this.#watchSilence(controller, options.firstSilenceMs ?? this.#silenceMs);
    let first = options.firstSilenceMs !== undefined;
    try {
      for await (const event of client.watch<T>({
        path,
        query: { ...query, ...options.query, timeoutSeconds: this.#timeoutSeconds() },
        accept,
        userAgent,
        onOpen: options.onOpen,
        signal: controller.signal,
      })) {
        this.#progressed();
        if (first && event.type === 'BOOKMARK') {
          first = false;
          clearTimeout(silence);
          silence = this.#watchSilence(controller, this.#silenceMs);
        }
        silence.refresh();
        yield event;
      }
    } finally {
      clearTimeout(silence);
      unfollow();
    }
  }

  #watchSilence(controller: AbortController, milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => {
      const seconds = Math.round(milliseconds / 1000);
      controller.abort(new WatchFault(`the watch of ${this.#options.path} was silent for ${seconds} s`));
    }, milliseconds);
  }

  #timeoutSeconds(): number {
    const [least, most] = this.#options.watchSeconds ?? [240, 300];
    return Math.round(least + (most - least) * this.#random());
  }

  #progressed(): void {
    this.#lastProgress = this.#clock.now();
  }
}

/** After a 404 the resource may come back as another one, as when a CustomResourceDefinition is made anew. */
function forgets(error: unknown): boolean {
  return isApiError(error, 404, 410) || (error instanceof ApiError && error.reason === 'Expired');
}

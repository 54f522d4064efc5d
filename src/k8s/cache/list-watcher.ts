import { abortable } from '../util/async.js';
import { CauseLog, type RuntimeLog } from '../util/cause-log.js';
import { isApiError } from '../client/errors.js';
import { type KubernetesObject, objectKey, type WatchEvent } from '../client/objects.js';
import { listPages } from '../client/list-pages.js';
import { messageOf } from '../util/text.js';
import type { Store } from './store.js';
import {
  WatchFault,
  WatchLoop,
  type WatchLoopOptions,
  type WatchStart,
  type WatchTarget,
} from './watch-loop.js';

export interface ListWatcherOptions<T extends KubernetesObject> extends Omit<
  WatchLoopOptions,
  'accept' | 'query' | 'seat' | 'unansweredMs' | 'userAgent'
> {
  /** Media types, for metadata only: a list has another one than a watch. */
  accept?: { list: string; watch: string };
  store: Store<T>;
  /** The one that `path` names; other watchers fill the rest of the store. Left out: all of it is this one's. */
  namespace?: string | undefined;
  /** For logs and readiness, such as `namespaces`. */
  name: string;
  /** Strips what nobody reads, before it is stored, or removed as the last state where it is gone. */
  transform?: (object: T, isGone: boolean) => T;
  log: RuntimeLog;
  /** Objects of one page, where lists are paged. Default: 500. */
  pageSize?: number;
  /** false: lists are paged even where the server could stream them. Default: true. */
  streamingList?: boolean;
}

/** Marks the bookmark that ends the initial events of a streaming list. */
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';
/** A server that does not know of streaming lists ignores what we ask for, and the end never comes. */
const STREAMING_LIST_SILENCE_MS = 20_000;
/** There are few of these, and the first answer ends the back-offs of all others: docs/design/0010-watches.md. */
const UNANSWERED_MS = 5_000;

/**
 * Keeps a store equal to what the API server has. Lists are streamed where the server can (Kubernetes 1.32 and later), which
 * costs neither side a list in memory, else read in pages. A server that is away and a CustomResourceDefinition that is not
 * there yet are waited for. {@link WatchTarget}'s methods are for the loop alone.
 */
export class ListWatcher<T extends KubernetesObject> implements WatchTarget<T> {
  readonly #options: ListWatcherOptions<T>;
  readonly #loop: WatchLoop<T>;
  readonly #causes: CauseLog;
  readonly #transform: (object: T, isGone: boolean) => T;
  #streamingList: boolean;
  /** Whether the store has once held all there was. */
  synced = false;
  readonly #firstSync = Promise.withResolvers<undefined>();

  constructor(options: ListWatcherOptions<T>) {
    this.#options = options;
    this.#transform = options.transform ?? ((object) => object);
    this.#streamingList = options.streamingList ?? true;
    this.#causes = new CauseLog(options.log, { reflector: options.name });
    this.#loop = new WatchLoop<T>({
      ...options,
      accept: options.accept?.watch,
      unansweredMs: UNANSWERED_MS,
    });
  }

  get name(): string {
    return this.#options.name;
  }

  get lastProgress(): number {
    return this.#loop.lastProgress;
  }

  async waitForSync(signal: AbortSignal): Promise<void> {
    await abortable(this.#firstSync.promise, signal);
  }

  /** Resolves when the signal aborts, and not before: whatever fails is tried again. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#loop.run(this, signal);
  }

  async start(signal: AbortSignal): Promise<WatchStart<T>> {
    if (this.#streamingList) {
      try {
        return await this.#streamList(signal);
      } catch (error) {
        // 400 and 422: the feature is off. Silence: the server has never heard of it.
        if (!(error instanceof WatchFault) && !isApiError(error, 400, 422)) throw error;
        signal.throwIfAborted();
        this.#streamingList = false;
        this.#options.log.info(`${this.name}: the API server does not stream lists, reading pages instead`);
      }
    }
    const list = await listPages<T>(this.#options, signal, (object) => this.#transform(object, false));
    this.#replace(list.items);
    return { resourceVersion: list.metadata.resourceVersion };
  }

  opened(): void {
    this.#causes.recovered(`${this.name}: watching again`);
  }

  changed({ type, object }: WatchEvent<T>): void {
    const stored = this.#transform(object, type === 'DELETED');
    if (type === 'DELETED') this.#options.store.remove(stored);
    else this.#options.store.upsert(stored);
  }

  expired(): void {
    this.#options.log.debug(`${this.name}: listing anew`);
  }

  failed(error: unknown): 'retry' {
    const why = isApiError(error, 404)
      ? 'the API server does not serve this resource (is its CustomResourceDefinition installed?)'
      : messageOf(error);
    if (!isApiError(error, 410)) {
      this.#causes.failed(`${this.name}: ${why}; trying again until it works`, error);
    }
    return 'retry';
  }

  async #streamList(signal: AbortSignal): Promise<WatchStart<T>> {
    const query = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' };
    const events = this.#loop.open({ query, firstSilenceMs: STREAMING_LIST_SILENCE_MS }, signal);
    const objects = new Map<string, T>();
    for (;;) {
      const next = await events.next();
      if (next.done === true) throw new Error(`the streamed list of ${this.#options.path} ended too early`);
      const { type, object } = next.value;
      if (type === 'DELETED') {
        objects.delete(objectKey(this.#transform(object, true)));
      } else if (type !== 'BOOKMARK') {
        objects.set(objectKey(object), this.#transform(object, false));
      } else if (object.metadata.annotations?.[INITIAL_EVENTS_END] === 'true') {
        this.#replace([...objects.values()]);
        this.opened();
        return { resourceVersion: object.metadata.resourceVersion, events };
      }
    }
  }

  #replace(items: T[]): void {
    this.#options.store.replace(items, this.#options.namespace);
    if (!this.synced) {
      this.synced = true;
      this.#options.log.debug(`${this.name}: synced`, { objects: items.length });
      this.#firstSync.resolve(undefined);
    }
  }
}

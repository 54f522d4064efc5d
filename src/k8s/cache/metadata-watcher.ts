import type { Query } from '../client/api-path.js';
import type { Clock } from '../util/clock.js';
import { ApiError } from '../client/errors.js';
import {
  type KubernetesObject,
  METADATA_ONLY,
  METADATA_ONLY_LIST,
  type ObjectList,
  type WatchEvent,
} from '../client/objects.js';
import type { ObjectMeta } from '../../api/kubernetes.js';
import type { Watcher } from '../client/rest-client.js';
import { type OpenWatch, WatchFault, WatchLoop, type WatchStart, type WatchTarget } from './watch-loop.js';

export interface MetadataWatcherOptions {
  client: Watcher;
  path: string;
  query?: Query | undefined;
  userAgent?: string | undefined;
  clock?: Clock | undefined;
  random?: (() => number) | undefined;
  /** How long one watch lives, which is also how long it outlives the right to it. Default: 240 to 300. */
  maxAgeSeconds?: readonly [number, number] | undefined;
}

export interface Change {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  metadata: ObjectMeta;
}

/** What a feed tells. None of them may throw: it would end the feed. */
export interface MetadataWatcherHandlers {
  /** The watch is open, and every change from now on is told: look at everything once. */
  onOpen(): void;
  onChange(change: Change): void;
  /** Changes go unseen until the next {@link onOpen}. Comes only after an onOpen. */
  onClosed(): void;
}

/**
 * Tells that objects have changed, and keeps none of them: its memory does not grow with what it watches. Only metadata
 * crosses the wire, and no list but one of a single object, which tells where to watch from.
 * The server's regular end of a watch and a connection that comes back at once are invisible to the owner: nothing is missed then.
 */
export class MetadataWatcher {
  readonly #options: MetadataWatcherOptions;
  readonly #loop: WatchLoop<KubernetesObject>;

  constructor(options: MetadataWatcherOptions) {
    this.#options = options;
    this.#loop = new WatchLoop({ ...options, accept: METADATA_ONLY, watchSeconds: options.maxAgeSeconds });
  }

  /** When the last start, event or bookmark was, in milliseconds since the epoch; 0 before the first. */
  get lastProgress(): number {
    return this.#loop.lastProgress;
  }

  /**
   * Resolves when the signal aborts. What may pass (no connection, 429, 5xx) is tried again in here, later and later.
   *
   * @throws ApiError for what the owner must decide, such as 401, 403 and 404, and whatever the client's `authorize` throws;
   *   onClosed has been called by then.
   */
  async run(handlers: MetadataWatcherHandlers, signal: AbortSignal): Promise<void> {
    const coverage = new Coverage(handlers);
    const target: WatchTarget<KubernetesObject> = {
      start: (_open: OpenWatch<KubernetesObject>, startSignal) => this.#start(startSignal),
      opened: () => coverage.begin(),
      changed: ({ type, object }: WatchEvent<KubernetesObject>) => {
        if (type !== 'BOOKMARK') handlers.onChange({ type, metadata: object.metadata });
      },
      expired: () => coverage.end(),
      failed: (error) => {
        coverage.interrupt();
        return mayPass(error) ? 'retry' : 'stop';
      },
    };
    try {
      await this.#loop.run(target, signal);
    } finally {
      coverage.end();
    }
  }

  async #start(signal: AbortSignal): Promise<WatchStart<KubernetesObject>> {
    const { client, path, query, userAgent } = this.#options;
    const { body } = await client.request<ObjectList<KubernetesObject>>({
      method: 'GET',
      path,
      query: { ...query, limit: 1 },
      accept: METADATA_ONLY_LIST,
      userAgent,
      signal,
    });
    return { resourceVersion: body.metadata.resourceVersion };
  }
}

/** Whether changes are being seen, as the owner knows it. */
class Coverage {
  readonly #handlers: MetadataWatcherHandlers;
  #open = false;
  #interrupted = false;

  constructor(handlers: MetadataWatcherHandlers) {
    this.#handlers = handlers;
  }

  begin(): void {
    this.#interrupted = false;
    if (!this.#open) {
      this.#open = true;
      this.#handlers.onOpen();
    }
  }

  /** The first failure is let pass: when the very next try succeeds, it resumes without a gap. */
  interrupt(): void {
    if (this.#interrupted) this.end();
    this.#interrupted = true;
  }

  end(): void {
    if (this.#open) {
      this.#open = false;
      this.#handlers.onClosed();
    }
  }
}

/** The rest is for the owner: a refusal, a request that is wrong, an identity that is not to be had. */
function mayPass(error: unknown): boolean {
  if (error instanceof ApiError) {
    return (
      error.code === 0 || error.code === 408 || error.code === 410 || error.code === 429 || error.code >= 500
    );
  }
  return error instanceof WatchFault;
}

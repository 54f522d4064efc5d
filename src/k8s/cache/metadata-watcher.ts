import { ApiError } from '../client/errors.js';
import {
  type KubernetesObject,
  METADATA_ONLY,
  METADATA_ONLY_LIST,
  type ObjectList,
} from '../client/objects.js';
import type { ObjectMeta } from '../../api/kubernetes.js';
import { WatchFault, WatchLoop, type WatchLoopOptions, type WatchTarget } from './watch-loop.js';

export type MetadataWatcherOptions = Omit<WatchLoopOptions, 'accept' | 'silenceMs'>;

/** What a feed tells. None of them may throw: it would end the feed. */
export interface MetadataWatcherHandlers {
  /** The watch is open, and every change from now on is told: look at everything once. */
  onOpen(): void;
  onChange(change: { type: 'ADDED' | 'MODIFIED' | 'DELETED'; metadata: ObjectMeta }): void;
  /** Changes go unseen until the next {@link onOpen}. Comes only after an onOpen. */
  onClosed(): void;
}

/**
 * Tells that objects have changed, and keeps none of them: see docs/design/0010-watches.md. A connection that comes back at
 * once is invisible to the owner: nothing is missed then.
 */
export class MetadataWatcher {
  readonly #options: MetadataWatcherOptions;
  readonly #loop: WatchLoop<KubernetesObject>;

  constructor(options: MetadataWatcherOptions) {
    this.#options = options;
    this.#loop = new WatchLoop({ ...options, accept: METADATA_ONLY });
  }

  get lastProgress(): number {
    return this.#loop.lastProgress;
  }

  /**
   * Resolves when the signal aborts. What may pass (no connection, 429, 5xx) is tried again in here, later and later.
   * @throws ApiError for what the owner must decide, such as 401, 403 and 404, and whatever the client's `authorize` throws;
   *   onClosed has been called by then.
   */
  async run(handlers: MetadataWatcherHandlers, signal: AbortSignal): Promise<void> {
    /** Whether changes are being seen, as the owner knows it. */
    let isOpen = false;
    let interrupted = false;
    const close = (): void => {
      if (isOpen) handlers.onClosed();
      isOpen = false;
    };
    const target: WatchTarget<KubernetesObject> = {
      start: async () => {
        const { client, path, query, userAgent } = this.#options;
        const first = { path, query: { ...query, limit: 1 }, accept: METADATA_ONLY_LIST, userAgent, signal };
        const { body } = await client.request<ObjectList<KubernetesObject>>({ method: 'GET', ...first });
        return { resourceVersion: body.metadata.resourceVersion };
      },
      opened: () => {
        interrupted = false;
        if (!isOpen) handlers.onOpen();
        isOpen = true;
      },
      changed: ({ type, object }) => {
        if (type !== 'BOOKMARK') handlers.onChange({ type, metadata: object.metadata });
      },
      expired: close,
      failed: (error) => {
        // The first failure is let pass: when the very next try succeeds, it resumes without a gap.
        if (interrupted) close();
        interrupted = true;
        return mayPass(error) ? 'retry' : 'stop';
      },
    };
    try {
      await this.#loop.run(target, signal);
    } finally {
      close();
    }
  }
}

/** The rest is for the owner: a refusal, a request that is wrong, an identity that is not to be had. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof ApiError)) return error instanceof WatchFault;
  return [0, 408, 410, 429].includes(error.code) || error.code >= 500;
}

import { isApiError } from '../k8s/client/errors.js';
import type { ApiRequest, ApiResponse } from '../k8s/client/rest-types.js';
import { MAX_OBJECT_BYTES, type RestClient } from '../k8s/client/rest-client.js';
import { TokenRejectedError } from './errors.js';
import type { FairQueue, Priority } from './fair-queue.js';
import { namespacedNameKey, serviceAccountUsername, type ServiceAccount } from '../api/kubernetes.js';

/**
 * One ServiceAccount, proven by the API server, and the way to act as it. It ends (see {@link ended}) when its token is
 * rejected or the ServiceAccount turns out to be another one of the same name; whatever holds it then asks the
 * {@link TenantPool} for its successor.
 */
export class Tenant {
  readonly key: string;
  readonly username: string;
  /** For requests that several ConfigMapSyncs share. */
  readonly userAgent: string;
  /** For watches: they wait for no seat and hold none. */
  readonly client: RestClient;
  /**
   * Called when this tenant ends. They are no listeners of {@link ended}: a signal walks through all that it has for each
   * that comes or goes, and one tenant may have thousands.
   */
  readonly dependents = new Set<() => void>();
  readonly #requests: FairQueue;
  /** How much the next read may bring: what the last ones brought, for no request tells that beforehand. */
  #expectedBytes = 0;
  readonly #ended = new AbortController();
  /** Aborts when this tenant's identity is good no more. */
  readonly ended = this.#ended.signal;

  constructor(
    readonly account: ServiceAccount,
    /** The ServiceAccount's uid: a re-created one is another tenant. */
    readonly uid: string,
    options: { client: RestClient; requests: FairQueue; userAgentPrefix: string },
  ) {
    this.key = namespacedNameKey(account);
    this.username = serviceAccountUsername(account);
    this.userAgent = sharedUserAgent(options.userAgentPrefix, account);
    this.client = options.client;
    this.#requests = options.requests;
  }

  /** Waits for a seat among the requests of all tenants; resolves to what gives it back. */
  acquire(priority: Priority, signal: AbortSignal): Promise<() => void> {
    return this.#requests.acquire(this.account, priority, signal);
  }

  /**
   * Sends one request when there is a seat for it. It is not repeated where the server says when to come back: the caller
   * has other things to do meanwhile.
   * @throws TokenRejectedError on 401 and once the tenant has ended; ApiError as the API server says.
   */
  async request<T>(
    request: ApiRequest & { signal: AbortSignal },
    priority: Priority = 'work',
  ): Promise<ApiResponse<T>> {
    const isRead = request.method === 'GET';
    const run = async (): Promise<ApiResponse<T>> => {
      // It may have ended while this waited for a seat: its token is not to be used again.
      this.ended.throwIfAborted();
      const bounds = { waits: false, maxBytes: MAX_OBJECT_BYTES };
      const answer = await this.client.request<T>({ userAgent: this.userAgent, ...bounds, ...request });
      if (isRead) this.#expectedBytes = Math.max(answer.bytes ?? 0, this.#expectedBytes / 2);
      return answer;
    };
    try {
      const bytes = isRead ? this.#expectedBytes : 0;
      return await this.#requests.run(this.account, priority, run, request.signal, bytes);
    } catch (error) {
      if (isApiError(error, 401)) {
        this.end();
        throw new TokenRejectedError(this.username);
      }
      throw error;
    }
  }

  end(): void {
    this.#ended.abort(new TokenRejectedError(this.username));
    for (const end of this.dependents) end();
    this.dependents.clear();
  }
}

/** The User-Agent of requests that several ConfigMapSyncs share. `prefix` is `config-weaver/<version>`. */
export function sharedUserAgent(prefix: string, { namespace, name }: ServiceAccount): string {
  return `${prefix} serviceaccount/${namespace}/${name}`;
}

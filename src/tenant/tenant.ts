import { isApiError } from '../k8s/client/errors.js';
import type { ApiRequest, ApiResponse } from '../k8s/client/rest-types.js';
import type { RestClient } from '../k8s/client/rest-client.js';
import { TokenRejectedError } from './errors.js';
import { FairLimiter } from './fair-limiter.js';
import { serviceAccountKey, serviceAccountUsername, type ServiceAccount } from '../api/kubernetes.js';

/**
 * How many reviews of its rights one tenant may have under way: alone, and in a crowd of them while something is done for
 * others. They cost the API server next to nothing, so that more of them only wait for this process: its event loop would
 * go around for all of them between any two steps of another tenant, and a thousand denied targets take five thousand.
 */
const CONCURRENT_REVIEWS = { alone: 8, besideOthers: 2 };

/** So many that wait make no crowd. */
const FEW_REVIEWS = 16;

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
  /**
   * Called when this tenant ends. They are no listeners of {@link ended}: a signal walks through all that it has for each
   * that comes or goes, and one tenant may have thousands.
   */
  readonly dependents = new Set<() => void>();
  readonly #client: RestClient;
  readonly #limiter: FairLimiter;
  readonly #reviews: FairLimiter;
  readonly #ended = new AbortController();

  constructor(
    readonly account: ServiceAccount,
    /** The ServiceAccount's uid: a re-created one is another tenant. */
    readonly uid: string,
    options: { client: RestClient; limiter: FairLimiter; userAgentPrefix: string },
  ) {
    this.key = serviceAccountKey(account);
    this.username = serviceAccountUsername(account);
    this.userAgent = sharedUserAgent(options.userAgentPrefix, account);
    this.#client = options.client;
    this.#limiter = options.limiter;
    const { alone, besideOthers } = CONCURRENT_REVIEWS;
    this.#reviews = new FairLimiter(() => (this.#crowdsOthers() ? besideOthers : alone));
  }

  /** Aborts when this tenant's identity is good no more. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** The tenant's own client, for watches: they wait for no place and hold none. */
  get client(): RestClient {
    return this.#client;
  }

  /** Waits for a place among the requests of all tenants; resolves to what gives it back. */
  acquire(signal: AbortSignal): Promise<() => void> {
    return this.#limiter.acquire(this.key, signal);
  }

  /** @throws TokenRejectedError on 401 and once the tenant has ended; ApiError as the API server says. */
  async request<T>(request: ApiRequest & { signal: AbortSignal }): Promise<ApiResponse<T>> {
    const run = (): Promise<ApiResponse<T>> => {
      // It may have ended while this waited for a place: its token is not to be used again.
      this.ended.throwIfAborted();
      return this.#client.request<T>({ userAgent: this.userAgent, ...request });
    };
    try {
      return await this.#limiter.run(this.key, run, request.signal);
    } catch (error) {
      if (isApiError(error, 401)) {
        this.end();
        throw new TokenRejectedError(this.username);
      }
      throw error;
    }
  }

  /** As {@link request}, for questions about this tenant's rights: few at a time, whatever places are free. */
  review<T>(request: ApiRequest & { signal: AbortSignal }): Promise<ApiResponse<T>> {
    return this.#reviews.run(this.key, () => this.request<T>(request), request.signal);
  }

  #crowdsOthers(): boolean {
    return this.#reviews.waiting > FEW_REVIEWS && this.#limiter.servesOthersThan(this.key);
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

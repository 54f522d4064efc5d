import { reviewRequest } from '../../k8s/client/review-request.js';
import { isApiError } from '../../k8s/client/errors.js';
import type { Requester } from '../../k8s/client/rest-client.js';
import { FairQueue } from '../../tenant/fair-queue.js';

/** What somebody would do: authorization.k8s.io/v1 ResourceAttributes of the core group. */
export interface Attempt {
  verb: string;
  resource: string;
  subresource?: string;
  namespace: string;
  /** Left out where the request names none. */
  name?: string;
}

/** All of them are the caller's own. */
const CALLER = { namespace: '', name: '' };
/** Reviews under way at a time. */
const CONCURRENCY = 16;

/**
 * Asks the API server what others may do, with the caller's right to create subjectaccessreviews. Without that right
 * nothing is known, and everything is reported as unknown.
 */
export class AccessReviewer {
  /** What the API server said when it refused to tell; undefined while it tells. */
  refusal: string | undefined;
  readonly #client: Requester;
  readonly #signal: AbortSignal;
  readonly #requests = new FairQueue(CONCURRENCY);

  constructor(client: Requester, signal: AbortSignal) {
    this.#client = client;
    this.#signal = signal;
  }

  /** True where every attempt is known to be allowed. The first that is not ends the questions. */
  async allowsAll(username: string, attempts: readonly Attempt[]): Promise<boolean> {
    try {
      for (const attempt of attempts) {
        if (this.refusal !== undefined) return false;
        const resourceAttributes = { version: 'v1', ...attempt };
        const spec = { user: username, groups: groupsOf(username), resourceAttributes };
        const review = () =>
          this.#client.request<{ status?: { allowed?: boolean } }>({
            ...reviewRequest('authorization.k8s.io', 'SubjectAccessReview', spec),
            signal: this.#signal,
          });
        const { body } = await this.#requests.run(CALLER, 'work', review, this.#signal);
        if (body.status?.allowed !== true) return false;
      }
      return true;
    } catch (error) {
      if (!isApiError(error, 403)) throw error;
      this.refusal = error.message;
      return false;
    }
  }
}

/** The API server adds these to a token's user itself; of a user who is merely named it knows nothing. */
function groupsOf(username: string): string[] {
  const namespace = /^system:serviceaccount:([^:]*)/.exec(username)?.[1];
  const own =
    namespace === undefined ? [] : ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
  return [...own, 'system:authenticated'];
}

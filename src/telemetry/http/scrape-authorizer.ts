import { createHash } from 'node:crypto';
import type { Clock } from '../../k8s/util/clock.js';
import { apiPath } from '../../k8s/client/api-path.js';
import type { Requester } from '../../k8s/client/rest-client.js';

/** What to answer a scrape: 200, 401, 403, or 503 where too many strangers ask at once. */
export type ScrapeVerdict = 'allowed' | 'unauthenticated' | 'forbidden' | 'busy';

/** Of a TokenReview and of a SubjectAccessReview. */
interface ReviewStatus {
  authenticated?: boolean;
  user?: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> };
  allowed?: boolean;
}

const ALLOWED_MS = 60_000;
const REFUSED_MS = 10_000;
const MAX_REMEMBERED = 1000;
/** Reviews cost the API server work under the operator's name: guessed tokens must not drown the tenants' requests. */
const MAX_CONCURRENT_REVIEWS = 4;
const REVIEW_TIMEOUT_MS = 5000;

/** Asks the API server who sends a token and whether they may scrape: see docs/design/0023-metrics-authorization.md. */
export class ScrapeAuthorizer {
  readonly #options: { client: Requester; clock: Clock };
  readonly #verdicts = new Map<string, { verdict: ScrapeVerdict; until: number }>();
  readonly #reviews = new Map<string, Promise<ScrapeVerdict>>();

  constructor(options: { client: Requester; clock: Clock }) {
    this.#options = options;
  }

  /**
   * `signal` is the server's, not one client's: others may wait for the same review.
   * @throws ApiError when the API server cannot be asked, or the operator may not ask
   */
  async authorize(token: string, signal: AbortSignal): Promise<ScrapeVerdict> {
    const key = createHash('sha256').update(token).digest('base64');
    const known = this.#verdicts.get(key);
    if (known !== undefined && known.until > this.#options.clock.now()) return known.verdict;
    const running = this.#reviews.get(key);
    if (running !== undefined) return running;
    if (this.#reviews.size >= MAX_CONCURRENT_REVIEWS) return 'busy';
    const review = this.#review(token, signal)
      .then((verdict) => this.#remember(key, verdict))
      .finally(() => this.#reviews.delete(key));
    this.#reviews.set(key, review);
    return review;
  }

  #remember(key: string, verdict: ScrapeVerdict): ScrapeVerdict {
    this.#verdicts.delete(key);
    const [oldest] = this.#verdicts.keys();
    if (oldest !== undefined && this.#verdicts.size >= MAX_REMEMBERED) this.#verdicts.delete(oldest);
    const until = this.#options.clock.now() + (verdict === 'allowed' ? ALLOWED_MS : REFUSED_MS);
    this.#verdicts.set(key, { verdict, until });
    return verdict;
  }

  async #review(token: string, signal: AbortSignal): Promise<ScrapeVerdict> {
    const ask = async (group: string, kind: string, spec: object): Promise<ReviewStatus> => {
      const { body } = await this.#options.client.request<{ status?: ReviewStatus }>({
        method: 'POST',
        path: apiPath({ group, version: 'v1', resource: `${kind.toLowerCase()}s` }),
        body: { apiVersion: `${group}/v1`, kind, spec },
        timeoutMs: REVIEW_TIMEOUT_MS,
        signal,
      });
      return body.status ?? {};
    };
    const { authenticated, user } = await ask('authentication.k8s.io', 'TokenReview', { token });
    if (authenticated !== true || user === undefined) return 'unauthenticated';
    const { username, uid, groups, extra } = user;
    const nonResourceAttributes = { path: '/metrics', verb: 'get' };
    const spec = { user: username, uid, groups, extra, nonResourceAttributes };
    const { allowed } = await ask('authorization.k8s.io', 'SubjectAccessReview', spec);
    return allowed === true ? 'allowed' : 'forbidden';
  }
}

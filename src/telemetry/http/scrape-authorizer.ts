import { createHash } from 'node:crypto';
import type { V1SubjectAccessReviewStatus, V1TokenReviewStatus } from '@kubernetes/client-node';
import type { Clock } from '../../k8s/util/clock.js';
import { reviewRequest } from '../../k8s/client/review-request.js';
import type { Requester } from '../../k8s/client/rest-client.js';
import { ReviewPace } from '../../k8s/util/review-pace.js';

/** What to answer a scrape: 200, 401, 403, or 503 where too many strangers ask at once. */
export type ScrapeVerdict = 'allowed' | 'unauthenticated' | 'forbidden' | 'busy';

type Verdicts = Map<string, { verdict: ScrapeVerdict; until: number }>;

type ReviewStatus = V1TokenReviewStatus & Partial<V1SubjectAccessReviewStatus>;

/** From the last review: one more scrape may succeed after a permission was revoked. */
const ALLOWED_MS = 120_000;
/** A scrape after so long is answered at once, and has the verdict reviewed for the next one. */
const REFRESH_MS = 25_000;
const REFUSED_MS = 10_000;
const MAX_ALLOWED = 100;
const MAX_REFUSED = 1000;
/** Reviews cost the API server work under the operator's name: guessed tokens must not drown the tenants' requests. */
const STRANGERS = { burst: 4, periodMs: 100 };
const MAX_CONCURRENT_REVIEWS = 4;
/** So long a stranger waits for its turn: less than Prometheus' usual timeout of 10 s. */
const MAX_WAIT_MS = 8000;
const REVIEW_TIMEOUT_MS = 5000;
const MAX_TOKEN_LENGTH = 8192;
/** kube-apiserver's own, for clocks that differ. */
const EXPIRY_LEEWAY_MS = 60_000;

/** Asks the API server who sends a token and whether they may scrape: see docs/design/0023-metrics-authorization.md. */
export class ScrapeAuthorizer {
  readonly #options: { client: Requester; clock: Clock; signal: AbortSignal };
  /** By digests of tokens, as all below. Strangers, however many, push nothing out of it. */
  readonly #allowed: Verdicts = new Map();
  readonly #refused: Verdicts = new Map();
  readonly #reviews = new Map<string, Promise<ScrapeVerdict>>();
  readonly #strangers: ReviewPace;

  /** `signal` is the server's, not one client's: others may wait for the same review. */
  constructor(options: { client: Requester; clock: Clock; signal: AbortSignal }) {
    this.#options = options;
    this.#strangers = new ReviewPace(options.clock, STRANGERS);
  }

  /**
   * Who was allowed lately waits for nothing; strangers wait for their turns, by `address`, until `gone` aborts.
   * @throws ApiError when the API server cannot be asked, or the operator may not ask
   */
  async authorize(token: string, address: string, gone: AbortSignal): Promise<ScrapeVerdict> {
    if (!mayBeValid(token, this.#options.clock.now())) return 'unauthenticated';
    const key = createHash('sha256').update(token).digest('base64');
    const answer = this.#answer(key, token);
    if (answer !== undefined || this.#allowed.has(key)) return answer ?? this.#ask(key, token);
    const patience = AbortSignal.any([gone, AbortSignal.timeout(MAX_WAIT_MS)]);
    const turn = await this.#strangers.turn(address, patience).catch(() => 'busy' as const);
    const meanwhile = turn ?? this.#answer(key, token);
    if (meanwhile === undefined && this.#reviews.size >= MAX_CONCURRENT_REVIEWS) return 'busy';
    return meanwhile ?? this.#ask(key, token);
  }

  /** What is known, or is being asked already. */
  #answer(key: string, token: string): ScrapeVerdict | Promise<ScrapeVerdict> | undefined {
    const running = this.#reviews.get(key);
    const known = this.#allowed.get(key) ?? this.#refused.get(key);
    const left = (known?.until ?? 0) - this.#options.clock.now();
    if (known === undefined || left <= 0) return running;
    const stale = known.verdict === 'allowed' && left <= ALLOWED_MS - REFRESH_MS;
    // One that fails is repeated by the next scrape, and reported when the verdict has ended.
    if (stale && running === undefined) this.#ask(key, token).catch(() => undefined);
    return known.verdict;
  }

  #ask(key: string, token: string): Promise<ScrapeVerdict> {
    const review = this.#review(token)
      .then((verdict) => this.#remember(key, verdict))
      .finally(() => this.#reviews.delete(key));
    this.#reviews.set(key, review);
    return review;
  }

  #remember(key: string, verdict: ScrapeVerdict): ScrapeVerdict {
    const allowed = verdict === 'allowed';
    const verdicts = allowed ? this.#allowed : this.#refused;
    for (const each of [this.#allowed, this.#refused]) each.delete(key);
    const [oldest] = verdicts.keys();
    const full = verdicts.size >= (allowed ? MAX_ALLOWED : MAX_REFUSED);
    if (full && oldest !== undefined) verdicts.delete(oldest);
    verdicts.set(key, { verdict, until: this.#options.clock.now() + (allowed ? ALLOWED_MS : REFUSED_MS) });
    return verdict;
  }

  async #review(token: string): Promise<ScrapeVerdict> {
    const ask = async (...review: Parameters<typeof reviewRequest>): Promise<ReviewStatus> => {
      const { body } = await this.#options.client.request<{ status?: ReviewStatus }>({
        ...reviewRequest(...review),
        timeoutMs: REVIEW_TIMEOUT_MS,
        signal: this.#options.signal,
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

/** Whether it is worth a request: has the form of a JWT, is not too long, and not expired by its own claim. */
function mayBeValid(token: string, now: number): boolean {
  const claims = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(token)?.[1];
  if (claims === undefined || token.length > MAX_TOKEN_LENGTH) return false;
  try {
    const { exp } = Object(JSON.parse(Buffer.from(claims, 'base64url').toString())) as { exp?: unknown };
    return exp === undefined || Number(exp) * 1000 + EXPIRY_LEEWAY_MS > now;
  } catch {
    return false;
  }
}

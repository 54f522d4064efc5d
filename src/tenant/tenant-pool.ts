import type { V1SelfSubjectReview } from '@kubernetes/client-node';
import { abortable } from '../k8s/util/async.js';
import { isApiError } from '../k8s/client/errors.js';
import type { RestClient } from '../k8s/client/rest-client.js';
import { reviewRequest } from '../k8s/client/review-request.js';
import { Backoff } from '../k8s/util/backoff.js';
import { ReviewPace } from '../k8s/util/review-pace.js';
import { IdentityError, TokenRejectedError } from './errors.js';
import type { NamespaceWatchOptions } from './namespace-watch.js';
import { FairQueue, type Priority } from './fair-queue.js';
import { namespacedNameKey, serviceAccountUsername, type ServiceAccount } from '../api/kubernetes.js';
import { sharedUserAgent, Tenant } from './tenant.js';
import { requestToken, type IssuedToken, type TokenRequestOptions } from './token-broker.js';

export interface TenantPoolOptions extends TokenRequestOptions {
  /** Makes a client that sends this token and nothing else; it must refuse to send without one. */
  clientFor: (authorize: (signal?: AbortSignal) => Promise<string>) => RestClient;
  requests: FairQueue;
  /** `config-weaver/<version>`. */
  userAgentPrefix: string;
  /** A tenant ended, or what kept it from having a token is over: those that use it should look again. */
  onChanged: (account: ServiceAccount) => void;
  /** Where there is no token, nobody asks for one again sooner than they do on their own, after so long. */
  recheck: NamespaceWatchOptions['recheck'];
}

interface Session {
  tenant: Tenant;
  issued: IssuedToken;
  renewal: Promise<void> | undefined;
}

/** The answer to all who ask before the next try; times are in milliseconds since the epoch. */
interface Failure {
  error: unknown;
  at: number;
  retryAt: number;
  backoff: Backoff;
}

/**
 * Requests for tokens under way: they are the operator's own, and have one share of the API server's attention for all tenants.
 * Each takes a few milliseconds.
 */
const SEATS = 8;
/** Before the second try, in milliseconds; then twice as long each time. */
const RETRY_MS = 500;

/** The tokens in use, one per ServiceAccount, requested once however many ask: see docs/design/0024-token-lifetime.md. */
export class TenantPool {
  readonly #options: TenantPoolOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #opening = new Map<string, Promise<Tenant>>();
  readonly #failures = new Map<string, Failure>();
  readonly #seats = new FairQueue(SEATS);
  readonly #retries: ReviewPace;
  readonly #lifetime = new AbortController();

  constructor(options: TenantPoolOptions) {
    this.#options = options;
    this.#retries = new ReviewPace(options.clock);
  }

  get cachedTokens(): number {
    return this.#sessions.size;
  }

  /**
   * The tenant of this ServiceAccount, with a token that is good for a while.
   * @param isNew Who asks has never asked before: an answer that others got is taken only where it has just come.
   * @throws IdentityError where the ServiceAccount or the grant is missing, or the token is somebody else's. So it does for a
   *   while, to all who ask.
   */
  async open(account: ServiceAccount, isNew = false): Promise<Tenant> {
    const key = namespacedNameKey(account);
    const session = this.#sessions.get(key);
    if (session !== undefined) {
      await this.#freshen(session);
      if (!session.tenant.ended.aborted) return session.tenant;
    }
    const opening =
      this.#opening.get(key) ?? this.#start(account, isNew).finally(() => this.#opening.delete(key));
    this.#opening.set(key, opening);
    return opening;
  }

  /** The last ConfigMapSync that used this ServiceAccount is gone: so is its token. */
  forget(account: ServiceAccount): void {
    const key = namespacedNameKey(account);
    const session = this.#sessions.get(key);
    this.#sessions.delete(key);
    this.#failures.delete(key);
    session?.tenant.end();
  }

  close(): void {
    this.#lifetime.abort(new Error('shutting down'));
    for (const { tenant } of this.#sessions.values()) tenant.end();
    this.#sessions.clear();
  }

  async #start(account: ServiceAccount, isNew: boolean): Promise<Tenant> {
    const { requests, userAgentPrefix } = this.#options;
    const failure = this.#failures.get(namespacedNameKey(account));
    if (failure !== undefined) {
      this.#throwIfEarly(failure, isNew ? failure.at + RETRY_MS : failure.retryAt);
      await this.#retries.turn(account.namespace, this.#lifetime.signal);
    }
    const { issued, uid } = await this.#request(account, 'new');
    const client = this.#options.clientFor((signal) => this.#authorization(session, signal));
    const tenant = new Tenant(account, uid, { client, requests, userAgentPrefix });
    const session: Session = { tenant, issued, renewal: undefined };
    tenant.ended.addEventListener('abort', () => this.#drop(tenant), { once: true });
    this.#sessions.set(tenant.key, session);
    return tenant;
  }

  #drop(tenant: Tenant): void {
    if (this.#sessions.get(tenant.key)?.tenant !== tenant) return;
    this.#sessions.delete(tenant.key);
    this.#options.onChanged(tenant.account);
  }

  async #authorization(session: Session, signal: AbortSignal | undefined): Promise<string> {
    await abortable(this.#freshen(session), signal);
    // The token of a ServiceAccount that is no more is not used again, whoever still holds its client.
    session.tenant.ended.throwIfAborted();
    return `Bearer ${session.issued.token}`;
  }

  /** Renews at half life. Where renewal merely fails, the old token serves on; where it is refused, the tenant ends. */
  async #freshen(session: Session): Promise<void> {
    const { clock } = this.#options;
    const { expiresAt } = session.issued;
    if (clock.now() < halfLife(session.issued)) return;
    try {
      // Every request asks, and none should wait for one failure more.
      const failure = this.#failures.get(session.tenant.key);
      if (failure !== undefined) this.#throwIfEarly(failure, failure.retryAt);
      session.renewal ??= this.#renew(session).finally(() => (session.renewal = undefined));
      await session.renewal;
    } catch (error) {
      if (error instanceof IdentityError) {
        session.tenant.end();
        throw error;
      }
      if (clock.now() >= expiresAt) throw error;
    }
  }

  /** A clock that was set back puts nothing off. */
  #throwIfEarly({ error, at }: Failure, retryAt: number): void {
    const now = this.#options.clock.now();
    if (at <= now && now < retryAt) throw error;
  }

  async #renew(session: Session): Promise<void> {
    const { account, uid } = session.tenant;
    const { issued, uid: found } = await this.#request(account, 'work');
    if (found === uid) session.issued = issued;
    // Another ServiceAccount of the same name: its watches, reviews and copies' knowledge start from nothing.
    else session.tenant.end();
  }

  /**
   * Waits for a seat of its own kind: those who hold all that there are for requests may wait for this very token. One that
   * is renewed comes first, for many wait for it.
   */
  async #request(account: ServiceAccount, priority: Priority): Promise<{ issued: IssuedToken; uid: string }> {
    const { clock, onChanged, recheck } = this.#options;
    const { signal } = this.#lifetime;
    const key = namespacedNameKey(account);
    try {
      const proven = await this.#seats.run(
        account,
        priority,
        async () => {
          const issued = await requestToken(this.#options, account, signal);
          return { issued, uid: await this.#identify(account, issued) };
        },
        signal,
      );
      // Not all have asked at the same time, and each would otherwise notice by itself.
      if (this.#failures.delete(key)) queueMicrotask(() => onChanged(account));
      return proven;
    } catch (error) {
      // With what is added at random, below the time after which they ask on their own: it never makes that longer.
      const maxMs = 0.6 * recheck.deniedMs;
      const { backoff } = this.#failures.get(key) ?? { backoff: new Backoff({ baseMs: RETRY_MS, maxMs }) };
      const at = clock.now();
      this.#failures.set(key, { error, at, retryAt: at + backoff.next(), backoff });
      throw error;
    }
  }

  /** The uid of whom the API server takes the token for. */
  async #identify(account: ServiceAccount, { token }: IssuedToken): Promise<string> {
    const expected = serviceAccountUsername(account);
    const client = this.#options.clientFor(() => Promise.resolve(`Bearer ${token}`));
    try {
      const { body, auditID } = await client.request<V1SelfSubjectReview>({
        ...reviewRequest('authentication.k8s.io', 'SelfSubjectReview'),
        userAgent: sharedUserAgent(this.#options.userAgentPrefix, account),
        signal: this.#lifetime.signal,
      });
      const { username = '', uid = '' } = body.status?.userInfo ?? {};
      if (username === expected && uid !== '') return uid;
      const message = `the API server takes the token of ${expected} for "${username}": nothing is done with it`;
      throw new IdentityError('IdentityMismatch', message, 0, auditID);
    } catch (error) {
      if (isApiError(error, 401)) throw new TokenRejectedError(expected);
      if (!isApiError(error, 403)) throw error;
      const message = `${expected} may not create selfsubjectreviews (${error.message}): bind it to the ClusterRole system:basic-user`;
      throw new IdentityError('IdentityMismatch', message, error.code, error.auditID);
    }
  }
}

function halfLife({ issuedAt, expiresAt }: IssuedToken): number {
  return issuedAt + (expiresAt - issuedAt) / 2;
}

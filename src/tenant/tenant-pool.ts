import type { V1SelfSubjectReview } from '@kubernetes/client-node';
import { abortable } from '../k8s/util/async.js';
import { isApiError } from '../k8s/client/errors.js';
import type { RestClient } from '../k8s/client/rest-client.js';
import { IdentityError, TokenRejectedError } from './errors.js';
import type { FairQueue } from './fair-queue.js';
import { namespacedNameKey, serviceAccountUsername, type ServiceAccount } from '../api/kubernetes.js';
import { sharedUserAgent, Tenant } from './tenant.js';
import { requestToken, type IssuedToken, type TokenRequestOptions } from './token-broker.js';

export interface TenantPoolOptions extends TokenRequestOptions {
  /** Makes a client that sends this token and nothing else; it must refuse to send without one. */
  clientFor: (authorize: (signal?: AbortSignal) => Promise<string>) => RestClient;
  requests: FairQueue;
  /** `config-weaver/<version>`. */
  userAgentPrefix: string;
  /** A tenant ended: those that use it should look again. */
  onEnded: (account: ServiceAccount) => void;
}

interface Session {
  tenant: Tenant;
  issued: IssuedToken;
  renewal: Promise<void> | undefined;
  /** No renewal is tried before this time (milliseconds since the epoch), as long as the token still serves. */
  renewAt: number;
}

/** Between two tries to renew a token that still serves: every request asks, and none should wait for one failure more. */
const RENEWAL_PAUSE_MS = 10_000;

/** The tokens in use, one per ServiceAccount, requested once however many ask: see docs/design/0024-token-lifetime.md. */
export class TenantPool {
  readonly #options: TenantPoolOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #opening = new Map<string, Promise<Tenant>>();
  readonly #lifetime = new AbortController();

  constructor(options: TenantPoolOptions) {
    this.#options = options;
  }

  get cachedTokens(): number {
    return this.#sessions.size;
  }

  /**
   * The tenant of this ServiceAccount, with a token that is good for a while.
   * @throws IdentityError where the ServiceAccount or the grant is missing, or the token is somebody else's.
   */
  async open(account: ServiceAccount): Promise<Tenant> {
    const key = namespacedNameKey(account);
    const session = this.#sessions.get(key);
    if (session !== undefined) {
      await this.#freshen(session);
      if (!session.tenant.ended.aborted) return session.tenant;
    }
    const opening = this.#opening.get(key) ?? this.#start(account).finally(() => this.#opening.delete(key));
    this.#opening.set(key, opening);
    return opening;
  }

  /** The last ConfigMapSync that used this ServiceAccount is gone: so is its token. */
  forget(account: ServiceAccount): void {
    const key = namespacedNameKey(account);
    const session = this.#sessions.get(key);
    this.#sessions.delete(key);
    session?.tenant.end();
  }

  close(): void {
    this.#lifetime.abort(new Error('shutting down'));
    for (const { tenant } of this.#sessions.values()) tenant.end();
    this.#sessions.clear();
  }

  async #start(account: ServiceAccount): Promise<Tenant> {
    const { requests, userAgentPrefix } = this.#options;
    const issued = await requestToken(this.#options, account, this.#lifetime.signal);
    const uid = await this.#identify(account, issued);
    const client = this.#options.clientFor((signal) => this.#authorization(session, signal));
    const tenant = new Tenant(account, uid, { client, requests, userAgentPrefix });
    const session: Session = { tenant, issued, renewal: undefined, renewAt: halfLife(issued) };
    tenant.ended.addEventListener('abort', () => this.#drop(tenant), { once: true });
    this.#sessions.set(tenant.key, session);
    return tenant;
  }

  #drop(tenant: Tenant): void {
    if (this.#sessions.get(tenant.key)?.tenant !== tenant) return;
    this.#sessions.delete(tenant.key);
    this.#options.onEnded(tenant.account);
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
    if (clock.now() < Math.min(session.renewAt, expiresAt)) return;
    session.renewal ??= this.#renew(session).finally(() => (session.renewal = undefined));
    try {
      await session.renewal;
    } catch (error) {
      if (error instanceof IdentityError) {
        session.tenant.end();
        throw error;
      }
      if (clock.now() >= expiresAt) throw error;
      session.renewAt = clock.now() + RENEWAL_PAUSE_MS;
    }
  }

  async #renew(session: Session): Promise<void> {
    const { account, uid } = session.tenant;
    const issued = await requestToken(this.#options, account, this.#lifetime.signal);
    const found = await this.#identify(account, issued);
    if (found === uid) {
      session.issued = issued;
      session.renewAt = halfLife(issued);
    } else {
      // Another ServiceAccount of the same name: its watches, reviews and copies' knowledge start from nothing.
      session.tenant.end();
    }
  }

  /** The uid of whom the API server takes the token for. It takes no seat: who holds them all may wait for this very answer. */
  async #identify(account: ServiceAccount, { token }: IssuedToken): Promise<string> {
    const expected = serviceAccountUsername(account);
    const client = this.#options.clientFor(() => Promise.resolve(`Bearer ${token}`));
    try {
      const { body, auditID } = await client.request<V1SelfSubjectReview>({
        method: 'POST',
        path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
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

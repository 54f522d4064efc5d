import type { AuthenticationV1TokenRequest } from '@kubernetes/client-node';
import type { Clock } from '../k8s/util/clock.js';
import { isApiError } from '../k8s/client/errors.js';
import { apiPath } from '../k8s/client/api-path.js';
import type { RestClient } from '../k8s/client/rest-client.js';
import { reviewRequest } from '../k8s/client/review-request.js';
import { IdentityError } from './errors.js';
import { serviceAccountUsername, type ServiceAccount } from '../api/kubernetes.js';
import { tokenGrant, toYaml } from './token-grant.js';

/** A token and its life, in milliseconds since the epoch. It lives in memory only and is never logged. */
export interface IssuedToken {
  token: string;
  issuedAt: number;
  expiresAt: number;
}

export interface TokenRequestOptions {
  /** The operator's own. */
  client: RestClient;
  /** The operator's own user name, for the grant that a refusal proposes. */
  operator: string;
  /** At least 600, Kubernetes' minimum; the server may shorten or lengthen it. */
  expirationSeconds: number;
  clock: Clock;
  onRequested: (result: 'success' | 'not_found' | 'denied' | 'error') => void;
}

const TOKEN = { group: '', version: 'v1', resource: 'serviceaccounts', subresource: 'token' };

/**
 * Asks the API server for a token of a tenant's ServiceAccount: the one thing the operator does with its own identity on
 * a tenant's behalf, and only where that tenant granted it.
 * @throws IdentityError where there is no such ServiceAccount or no grant; ApiError for what may pass.
 */
export async function requestToken(
  options: TokenRequestOptions,
  account: ServiceAccount,
  signal: AbortSignal,
): Promise<IssuedToken> {
  const { client, expirationSeconds, clock, onRequested } = options;
  const { namespace, name } = account;
  const issuedAt = clock.now();
  try {
    const { body } = await client.request<Partial<AuthenticationV1TokenRequest>>({
      method: 'POST',
      path: apiPath({ ...TOKEN, namespace, name }),
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds } },
      signal,
    });
    const token = body.status?.token ?? '';
    // The life that the server granted, from when we asked: its clock need not agree with ours.
    const expiresAt = issuedAt + (body.spec?.expirationSeconds ?? 0) * 1000;
    if (token === '' || expiresAt <= issuedAt) {
      const message = `the API server answered the request for a token of ${serviceAccountUsername(account)} without one`;
      throw new IdentityError('IdentityMismatch', message);
    }
    onRequested('success');
    return { token, issuedAt, expiresAt };
  } catch (error) {
    throw await explained(options, account, error, signal);
  }
}

async function explained(
  options: TokenRequestOptions,
  account: ServiceAccount,
  error: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  const { operator, onRequested } = options;
  const username = serviceAccountUsername(account);
  if (isApiError(error, 404)) {
    onRequested('not_found');
    const message = `there is no ServiceAccount "${account.name}" in namespace "${account.namespace}": create it, or name another one in spec.serviceAccount.name`;
    return new IdentityError('ServiceAccountNotFound', message, error.code, error.auditID);
  }
  // RBAC answers 403, and an admission policy whatever its author chose.
  if (isApiError(error, 400, 403, 422)) {
    onRequested('denied');
    const deny = (message: string): IdentityError =>
      new IdentityError('TokenRequestDenied', message, error.code, error.auditID);
    // Nothing is created in a namespace that goes, and its ServiceAccounts go with it: this does not pass.
    if (error.hasCause('NamespaceTerminating')) {
      return deny(
        `namespace "${account.namespace}" is being deleted: there is no token of ${username} to be had any more`,
      );
    }
    if (error.code !== 403 || (await isGranted(options, account, signal))) {
      return deny(
        `a token of ${username} is granted to ${operator}, but refused by something else than RBAC: ${error.message}`,
      );
    }
    return deny(
      `${operator} may not request a token of ${username}. To grant it, apply:\n${toYaml(tokenGrant(account, operator))}`,
    );
  }
  onRequested('error');
  return error;
}

/** @throws ApiError where it could not be found out */
async function isGranted(
  { client }: TokenRequestOptions,
  { namespace, name }: ServiceAccount,
  signal: AbortSignal,
): Promise<boolean> {
  const spec = { resourceAttributes: { ...TOKEN, verb: 'create', namespace, name } };
  const review = reviewRequest('authorization.k8s.io', 'SelfSubjectAccessReview', spec);
  const { body } = await client.request<{ status?: { allowed?: boolean } }>({ ...review, signal });
  return body.status?.allowed === true;
}

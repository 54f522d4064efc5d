export type IdentityFailure = 'ServiceAccountNotFound' | 'TokenRequestDenied' | 'IdentityMismatch';

/** There is no usable identity: nothing can be read or written until that is mended. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError';

  constructor(
    readonly reason: IdentityFailure,
    message: string,
    /** HTTP code of the API server's answer; 0 where the refusal is our own. */
    readonly code = 0,
    readonly auditID?: string,
  ) {
    super(message);
  }
}

/**
 * The API server took the tenant's token no longer (401): the ServiceAccount was deleted, re-created, or the token
 * expired early. The token is already dropped; the next attempt starts with a new one.
 */
export class TokenRejectedError extends Error {
  override readonly name = 'TokenRejectedError';

  constructor(username: string) {
    super(`the API server no longer accepts the token of ${username}; a new one will be requested`);
  }
}

/** What was under way for a ConfigMapSync goes on, and needs something of its tenant, when nothing is done for it any more. */
export class SessionClosedError extends Error {
  override readonly name = 'SessionClosedError';
}

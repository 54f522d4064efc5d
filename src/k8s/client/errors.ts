/** Why the API server refused a single field or object: `details.causes[]` of a metav1.Status. */
export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

/** The parts of a metav1.Status that callers decide by. */
export interface ApiStatus {
  /** HTTP status code; 0 where the API server gave no answer at all. */
  code: number;
  /** metav1.StatusReason, such as `Forbidden`; '' where the answer was no metav1.Status. */
  reason: string;
  message: string;
  /** Seconds the server asks us to stay away, from Retry-After or `details.retryAfterSeconds`. */
  retryAfterSeconds?: number;
  causes?: StatusCause[];
  /** The `Audit-Id` header: finds the request in the API server's audit log. */
  auditID?: string;
}

/**
 * The API server's answer was not 2xx, or there was none (`code` 0).
 * `message` is the server's own sentence: never headers, never a request body, so that it may be logged.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: number;
  readonly reason: string;
  readonly retryAfterSeconds: number | undefined;
  readonly causes: readonly StatusCause[];
  readonly auditID: string | undefined;

  constructor(status: ApiStatus, options?: ErrorOptions) {
    super(status.message, options);
    this.code = status.code;
    this.reason = status.reason;
    this.retryAfterSeconds = status.retryAfterSeconds;
    this.causes = status.causes ?? [];
    this.auditID = status.auditID;
  }

  hasCause(reason: string): boolean {
    return this.causes.some((cause) => cause.reason === reason);
  }
}

/** What no retry can mend: the work queue reports it and waits for the object to change. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}

/** Worth trying again, later and later, but with a look within a certain time however often that has failed. */
export class RetryError extends Error {
  override readonly name = 'RetryError';

  constructor(
    message: string,
    /** The most that the next look waits, in milliseconds. */
    readonly requeueAfterMs: number | undefined,
  ) {
    super(message);
  }
}

export function isApiError(error: unknown, ...codes: number[]): error is ApiError {
  return error instanceof ApiError && (codes.length === 0 || codes.includes(error.code));
}

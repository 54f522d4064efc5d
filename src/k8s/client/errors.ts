import { truncate } from '../util/text.js';
/** Why the API server refused a single field or object: `details.causes[]` of a metav1.Status. */
export interface StatusCause {
  reason?: string;
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
  retryAfterSeconds?: number | undefined;
  causes?: StatusCause[];
  /** The `Audit-Id` header: finds the request in the API server's audit log. */
  auditID?: string | undefined;
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

/** No answer that can be used came; `cause` is left out where there is nothing more to know. */
export function noAnswer(message: string, cause?: unknown): ApiError {
  return new ApiError({ code: 0, reason: '', message }, cause === undefined ? undefined : { cause });
}

/** Worth trying again, later and later, but with a look within a certain time however often that has failed. */
export class RetryError extends Error {
  override readonly name = 'RetryError';

  /** @param requeueAfterMs The most that the next look waits. */
  constructor(
    message: string,
    readonly requeueAfterMs: number,
  ) {
    super(message);
  }
}

export function isApiError(error: unknown, ...codes: number[]): error is ApiError {
  return error instanceof ApiError && (codes.length === 0 || codes.includes(error.code));
}

/** No answer, and those of a gateway that does not reach the API server either. */
export const UNANSWERED_CODES: readonly number[] = [0, 502, 503, 504];

/** The API server itself said nothing. */
export function isUnanswered(error: unknown): boolean {
  return isApiError(error, ...UNANSWERED_CODES);
}

/** The API server decided against a request by what is in it: it is no fault of its own, no conflict, and nothing is missing. */
export function isRefusal(error: unknown): error is ApiError {
  return isApiError(error, 400, 403, 413, 422);
}

/** For `catch`: undefined where the API server answers with one of these codes, which say that there is nothing. */
export function undefinedAt(...codes: number[]): (error: unknown) => undefined {
  return (error) => {
    if (!isApiError(error, ...codes)) throw error;
  };
}

/** A metav1.Status as somebody sent it. */
interface StatusBody extends Partial<Record<'kind' | 'code' | 'reason' | 'message', unknown>> {
  details?: { retryAfterSeconds?: unknown; causes?: unknown } | null;
}

/** What is known of an answer that was no success. */
export interface FailedAnswer {
  code: number;
  /** `GET /api/v1/namespaces`: named where the server has no sentence of its own. */
  what: string;
  text: string;
  retryAfter?: string | undefined;
  auditID?: string | undefined;
}

/** Longest text of a proxy or an aggregated API server that is worth a log line. */
const EXCERPT_LENGTH = 200;

/** Far more than a sentence of the API server's; an ERROR event of a watch may hold megabytes. */
const MAX_MESSAGE_BYTES = 16 * 1024;

/** Makes the error of an answer: a metav1.Status says all of it, anything else is cut to one clean line. */
export function answerError(answer: FailedAnswer): ApiError {
  const excerpt = oneLine(answer.text);
  const foreign = excerpt === '' ? {} : { message: `${answer.what}: HTTP ${answer.code}: ${excerpt}` };
  return statusError(parseStatus(answer.text) ?? foreign, answer);
}

/** The error that a metav1.Status tells: the body of an answer, or the object of a watch's ERROR event. */
export function statusError(body: unknown, answer: Omit<FailedAnswer, 'text'>): ApiError {
  const status = (typeof body === 'object' && body !== null ? body : {}) as StatusBody;
  const code = typeof status.code === 'number' && status.code > 0 ? status.code : answer.code;
  const reason = typeof status.reason === 'string' ? status.reason : '';
  const message = typeof status.message === 'string' ? truncate(status.message, MAX_MESSAGE_BYTES) : '';
  const seconds = status.details?.retryAfterSeconds;
  const causes = Array.isArray(status.details?.causes)
    ? (status.details.causes as (StatusCause | null)[])
    : [];
  return new ApiError({
    code,
    reason,
    message: message === '' ? `${answer.what}: HTTP ${code}${reason === '' ? '' : ` ${reason}`}` : message,
    causes: causes.filter((cause) => cause !== null && typeof cause === 'object'),
    retryAfterSeconds:
      headerSeconds(answer.retryAfter) ?? (typeof seconds === 'number' && seconds > 0 ? seconds : undefined),
    auditID: answer.auditID,
  });
}

/** The short cause of a request that got no answer: `ECONNREFUSED`, a TLS code, or a one-line message. */
export function failureCause(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return failureCause(error.errors[0]);
  if (!(error instanceof Error)) return oneLine(String(error));
  const { code } = error as NodeJS.ErrnoException;
  // undici's own codes say less than its messages ("other side closed"); the system's and OpenSSL's say it best.
  if (typeof code === 'string' && !code.startsWith('UND_ERR')) return code;
  if (error.cause instanceof Error && error.message === '') return failureCause(error.cause);
  return oneLine(error.message) || error.name;
}

function parseStatus(text: string): StatusBody | undefined {
  try {
    const body = JSON.parse(text) as StatusBody | null;
    return typeof body === 'object' && body?.kind === 'Status' ? body : undefined;
  } catch {
    return undefined;
  }
}

/** The API server sends whole seconds; the date form is a proxy's and is not worth a clock comparison. */
function headerSeconds(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}

/** Cut before anything is matched: a proxy's page may be long, and the head of one tells what it is. */
function oneLine(text: string): string {
  const head = text.slice(0, 20 * EXCERPT_LENGTH);
  const tagless = head.replace(/<[^<>]*>/g, ' ');
  const clean = tagless.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim();
  return clean.length > EXCERPT_LENGTH ? `${clean.slice(0, EXCERPT_LENGTH)}…` : clean;
}

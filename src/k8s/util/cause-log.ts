import { ApiError } from '../client/errors.js';

/** What this runtime logs to; `fields` are structured, never secret. */
export interface RuntimeLog {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  debug(message: string, fields?: Record<string, unknown>): void;
}

/** Logs a failure that is retried for ever: when it begins, for every other cause, when it is over; retries at debug. */
export class CauseLog {
  readonly #log: RuntimeLog;
  readonly #fields: Record<string, unknown>;
  #cause: string | undefined;

  constructor(log: RuntimeLog, fields: Record<string, unknown>) {
    this.#log = log;
    this.#fields = fields;
  }

  failed(message: string, error: unknown): void {
    const cause = causeOf(error);
    const fields =
      error instanceof ApiError ? { ...this.#fields, code: error.code, reason: error.reason } : this.#fields;
    if (cause === this.#cause) this.#log.debug(message, fields);
    else this.#log.warn(message, fields);
    this.#cause = cause;
  }

  /** Does nothing unless something had failed. */
  recovered(message: string): void {
    if (this.#cause !== undefined) this.#log.info(message, this.#fields);
    this.#cause = undefined;
  }
}

/** A server's sentence may hold a name or a time that differs at every try; its code and reason do not. */
function causeOf(error: unknown): string {
  if (error instanceof ApiError && error.code > 0) return `${error.code} ${error.reason}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

import { ApiError } from '../client/errors.js';

/** What this runtime logs to; `fields` are structured, never secret. */
export interface RuntimeLog {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  debug(message: string, fields?: Record<string, unknown>): void;
}

/**
 * Tells of a failure that is retried for ever: once when it begins, once for every other cause, once when it is over.
 * Retries in between go to the debug log.
 */
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
    if (cause === this.#cause) {
      this.#log.debug(message, fields);
      return;
    }
    this.#cause = cause;
    this.#log.warn(message, fields);
  }

  /** Does nothing unless something had failed. */
  recovered(message: string): void {
    if (this.#cause !== undefined) {
      this.#cause = undefined;
      this.#log.info(message, this.#fields);
    }
  }
}

/** A server's sentence may hold a name or a time that differs at every try; its code and reason do not. */
function causeOf(error: unknown): string {
  if (error instanceof ApiError && error.code > 0) return `${error.code} ${error.reason}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

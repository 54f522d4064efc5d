import type { Dispatcher } from 'undici';

import { abortable, deadline } from '../util/async.js';
import { queryString } from './api-path.js';
import { systemClock } from '../util/clock.js';
import { answerError, ApiError, failureCause, isApiError, noAnswer } from './errors.js';
import { readLines, readBounded, parseEvent } from './response-body.js';
import type { KubernetesObject, WatchEvent } from './objects.js';
import type { Reachability } from './reachability.js';
import type { ApiRequest, ApiResponse, RestClientOptions, WatchRequest } from './rest-types.js';
import type { ConnectionUse } from './transport.js';

/** The part of the client that sends single requests: what most of this runtime asks for. */
export type Requester = Pick<RestClient, 'request'>;
/** The part of the client that lists and watches. */
export type Watcher = Pick<RestClient, 'request' | 'watch'> & Partial<Pick<RestClient, 'reachability'>>;

const DEFAULT_TIMEOUT_MS = 30_000;
/** Tries for one request, the first one included. */
const MAX_TRIES = 5;
/** Tries of a GET when the connection fails: a stale connection is found out by the first. */
const MAX_CONNECTION_TRIES = 3;
/** A page of 500 objects at etcd's limit of 1.5 MiB would be more; real ones are far below. */
const MAX_LIST_BYTES = 256 * 1024 * 1024;
const MAX_ERROR_BYTES = 256 * 1024;
/** Of an answer, or an event, with one object: etcd's limit is 1.5 MiB, JSON escapes make six times that of control characters. */
export const MAX_OBJECT_BYTES = 16 * 1024 * 1024;
/** A watch is accepted before its first event: a longer wait means a dead connection, or that there was none for it. */
const WATCH_OPENING_MS = 30_000;

/**
 * Requests and watches under one identity, on connections that it shares with others.
 * It sends no `Authorization` but what its `authorize` gives.
 */
export class RestClient {
  readonly reachability: Reachability | undefined;
  readonly #options: RestClientOptions & Required<Pick<RestClientOptions, 'clock' | 'random'>>;
  readonly #origin: string;
  readonly #host: string;
  /** Path of the server's URL, '' for most. */
  readonly #root: string;

  constructor(options: RestClientOptions) {
    this.#options = { clock: systemClock, random: Math.random, ...options };
    this.reachability = options.reachability;
    const url = new URL(options.server);
    this.#origin = url.origin;
    this.#host = url.host;
    this.#root = url.pathname.replace(/(?<!\/)\/+$/, '');
  }

  /**
   * Sends one request and gives its parsed body. Waits and tries again (5 times at most, within `timeoutMs`) where the server
   * says when to come back: 429 for every method, because it was not processed; 5xx for GET. A GET is also tried again
   * when the connection fails.
   * @throws ApiError for every answer that is not 2xx, and with code 0 where there was none; the signal's reason when it aborts;
   *   whatever `authorize` throws.
   */
  async request<T>(request: ApiRequest): Promise<ApiResponse<T>> {
    const timeoutMs = request.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const until = this.#options.clock.now() + timeoutMs;
    const limit = this.#deadline(request, timeoutMs);
    try {
      for (let tries = 1; ; tries++) {
        try {
          return await this.#try<T>(request, timeoutMs, limit.signal);
        } catch (error) {
          const delay = limit.signal.aborted ? undefined : this.#retryDelay(request, tries, error);
          if (delay === undefined || this.#options.clock.now() + delay >= until) throw error;
          await this.#options.clock.sleep(delay, limit.signal);
        }
      }
    } finally {
      limit.clear();
    }
  }

  /**
   * Yields the events of one watch until the server ends it; bookmarks included. Leaving the loop ends the watch.
   * @throws ApiError when the watch is refused, breaks off (code 0), or is ended by an ERROR event (410 `Expired`: list anew);
   *   the signal's reason when it aborts.
   */
  async *watch<T extends KubernetesObject>(
    request: WatchRequest,
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const what = `watch of ${request.path}`;
    const { openingMs = WATCH_OPENING_MS } = request;
    const opening = { ...request, method: 'GET', query: { ...request.query, watch: true } } as const;
    const limit = this.#deadline(opening, openingMs);
    try {
      const response = await this.#send(opening, 'watch', openingMs, limit.signal);
      try {
        if (response.statusCode !== 200) throw await this.#refusal(what, response, limit.signal);
        limit.lift();
        request.onOpen?.();
        for await (const line of readLines(response.body, MAX_OBJECT_BYTES)) {
          yield parseEvent<T>(line, what);
        }
      } catch (error) {
        request.signal.throwIfAborted();
        throw this.#brokenOff(what, error);
      } finally {
        response.body.destroy();
      }
    } finally {
      limit.clear();
    }
  }

  async #try<T>(request: ApiRequest, timeoutMs: number, signal: AbortSignal): Promise<ApiResponse<T>> {
    const what = `${request.method} ${request.path}`;
    const use = request.body === undefined ? 'read' : 'write';
    // Below the deadline, so that undici itself notices a connection that has died and replaces it.
    const response = await this.#send(request, use, Math.ceil(timeoutMs * 0.8), signal);
    if (response.statusCode < 200 || response.statusCode > 299) {
      throw await this.#refusal(what, response, signal);
    }
    const { maxBytes = MAX_LIST_BYTES, read = parseJson } = request;
    // An HTTP/2 stream whose connection was reset may neither end nor heed a signal: docs/design/0008-http-versions.md.
    const answer = await abortable(readBounded(response.body, maxBytes), signal).catch((error: unknown) => {
      response.body.destroy();
      signal.throwIfAborted();
      throw this.#brokenOff(what, error);
    });
    return {
      body: this.#parsed(what, () => read(answer)) as T,
      bytes: answer.length,
      code: response.statusCode,
      auditID: header(response, 'audit-id'),
    };
  }

  async #send(
    request: ApiRequest,
    use: ConnectionUse,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const rejected = await this.#authorization(request, signal);
    const response = await this.#dispatch(request, use, timeoutMs, rejected, signal);
    if (response.statusCode !== 401) return response;
    const isRenewed = await this.#options.renew?.(rejected, signal).catch(() => false);
    signal.throwIfAborted();
    if (isRenewed !== true) return response;
    response.body.dump().catch(() => undefined);
    return this.#dispatch(request, use, timeoutMs, await this.#authorization(request, signal), signal);
  }

  async #dispatch(
    request: ApiRequest,
    use: ConnectionUse,
    timeoutMs: number,
    authorization: string | undefined,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const { method, body } = request;
    const started = performance.now();
    let code = '<error>';
    try {
      const sending = this.#options.dispatcher(use).request({
        signal,
        headersTimeout: timeoutMs,
        bodyTimeout: use === 'watch' ? 0 : timeoutMs,
        origin: this.#origin,
        path: `${this.#root}${request.path}${queryString(request.query)}`,
        method,
        headers: {
          accept: request.accept ?? 'application/json',
          'user-agent': request.userAgent ?? this.#options.userAgent,
          ...(authorization !== undefined && { authorization }),
          ...(body !== undefined && {
            'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
          }),
        },
        body: typeof body === 'function' ? (body as () => Buffer)() : JSON.stringify(body),
      });
      sending.then(
        ({ body: answer }) => {
          // Whoever reads it hears of an error all the same; an answer that nobody waits for any more has no reader.
          answer.on('error', () => undefined);
          if (request.signal?.aborted === true) answer.destroy();
        },
        () => undefined,
      );
      // undici heeds no signal while a request waits for a connection: docs/design/0008-http-versions.md.
      const response = await abortable(sending, signal);
      code = String(response.statusCode);
      this.reachability?.observe(response.statusCode);
      return response;
    } catch (error) {
      // Of two reasons to abort one is a deadline, which has passed without an answer.
      const reason: unknown = signal.aborted
        ? signal.reason
        : noAnswer(`cannot reach ${this.#origin}: ${failureCause(error)}`, error);
      if (isApiError(reason, 0)) this.reachability?.observe(0);
      throw reason;
    } finally {
      const seconds = (performance.now() - started) / 1000;
      this.#options.observer?.observe({ method, host: this.#host, code, seconds });
    }
  }

  async #authorization({ method, path }: ApiRequest, signal: AbortSignal): Promise<string | undefined> {
    const authorization = await this.#options.authorize(signal);
    signal.throwIfAborted();
    // A scheme without credentials would be no identity either.
    if (this.#options.requireAuthorization && !/^\S+ +\S/.test(authorization ?? '')) {
      throw new Error(`${method} ${path} was not sent: this client acts by a token only, and has none`);
    }
    return authorization;
  }

  async #refusal(what: string, response: Dispatcher.ResponseData, signal: AbortSignal): Promise<ApiError> {
    // The answer is known by its code: what cannot be read of its body is left out.
    const text = await abortable(readBounded(response.body, MAX_ERROR_BYTES), signal).then(String, () => {
      response.body.destroy();
      return '';
    });
    return answerError({
      code: response.statusCode,
      what,
      text,
      retryAfter: header(response, 'retry-after'),
      auditID: header(response, 'audit-id'),
    });
  }

  #parsed(what: string, parse: () => unknown): unknown {
    try {
      return parse();
    } catch {
      throw noAnswer(`${what}: ${this.#origin} answered with something other than JSON`);
    }
  }

  #brokenOff(what: string, error: unknown): Error {
    if (error instanceof ApiError) return error;
    return noAnswer(`${what} broke off: ${failureCause(error)}`, error);
  }

  /** Milliseconds until the next try; undefined where another one makes no sense. */
  #retryDelay({ method, waits = true }: ApiRequest, tries: number, error: unknown): number | undefined {
    if (!(error instanceof ApiError)) return undefined;
    if (error.code === 0) {
      return method === 'GET' && tries < MAX_CONNECTION_TRIES
        ? 100 * 2 ** (tries - 1) * (1 + this.#options.random())
        : undefined;
    }
    const mayRepeat = error.code === 429 || (error.code >= 500 && method === 'GET');
    if (!waits || !mayRepeat || error.retryAfterSeconds === undefined || tries >= MAX_TRIES) return undefined;
    // Never earlier than asked for, and not all at the same moment.
    return Math.max(error.retryAfterSeconds, 0.1) * 1000 * (1 + 0.3 * this.#options.random());
  }

  #deadline({ method, path, signal }: ApiRequest, timeoutMs: number) {
    return deadline(signal, timeoutMs, () =>
      noAnswer(`${method} ${path}: no answer from ${this.#origin} within ${timeoutMs / 1000} s`),
    );
  }
}

function parseJson(body: Buffer): unknown {
  return body.length === 0 ? undefined : JSON.parse(String(body));
}

function header(response: Dispatcher.ResponseData, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

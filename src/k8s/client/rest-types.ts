import type { Dispatcher } from 'undici';

import type { Query } from './api-path.js';
import type { Clock } from '../util/clock.js';
import type { ConnectionUse } from './transport.js';
import type { Reachability } from './reachability.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface ApiRequest {
  method: Method;
  /** From {@link apiPath}, without a query. */
  path: string;
  query?: Query | undefined;
  /** Sent as JSON, or a function that gives the JSON once it is sent; that of a PATCH is a merge patch. */
  body?: unknown;
  accept?: string | undefined;
  /** Makes of the body of an answer what is given back. Default: parsed JSON, undefined where it is empty. */
  read?: ((body: Buffer) => unknown) | undefined;
  /** Instead of the client's own: the API server's audit log records it. */
  userAgent?: string | undefined;
  signal?: AbortSignal | undefined;
  /** For all tries together, waits between them included. Default: 30,000. */
  timeoutMs?: number;
  /** False: an answer that says when to come back is the caller's to heed, and no wait happens in here. Default: true. */
  waits?: boolean;
  /** The most that the answer may have, in bytes. Default: 256 MiB, for pages of a list. */
  maxBytes?: number;
}

/** `watch=true` is added to the query. */
export interface WatchRequest extends Pick<ApiRequest, 'path' | 'query' | 'accept' | 'userAgent'> {
  signal: AbortSignal;
  /** How long the API server may take to accept the watch, in milliseconds. Default: 30,000. */
  openingMs?: number;
  /** Called once, when the API server has accepted the watch, before any event. */
  onOpen?: (() => void) | undefined;
}

export interface ApiResponse<T> {
  body: T;
  /** Length of the body as it came. */
  bytes?: number;
  code: number;
  /** The `Audit-Id` header: finds the request in the API server's audit log. */
  auditID: string | undefined;
}

export interface RequestObserver {
  /** Told of every try, and of watches when they are accepted or refused. `code` is the HTTP status code, or `<error>` where there was no answer, as in client-go. */
  observe(request: { method: string; host: string; code: string; seconds: number }): void;
}

export interface RestClientOptions {
  /** The API server's URL without a trailing slash; may have a path, as behind Rancher. */
  server: string;
  dispatcher: (use: ConnectionUse) => Dispatcher;
  /** The `Authorization` header, asked for before every try; undefined where the client certificate is the identity. */
  authorize: (signal?: AbortSignal) => Promise<string | undefined>;
  /**
   * Called at a 401 with the header that was sent: true where `authorize` or the connections have another identity by now. The
   * request is then sent once more. What it throws counts as false.
   */
  renew?: (rejected: string | undefined, signal: AbortSignal) => Promise<boolean>;
  userAgent: string;
  /** For a client that acts for somebody else: without a token nothing is sent. */
  requireAuthorization?: boolean;
  observer?: RequestObserver | undefined;
  /** Shared by all clients of one API server, and told of each answer. */
  reachability?: Reachability | undefined;
  clock?: Clock;
  random?: () => number;
}

import { once } from 'node:events';
import type { Server, IncomingMessage, OutgoingHttpHeaders as HttpHeaders, ServerResponse } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { count } from '../../k8s/util/fair-list.js';
import type { Metrics } from '../metrics/metrics.js';

export interface BindAddress {
  /** Left out: every address of the machine, IPv6 and IPv4. */
  host?: string;
  /** 0: any free port. */
  port: number;
}

/** The flag's own spelling, for messages. */
export function formatBindAddress({ host = '', port }: BindAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** A server of ours cannot listen: the operator does not start. The message is one line that names the flag. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** Small, read-only endpoints: what takes longer or sends more than this is not a client of theirs. */
export const SERVER_LIMITS = {
  headersTimeout: 5000,
  requestTimeout: 5000,
  keepAliveTimeout: 1000,
  connectionsCheckingInterval: 1000,
  maxHeaderSize: 16 * 1024,
} as const;

/** Idle connections are cheap, about 50 kB each with TLS; what must never happen is that one more is refused. */
const MAX_CONNECTIONS = 512;
const MAX_CONNECTIONS_PER_ADDRESS = 256;
/** A connection that moves no byte for so long is dropped: a client that does not read its answer. */
const IDLE_TIMEOUT_MS = 10_000;

interface ListenerOptions extends Pick<Metrics, 'rejected'> {
  name: 'health' | 'metrics';
  /** For messages. */
  flag: string;
}

/**
 * One HTTP or HTTPS server from its start to its end. A new connection is always accepted: beyond a limit, the oldest one of
 * the address that has most is closed for it. Each serves one request, so the oldest is the idlest.
 */
export class HttpListener {
  readonly #server: Server | SecureServer;
  readonly #options: ListenerOptions;
  /** With their addresses. Those in the middle of a TLS handshake as well, which the server's own list leaves out. */
  readonly #sockets = new Map<Socket, string>();

  constructor(server: Server | SecureServer, options: ListenerOptions) {
    this.#server = server;
    this.#options = options;
    // With it, each answer says `connection: close`, and Node.js refuses what was sent behind its request.
    server.maxRequestsPerSocket = 1;
    server.setTimeout(IDLE_TIMEOUT_MS);
    server.on('connection', (socket: Socket) => {
      this.#sockets.set(socket, socket.remoteAddress ?? '');
      socket.once('close', () => this.#sockets.delete(socket));
      this.#makeRoom();
    });
  }

  #makeRoom(): void {
    const counts = new Map<string, number>();
    for (const address of this.#sockets.values()) count(counts, address, 1);
    const most = Math.max(...counts.values());
    if (most <= MAX_CONNECTIONS_PER_ADDRESS && this.#sockets.size <= MAX_CONNECTIONS) return;
    const oldest = [...this.#sockets].find(([, address]) => counts.get(address) === most)?.[0];
    if (oldest === undefined) return;
    // At once: many may be accepted before the first of them reports that it is closed.
    this.#sockets.delete(oldest);
    oldest.destroy();
    this.#options.rejected.inc({ server: this.#options.name, reason: 'evicted' });
  }

  /**
   * @returns where it listens, with the port that was found for port 0
   * @throws ListenError
   */
  async start(address: BindAddress): Promise<AddressInfo> {
    this.#server.listen({ ...address });
    try {
      await once(this.#server, 'listening');
    } catch (error) {
      const place = `the ${this.#options.name} server cannot listen on ${formatBindAddress(address)}`;
      const hint = `give another address with ${this.#options.flag}, or 0 to turn it off`;
      const { code = '', message } = error as NodeJS.ErrnoException;
      throw new ListenError(`${place}: ${CAUSES[code] ?? message}; ${hint}`, { cause: error });
    }
    // Later errors (out of file descriptors on accept) concern one connection; clients try again.
    this.#server.on('error', () => undefined);
    return this.#server.address() as AddressInfo;
  }

  /** Ends at once: whoever is connected is cut off. Does nothing where it does not listen. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets.keys()) socket.destroy();
    await closed;
  }
}

const CAUSES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is in use',
  EACCES: 'ports below 1024 need more rights',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'this machine has no such address',
};

/** Ends a request; a HEAD gets the headers alone. A string is plain text and gets its last line break here. */
export function answer(
  response: ServerResponse,
  code: number,
  body: string | Buffer,
  headers: HttpHeaders = {},
): void {
  if (response.destroyed || response.headersSent) return;
  const content = Buffer.from(typeof body === 'string' ? `${body}\n` : body);
  response.writeHead(code, {
    'content-length': content.byteLength,
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(response.req.method === 'HEAD' ? undefined : content);
}

/** Answers requests that read one of these paths, and refuses all others. */
export function route(
  paths: Readonly<Record<string, (response: ServerResponse, url: URL) => void>>,
): (request: IncomingMessage, response: ServerResponse) => void {
  return ({ method = '', url: target = '' }, response) => {
    const url = URL.parse(target, 'http://host');
    const serve = url && new Map(Object.entries(paths)).get(url.pathname);
    if (!['GET', 'HEAD'].includes(method)) answer(response, 405, 'only GET and HEAD', { allow: 'GET, HEAD' });
    else if (serve) serve(response, url);
    else answer(response, 404, `not found: there is ${Object.keys(paths).join(', ')}`);
  };
}

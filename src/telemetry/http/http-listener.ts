import { once } from 'node:events';
import type { Server, IncomingMessage, OutgoingHttpHeaders as HttpHeaders, ServerResponse } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

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
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 90_000,
  connectionsCheckingInterval: 5000,
  maxHeaderSize: 16 * 1024,
} as const;

const MAX_CONNECTIONS = 128;
/** A connection that moves no byte for so long is dropped: longer than any scrape interval that keeps one open. */
const IDLE_TIMEOUT_MS = 120_000;

/** One HTTP or HTTPS server from its start to its end. */
export class HttpListener {
  readonly #server: Server | SecureServer;
  readonly #names: { what: string; flag: string };
  /** Those in the middle of a TLS handshake as well, which the server's own list leaves out. */
  readonly #sockets = new Set<Socket>();

  /** `what` and `flag` are for messages: `the metrics server`, `--metrics-bind-address`. */
  constructor(server: Server | SecureServer, names: { what: string; flag: string }) {
    this.#server = server;
    this.#names = names;
    server.maxConnections = MAX_CONNECTIONS;
    server.setTimeout(IDLE_TIMEOUT_MS);
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
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
      const place = `${this.#names.what} cannot listen on ${formatBindAddress(address)}`;
      const hint = `give another address with ${this.#names.flag}, or 0 to turn it off`;
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
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

const CAUSES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is in use',
  EACCES: 'ports below 1024 need more rights',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'this machine has no such address',
};

/** Ends a request with plain text (one line unless `body` has several); a HEAD gets the headers alone. */
export function answerText(
  response: ServerResponse,
  code: number,
  body: string,
  headers: HttpHeaders = {},
): void {
  const contentType = { 'content-type': 'text/plain; charset=utf-8' };
  answer(response, code, Buffer.from(`${body}\n`), { ...contentType, ...headers });
}

export function answer(response: ServerResponse, code: number, body: Buffer, headers: HttpHeaders): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(code, {
    'content-length': body.byteLength,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/**
 * The request's path, for the reading methods; undefined where another one was refused here. A body is not for us:
 * the connection ends rather than that somebody reads it.
 */
export function readablePath(request: IncomingMessage, response: ServerResponse): URL | undefined {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    answerText(response, 405, 'only GET and HEAD', { allow: 'GET, HEAD', connection: 'close' });
    return undefined;
  }
  const url = URL.parse(request.url ?? '', 'http://host');
  if (url === null) answerText(response, 400, 'no such address', { connection: 'close' });
  return url ?? undefined;
}

import { TLSSocket } from 'node:tls';
import { Agent, buildConnector, type Dispatcher, Pool, ProxyAgent } from 'undici';
import type { Socket } from 'node:net';
import type { ClusterConnection, ClusterTls } from '../config/cluster-connection.js';
import { abortable, deadline } from '../util/async.js';

/** `operator` connections carry the operator's client certificate, `bearer` ones never do. */
export type ConnectionKind = 'operator' | 'bearer';
/** `write` is for requests with a body, `read` for those without. */
export type ConnectionUse = 'read' | 'write' | 'watch';

export interface TransportOptions {
  /** Default true; false for a proxy in between that cannot do it. Each watch then takes a connection of its own. Never for `write`. */
  allowH2?: boolean;
  /** Period of HTTP/2 pings. Default: 15,000. */
  pingIntervalMs?: number;
  /** A connection that answers no pings for so long is given up. Default: 45,000, as client-go's 30 s + 15 s. */
  silenceMs?: number;
  /** Connections for writes, one request each at a time: as many as may be under way. Default, and least: 32. */
  writeConnections?: number;
}

const DEFAULTS = { allowH2: true, pingIntervalMs: 15_000, silenceMs: 45_000, writeConnections: 0 };
/** kube-apiserver allows 100 streams for a connection; one more hangs without a word. */
const STREAMS_PER_CONNECTION = 90;
/** The least for writes; null: as many as it takes. The bound of reads matters where HTTP/2 is not to be had. */
const CONNECTIONS = { read: 16, write: 32, watch: null } as const;
/** A write on a connection that has died unseen is not repeated: they are not kept for long. */
const WRITE_KEEP_ALIVE_MS = 20_000;
/** How long a connection may take to end in order. An HTTP/2 stream that was aborted a moment ago is still on its way out. */
const CLOSE_MS = 250;
/** How long a connection may take to open, and a proxy to answer that a tunnel is there. */
const CONNECT_MS = 10_000;
/** How often at most files of certificates are read again. */
const REFRESH_PERIOD_MS = 1000;

/**
 * The connections to one API server, in six pools: see docs/design/0007-connection-pools.md, and for the versions of HTTP
 * 0008-http-versions.md. Pools share no TLS sessions, which carry an identity when they are resumed.
 */
export class Transport {
  readonly #connection: ClusterConnection;
  readonly #options: Required<TransportOptions>;
  readonly #pools = new Map<string, Dispatcher>();
  /** Pools with certificates of before: they get no request any more, and end with those that they have. */
  readonly #retired = new Set<Dispatcher>();
  #tls: ClusterTls;
  #refreshedAt = -Infinity;
  #refreshing = Promise.resolve(false);
  #closed = false;

  constructor(connection: ClusterConnection, options: TransportOptions = {}) {
    this.#connection = connection;
    this.#tls = connection.tls;
    this.#options = { ...DEFAULTS, ...options };
  }

  /** The same one for the same arguments; opens nothing before its first request. */
  dispatcher(kind: ConnectionKind, use: ConnectionUse): Dispatcher {
    if (this.#closed) throw new Error('the transport is closed');
    const name = `${kind}/${use}`;
    const pool = this.#pools.get(name) ?? this.#open(kind, use);
    this.#pools.set(name, pool);
    return pool;
  }

  /**
   * Takes over certificates that were replaced in their files: new requests go over new connections. Done by itself when
   * a connection fails; to be called when the API server does not know a client certificate any more.
   * @returns whether there were others, now or within the last second.
   */
  refresh(): Promise<boolean> {
    const now = performance.now();
    if (now - this.#refreshedAt >= REFRESH_PERIOD_MS) {
      this.#refreshedAt = now;
      this.#refreshing = this.#refresh();
    }
    return this.#refreshing;
  }

  async #refresh(): Promise<boolean> {
    const found = await this.#connection.readTls?.();
    if (found === undefined || this.#closed || isSameTls(found, this.#tls)) return false;
    this.#tls = found;
    for (const pool of this.#pools.values()) {
      this.#retired.add(pool);
      const forget = (): boolean => this.#retired.delete(pool);
      pool.close().then(forget, forget);
    }
    this.#pools.clear();
    return true;
  }

  /** Lets what is just ending end, then ends all connections and whatever still runs on them. */
  async close(): Promise<void> {
    this.#closed = true;
    const pools = [...this.#pools.values(), ...this.#retired];
    this.#pools.clear();
    const grace = deadline(undefined, CLOSE_MS);
    const closing = Promise.allSettled(pools.map((pool) => pool.close()));
    await abortable(closing, grace.signal).catch(() => undefined);
    grace.clear();
    await Promise.allSettled(pools.map((pool) => pool.destroy()));
  }

  #open(kind: ConnectionKind, use: ConnectionUse): Dispatcher {
    const { pingIntervalMs, writeConnections } = this.#options;
    const allowH2 = this.#options.allowH2 && use !== 'write';
    const pool: Agent.Options = {
      allowH2,
      h2Options: { maxConcurrentStreams: STREAMS_PER_CONNECTION, pingInterval: pingIntervalMs },
      connections: use === 'write' ? Math.max(writeConnections, CONNECTIONS.write) : CONNECTIONS[use],
      keepAliveTimeout: use === 'write' ? WRITE_KEEP_ALIVE_MS : 60_000,
      ...(use === 'watch' ? { bodyTimeout: 0 } : {}),
    };
    const { proxy } = this.#connection;
    const { cert, key, ...server } = this.#tls;
    const identity = kind === 'operator' && cert !== undefined && key !== undefined ? { cert, key } : {};
    const connect = { ...server, ...identity, allowH2, timeout: CONNECT_MS, keepAliveInitialDelay: 30_000 };
    if (proxy === undefined) return new Agent({ ...pool, connect: this.#guarded(buildConnector(connect)) });
    return new ProxyAgent({
      ...pool,
      uri: proxy,
      requestTls: connect,
      // Tunnels that share a connection to the proxy would go silent with it, and new ones be opened on it all the same.
      ...(proxy.startsWith('https:') && { proxyTls: { allowH2: false } }),
      clientFactory: (origin, options) => new Pool(origin, { ...options, headersTimeout: CONNECT_MS }),
      factory: (origin, options) => {
        const { connect: tunnel, ...rest } = options as Pool.Options & { connect: buildConnector.connector };
        return new Pool(origin, { ...rest, connect: this.#guarded(tunnel) });
      },
    });
  }

  /** Of all connections to the API server, however they are made. */
  #guarded(connect: buildConnector.connector): buildConnector.connector {
    const { silenceMs } = this.#options;
    return (options, callback) => {
      connect(options, (...outcome) => {
        const [error, socket] = outcome;
        // It may be that the server's certificate is of another authority by now.
        if (error !== null) void this.refresh();
        // HTTP/1.1 has no pings: an idle connection is silent there, and that is all right.
        if (socket instanceof TLSSocket && socket.alpnProtocol === 'h2') endWhenSilent(socket, silenceMs);
        callback(...outcome);
      });
    };
  }
}

function isSameTls(one: ClusterTls, other: ClusterTls): boolean {
  const texts = ({ ca, cert, key }: ClusterTls): string[] => [ca, cert, key].map((pem) => String(pem));
  return texts(one).join() === texts(other).join();
}

/** Pings must come more often than `silenceMs`. A watch on a connection that a firewall forgot would wait for ever. */
function endWhenSilent(socket: Socket, silenceMs: number): void {
  let bytes = socket.bytesRead;
  let since = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    if (socket.bytesRead !== bytes) {
      bytes = socket.bytesRead;
      since = now;
    } else if (now - since > silenceMs) {
      const seconds = Math.round(silenceMs / 1000);
      socket.destroy(new Error(`nothing came from the API server for ${seconds} s`));
    }
  }, silenceMs / 4).unref();
  socket.once('close', () => clearInterval(timer));
}

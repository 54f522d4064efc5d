import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import { ServerResponse } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { expect } from 'chai';
import { generateCredentials } from '../../hack/control-plane/credentials.js';
import { eventually } from './eventually.js';

/** A request that came to the proxy. */
export interface ProxiedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly userAgent: string;
  readonly isWatch: boolean;
  /** When it came, in milliseconds since the epoch. */
  readonly at: number;
  /** True until it is answered, by the API server or by the proxy, or its client gives up. */
  pending: boolean;
}

/** What happens to a request instead of being passed on at once. */
export type Fault =
  /** It is passed on later. */
  | { delayMs: number }
  /** The API server never sees it. */
  | { status: number; retryAfterSeconds?: number }
  /** The API server never sees it, and its client gets no answer: it is held so long, then its stream is reset. */
  | { dropAfterMs: number }
  /** The first bytes of the answer are cut off in the middle, and the answer ends there; or are torn apart by a newline. */
  | { spoil: 'truncated' | 'malformed' };

interface Kubeconfig {
  clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
}

/** Pseudo-headers of HTTP/2, and the hop-by-hop headers of HTTP/1.1: a proxy does not pass them on. */
const HOP_BY_HOP = /^(:.*|connection|keep-alive|proxy-connection|transfer-encoding|upgrade|host)$/;

/**
 * An HTTPS server between an operator and the API server that speaks HTTP/2 and HTTP/1.1, passes everything on as it is,
 * tokens included. It can delay, drop and answer single requests, and spoil the answers to them.
 */
export class SlowProxy {
  /** Looked at when a request comes; undefined passes it on. */
  fault: (request: ProxiedRequest) => Fault | undefined = () => undefined;
  /** All that came, oldest first. */
  readonly requests: ProxiedRequest[] = [];
  /** Path of a kubeconfig that leads through this proxy. */
  readonly kubeconfig: string;
  readonly #directory: string;
  readonly #server: Http2SecureServer;
  readonly #upstream: { url: URL; agent: Agent };
  readonly #held = new Set<() => void>();
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();

  private constructor(directory: string, server: Http2SecureServer, upstream: { url: URL; agent: Agent }) {
    this.#directory = directory;
    this.kubeconfig = join(directory, 'kubeconfig');
    this.#server = server;
    this.#upstream = upstream;
  }

  /**
   * @param kubeconfig Path of one with a token, written as JSON, for the API server to pass on to.
   * @param localAddress Where its requests to the API server come from. Default: any
   */
  static async start(kubeconfig: string, localAddress?: string): Promise<SlowProxy> {
    const config = JSON.parse(await readFile(kubeconfig, 'utf8')) as Kubeconfig;
    const [{ cluster }] = config.clusters;
    const ca = Buffer.from(cluster['certificate-authority-data'], 'base64').toString();
    const upstream = {
      url: new URL(cluster.server),
      agent: new Agent({ ca, keepAlive: true, localAddress }),
    };
    const { authority, serving } = await generateCredentials();
    const server = createSecureServer({
      allowHTTP1: true,
      cert: serving.certificate,
      key: serving.privateKey,
    });
    const proxy = new SlowProxy(await mkdtemp(join(tmpdir(), 'config-weaver-proxy-')), server, upstream);
    server.on('request', (request, response) => proxy.#serve(request, response));
    server.on('session', (session) => {
      proxy.#sessions.add(session);
      session.on('close', () => proxy.#sessions.delete(session));
    });
    server.on('secureConnection', (socket: Socket) => {
      proxy.#sockets.add(socket);
      socket.on('close', () => proxy.#sockets.delete(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cluster.server = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    cluster['certificate-authority-data'] = Buffer.from(authority).toString('base64');
    await writeFile(proxy.kubeconfig, JSON.stringify(config), { mode: 0o600 });
    return proxy;
  }

  /** Those that are not answered. */
  get pending(): ProxiedRequest[] {
    return this.requests.filter(({ pending }) => pending);
  }

  /** Waits until some of these requests are in flight and their number is stable. @returns them */
  async busy(wanted: (request: ProxiedRequest) => boolean): Promise<ProxiedRequest[]> {
    let before = -1;
    return eventually(
      () => {
        const found = this.pending.filter(wanted);
        const last = before;
        before = found.length;
        expect(found, 'requests in flight').to.not.deep.equal([]);
        expect(found.length, 'their number, a moment later').to.equal(last);
        return found;
      },
      { intervalMs: 300 },
    );
  }

  /** Passes on, or drops, the requests that wait, and passes on all later ones at once. */
  release(): void {
    this.fault = () => undefined;
    for (const pass of this.#held) pass();
  }

  /**
   * Sends GOAWAY on all HTTP/2 connections, as a load balancer does that drains: streams that are open go on, new ones are
   * refused. @returns how many connections there are
   */
  goAway(): number {
    for (const session of this.#sessions) session.close();
    return this.#sessions.size;
  }

  /** Ends all connections, and shows new ones a certificate of another authority. @returns PEM of that authority */
  async replaceCertificate(): Promise<string> {
    const { authority, serving } = await generateCredentials();
    this.#server.setSecureContext({ cert: serving.certificate, key: serving.privateKey });
    for (const socket of this.#sockets) socket.destroy();
    return authority;
  }

  async close(): Promise<void> {
    this.release();
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#upstream.agent.destroy();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #serve(request: Http2ServerRequest, response: Http2ServerResponse): void {
    const url = new URL(request.url, this.#upstream.url);
    const record: ProxiedRequest = {
      method: request.method,
      path: url.pathname,
      userAgent: request.headers['user-agent'] ?? '',
      isWatch: url.searchParams.get('watch') === 'true',
      at: Date.now(),
      pending: true,
    };
    this.requests.push(record);
    response.on('error', () => undefined);
    response.once('close', () => (record.pending = false));
    const fault = this.fault(record);
    if (fault === undefined) this.#passOn(request, response);
    else if ('status' in fault) this.#answer(response, fault.status, fault.retryAfterSeconds);
    else if ('spoil' in fault) this.#passOn(request, response, fault.spoil);
    else if ('delayMs' in fault) this.#hold(fault.delayMs, response, () => this.#passOn(request, response));
    else this.#hold(fault.dropAfterMs, response, () => response.destroy());
  }

  #hold(milliseconds: number, response: Http2ServerResponse, then: () => void): void {
    const end = (): void => {
      clearTimeout(timer);
      this.#held.delete(pass);
      response.off('close', end);
    };
    const pass = (): void => {
      end();
      then();
    };
    const timer = setTimeout(pass, milliseconds);
    this.#held.add(pass);
    response.once('close', end);
  }

  #passOn(
    request: Http2ServerRequest,
    response: Http2ServerResponse,
    spoil?: 'truncated' | 'malformed',
  ): void {
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(([name]) => !HOP_BY_HOP.test(name)),
    );
    const { url, agent } = this.#upstream;
    const { hostname, port } = url;
    const outgoing = httpsRequest(
      { hostname, port, agent, headers, path: request.url, method: request.method },
      (answer) => {
        const passed = Object.entries(answer.headers).filter(([name]) => !HOP_BY_HOP.test(name));
        response.writeHead(answer.statusCode ?? 502, Object.fromEntries(passed));
        flushHead(response);
        answer.on('error', () => response.destroy());
        if (spoil === undefined) answer.pipe(response);
        else answer.pipe(spoiler(spoil)).pipe(response);
      },
    );
    outgoing.on('error', () => response.destroy());
    response.once('close', () => outgoing.destroy());
    request.pipe(outgoing);
  }

  #answer(response: Http2ServerResponse, code: number, retryAfterSeconds: number | undefined): void {
    response.writeHead(code, {
      'content-type': 'application/json',
      ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    });
    const reason = code === 429 ? 'TooManyRequests' : 'InternalError';
    response.end(
      JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, code, metadata: {} }),
    );
  }
}

function spoiler(how: 'truncated' | 'malformed'): Transform {
  let isFirst = true;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (isFirst) {
        isFirst = false;
        const middle = chunk.length >> 1;
        this.push(chunk.subarray(0, middle));
        if (how === 'truncated') this.push(null);
        else this.push(Buffer.concat([Buffer.from('\n'), chunk.subarray(middle)]));
      } else if (how === 'malformed') {
        this.push(chunk);
      }
      done();
    },
  });
}

/** A watch begins with its head alone; HTTP/2 does not wait for more. */
function flushHead(response: Http2ServerResponse | ServerResponse): void {
  if (response instanceof ServerResponse) response.flushHeaders();
}

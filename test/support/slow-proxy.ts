import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import { ServerResponse } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  /** True until it is answered, by the API server or by the proxy, or its client gives up. */
  pending: boolean;
}

/** What happens to a request instead of being passed on at once. */
export type Fault =
  /** It is passed on later. */
  | { delayMs: number }
  /** The API server never sees it. */
  | { status: number; retryAfterSeconds?: number };

interface Kubeconfig {
  clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
}

/** Pseudo-headers of HTTP/2, and the hop-by-hop headers of HTTP/1.1: a proxy does not pass them on. */
const HOP_BY_HOP = /^(:.*|connection|keep-alive|proxy-connection|transfer-encoding|upgrade|host)$/;

/**
 * An HTTPS server between an operator and the API server that speaks HTTP/2 and HTTP/1.1, passes everything on as it is,
 * tokens included. It can delay single requests, or answer them itself.
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

  private constructor(directory: string, server: Http2SecureServer, upstream: { url: URL; agent: Agent }) {
    this.#directory = directory;
    this.kubeconfig = join(directory, 'kubeconfig');
    this.#server = server;
    this.#upstream = upstream;
  }

  /** @param kubeconfig Path of one with a token, written as JSON, for the API server to pass on to. */
  static async start(kubeconfig: string): Promise<SlowProxy> {
    const config = JSON.parse(await readFile(kubeconfig, 'utf8')) as Kubeconfig;
    const [{ cluster }] = config.clusters;
    const ca = Buffer.from(cluster['certificate-authority-data'], 'base64').toString();
    const upstream = { url: new URL(cluster.server), agent: new Agent({ ca, keepAlive: true }) };
    const { authority, serving } = await generateCredentials();
    const server = createSecureServer({
      allowHTTP1: true,
      cert: serving.certificate,
      key: serving.privateKey,
    });
    const proxy = new SlowProxy(await mkdtemp(join(tmpdir(), 'config-weaver-proxy-')), server, upstream);
    server.on('request', (request, response) => proxy.#serve(request, response));
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

  /** Passes on the requests that wait, and all later ones at once. */
  release(): void {
    this.fault = () => undefined;
    for (const pass of this.#held) pass();
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
      pending: true,
    };
    this.requests.push(record);
    response.on('error', () => undefined);
    response.once('close', () => (record.pending = false));
    const fault = this.fault(record);
    if (fault === undefined) this.#passOn(request, response);
    else if ('status' in fault) this.#answer(response, fault.status, fault.retryAfterSeconds);
    else this.#hold(fault.delayMs, request, response);
  }

  #hold(delayMs: number, request: Http2ServerRequest, response: Http2ServerResponse): void {
    const end = (): void => {
      clearTimeout(timer);
      this.#held.delete(pass);
      response.off('close', end);
    };
    const pass = (): void => {
      end();
      this.#passOn(request, response);
    };
    const timer = setTimeout(pass, delayMs);
    this.#held.add(pass);
    response.once('close', end);
  }

  #passOn(request: Http2ServerRequest, response: Http2ServerResponse): void {
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
        answer.pipe(response);
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

/** A watch begins with its head alone; HTTP/2 does not wait for more. */
function flushHead(response: Http2ServerResponse | ServerResponse): void {
  if (response instanceof ServerResponse) response.flushHeaders();
}

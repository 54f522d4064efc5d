import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { connect, type AddressInfo, type Server } from 'node:net';
import type { Duplex } from 'node:stream';

import type { KeyPair } from '../../../hack/control-plane/credentials.js';

/** An HTTP or HTTPS proxy of tunnels, which can go silent without a word. */
export class ConnectProxy {
  readonly #server: Server;
  readonly #scheme: 'http' | 'https';
  readonly #tunnels = new Set<{ isSilent: boolean }>();
  readonly #inbound = new Set<Duplex>();
  /** Where the tunnels led, oldest first. */
  readonly targets: string[] = [];
  /** A request for a tunnel is not answered. */
  hangs = false;

  private constructor(serving: KeyPair | undefined) {
    this.#scheme = serving === undefined ? 'http' : 'https';
    // As proxies do that speak HTTP/2 as well: their clients choose.
    this.#server =
      serving === undefined
        ? createServer()
        : createSecureServer({ cert: serving.certificate, key: serving.privateKey, allowHTTP1: true });
    this.#server.on(
      'connect',
      (request: IncomingMessage | Http2ServerRequest, second: Duplex | Http2ServerResponse) => {
        if ('stream' in request) {
          const target = request.headers[':authority'] ?? '';
          this.#tunnel(target, request.stream, () => request.stream.respond({ ':status': 200 }));
        } else {
          const inbound = second as Duplex;
          this.#tunnel(request.url ?? '', inbound, () => inbound.write('HTTP/1.1 200 OK\r\n\r\n'));
        }
      },
    );
  }

  /** @param serving Of an HTTPS proxy. */
  static async start(serving?: KeyPair): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(serving);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The tunnels that are open now swallow every byte; new ones work. */
  silence(): void {
    for (const tunnel of this.#tunnels) tunnel.isSilent = true;
  }

  async close(): Promise<void> {
    for (const inbound of this.#inbound) inbound.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #tunnel(target: string, inbound: Duplex, accept: () => void): void {
    this.targets.push(target);
    this.#inbound.add(inbound);
    inbound.on('error', () => undefined);
    inbound.on('close', () => this.#inbound.delete(inbound));
    if (this.hangs) return;
    const { hostname, port } = new URL(`http://${target}`);
    const outbound = connect(Number(port), hostname, accept);
    const tunnel = { isSilent: false };
    this.#tunnels.add(tunnel);
    for (const [from, to] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const) {
      from.on('data', (chunk: Buffer) => {
        if (!tunnel.isSilent) to.write(chunk);
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        to.destroy();
        this.#tunnels.delete(tunnel);
      });
    }
  }
}

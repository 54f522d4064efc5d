import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';

/** A TCP relay in front of the API server, for the faults of a network. */
export class TcpProxy {
  readonly #server: Server;
  readonly #pairs = new Set<[Socket, Socket]>();
  readonly #forgotten = new WeakSet<Socket>();
  #stalled = false;
  /** Connections accepted so far. */
  accepted = 0;

  private constructor(target: URL) {
    this.#server = createServer((inbound) => {
      this.accepted++;
      const outbound = connect(Number(target.port), target.hostname);
      const pair: [Socket, Socket] = [inbound, outbound];
      this.#pairs.add(pair);
      for (const [from, to] of [pair, [outbound, inbound] as const]) {
        from.on('data', (chunk) => {
          if (!this.#stalled && !this.#forgotten.has(inbound)) to.write(chunk);
        });
        from.on('error', () => undefined);
        from.on('close', () => {
          to.destroy();
          this.#pairs.delete(pair);
        });
      }
    });
  }

  static async start(server: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(new URL(server));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** `https://127.0.0.1:PORT`. */
  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#pairs.size;
  }

  /** Breaks all connections off. @returns how many */
  reset(): number {
    const { size } = this.#pairs;
    for (const [inbound, outbound] of this.#pairs) {
      inbound.resetAndDestroy();
      outbound.destroy();
    }
    return size;
  }

  /** Swallows every byte from now on, on connections that stay open, as a firewall does that has forgotten them. */
  stall(): void {
    this.#stalled = true;
  }

  /** Swallows every byte of the connections that are open now, which stay open; new ones work. @returns how many */
  forget(): number {
    for (const [inbound] of this.#pairs) this.#forgotten.add(inbound);
    return this.#pairs.size;
  }

  /** New bytes pass again; those that were swallowed are gone. */
  resume(): void {
    this.#stalled = false;
  }

  async close(): Promise<void> {
    this.reset();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

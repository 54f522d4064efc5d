import { createServer, type IncomingMessage, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** An alert as Alertmanager's webhook (version 4) sends it. */
export interface ReceivedAlert {
  status: 'firing' | 'resolved';
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  endsAt: string;
}

/** Where Alertmanager's notifications arrive: what a pager would get. Listens on 127.0.0.1. */
export class WebhookReceiver {
  readonly #server: Server;
  readonly #received: ReceivedAlert[] = [];

  private constructor() {
    this.#server = createServer((request, response) => {
      void readBody(request).then((body) => {
        this.#received.push(...(JSON.parse(body) as { alerts: ReceivedAlert[] }).alerts);
        response.end();
      });
    });
  }

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    receiver.#server.listen({ host: '127.0.0.1', port: 0 });
    await once(receiver.#server, 'listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** What arrived so far, in that order; an alert that is notified of twice is there twice. */
  received(alertname: string, labels: Readonly<Record<string, string>> = {}): ReceivedAlert[] {
    const wanted = { ...labels, alertname };
    return this.#received.filter((alert) =>
      Object.entries(wanted).every(([name, value]) => alert.labels[name] === value),
    );
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += String(chunk);
  return body;
}

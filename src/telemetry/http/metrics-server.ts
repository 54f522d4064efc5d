import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type Clock, systemClock } from '../../k8s/util/clock.js';
import type { Requester } from '../../k8s/client/rest-client.js';
import { type BindAddress, HttpListener, SERVER_LIMITS, answer, route } from './http-listener.js';
import type { Metrics } from '../metrics/metrics.js';
import { acceptsGzip, CONTENT_TYPES, negotiateFormat } from '../metrics/exposition.js';
import type { Logger } from '../logging/logger.js';
import { ScrapeAuthorizer, type ScrapeVerdict } from './scrape-authorizer.js';
import { type KeyPair, readKeyPair, selfSignedKeyPair, watchKeyPair } from './serving-certificate.js';

export interface MetricsServerOptions {
  metrics: Pick<Metrics, 'render' | 'rejected'>;
  /** TLS, and an answer only for those whom the API server lets `get` `/metrics`; false: plain HTTP for anybody. */
  secure: boolean;
  /** A folder with tls.crt and tls.key; left out: a certificate made at the start. */
  certPath?: string | undefined;
  /** The operator's own client: it reviews the tokens of those who scrape. */
  client: Requester;
  logger: Logger;
  clock?: Clock;
}

/** What is answered to those who get no metrics. */
const REFUSALS: Record<Exclude<ScrapeVerdict, 'allowed'>, [number, string, OutgoingHttpHeaders?]> = {
  unauthenticated: [
    401,
    'who are you? send a bearer token of this cluster',
    { 'www-authenticate': 'Bearer' },
  ],
  forbidden: [403, 'you need a ClusterRole with verb get on nonResourceURL /metrics'],
  busy: [503, 'too many unknown clients at once: try again', { 'retry-after': '1' }],
};

const HANDSHAKE_TIMEOUT_MS = 5000;

const compress = promisify(gzip);

/** Serves `/metrics`, and nothing else. */
export class MetricsServer {
  readonly #options: MetricsServerOptions;
  readonly #clock: Clock;
  readonly #authorizer: ScrapeAuthorizer;
  readonly #stopped = new AbortController();
  #listener: HttpListener | undefined;
  #reloading: Promise<void> = Promise.resolve();

  constructor(options: MetricsServerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const signal = this.#stopped.signal;
    this.#authorizer = new ScrapeAuthorizer({ client: options.client, clock: this.#clock, signal });
  }

  /**
   * Needs a close() even where it fails.
   * @returns where it listens
   * @throws ListenError, CertificateError
   */
  async start(address: BindAddress): Promise<AddressInfo> {
    const server = this.#options.secure
      ? await this.#createSecureServer()
      : createServer(SERVER_LIMITS, this.#onRequest);
    const { rejected } = this.#options.metrics;
    this.#listener = new HttpListener(server, { name: 'metrics', flag: '--metrics-bind-address', rejected });
    return this.#listener.start(address);
  }

  /** Cuts off whoever is connected. */
  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#listener?.close();
    await this.#reloading;
  }

  async #createSecureServer(): Promise<SecureServer> {
    const { certPath: folder, logger } = this.#options;
    const create = (pair: KeyPair): SecureServer =>
      createSecureServer(
        { ...SERVER_LIMITS, ...pair, minVersion: 'TLSv1.2', handshakeTimeout: HANDSHAKE_TIMEOUT_MS },
        this.#onRequest,
      );
    if (folder === undefined) return create(await selfSignedKeyPair(this.#clock.now()));
    const pair = await readKeyPair(folder);
    const server = create(pair);
    const replace = (renewed: KeyPair): void =>
      server.setSecureContext({ ...renewed, minVersion: 'TLSv1.2' });
    const files = { folder, clock: this.#clock, log: logger, signal: this.#stopped.signal };
    this.#reloading = watchKeyPair(pair, replace, files);
    return server;
  }

  /** Refuses all but reads of `/metrics`. */
  readonly #onRequest = route({
    '/metrics': (response) => {
      this.#serve(response.req, response).catch((error: unknown) => {
        if (this.#stopped.signal.aborted) return;
        this.#options.logger.error('scrape failed', { error });
        answer(response, 500, 'the metrics cannot be shown: see the log of the operator');
      });
    },
  });

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const verdict = this.#options.secure ? await this.#judge(request, response) : 'allowed';
    if (verdict !== 'allowed') {
      this.#options.metrics.rejected.inc({ server: 'metrics', reason: verdict });
      answer(response, ...REFUSALS[verdict]);
      return;
    }
    const format = negotiateFormat(request.headers.accept);
    const zipped = acceptsGzip(request.headers['accept-encoding']?.toString());
    const text = await this.#options.metrics.render(format);
    answer(response, 200, zipped ? await compress(text) : Buffer.from(text), {
      'content-type': CONTENT_TYPES[format],
      vary: 'Accept, Accept-Encoding',
      ...(zipped && { 'content-encoding': 'gzip' }),
    });
  }

  async #judge({ headers, socket }: IncomingMessage, response: ServerResponse): Promise<ScrapeVerdict> {
    const token = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
    if (token === undefined) return 'unauthenticated';
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    return this.#authorizer.authorize(token, socket.remoteAddress ?? '', gone.signal);
  }
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type PeerCertificate } from 'node:tls';
import { expect } from 'chai';
import type { Clock } from '../../../../src/k8s/util/clock.js';
import { ApiError } from '../../../../src/k8s/client/errors.js';
import type { ApiRequest } from '../../../../src/k8s/client/rest-types.js';
import type { Requester } from '../../../../src/k8s/client/rest-client.js';
import type { Logger } from '../../../../src/telemetry/logging/logger.js';
import { MetricsServer, type MetricsServerOptions } from '../../../../src/telemetry/http/metrics-server.js';
import { Metrics } from '../../../../src/telemetry/metrics/metrics.js';
import { selfSignedKeyPair } from '../../../../src/telemetry/http/serving-certificate.js';
import { ScrapeAuthorizer } from '../../../../src/telemetry/http/scrape-authorizer.js';
import { FakeClock, settle } from '../../../support/fakes/fake-clock.js';
import { eventually } from '../../../support/eventually.js';

interface Answer {
  status: number;
  text: string;
}

function get(port: number, token?: string, path = '/metrics'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const options = {
      host: '127.0.0.1',
      port,
      path,
      headers,
      rejectUnauthorized: false,
      agent: false,
    } as const;
    const request = httpsRequest(options, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on('error', reject).end();
  });
}

/** What has the form of a token, with these claims. */
function jwt(claims: object): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  return `${encode({ alg: 'RS256' })}.${encode(claims)}.c2lnbmF0dXJl`;
}
const GOOD = jwt({ sub: 'good' });
const EXPIRY_LEEWAY_S = 60;

/** An API server whose answers a test decides; what a real one cannot be made to do on command. */
class FakeApiServer {
  readonly reviews: string[] = [];
  authenticated = true;
  allowed = true;
  failure: Error | undefined;
  /** Holds reviews back until it resolves. */
  gate: Promise<void> = Promise.resolve();

  readonly client = { request: (request: ApiRequest) => this.#answer(request) } as Requester;

  async #answer({ path }: ApiRequest): Promise<{ body: unknown; code: number; auditID: undefined }> {
    this.reviews.push(path.slice(path.lastIndexOf('/') + 1));
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
    const status = path.endsWith('tokenreviews')
      ? { authenticated: this.authenticated, user: { username: 'u' } }
      : { allowed: this.allowed };
    return { body: { status }, code: 201, auditID: undefined };
  }
}

/** A clock that a test moves; sleeps end when it passes them. */
class ManualClock implements Clock {
  #now = Date.now();
  readonly #sleepers: { until: number; wake: () => void }[] = [];
  now(): number {
    return this.#now;
  }
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#sleepers.push({ until: this.#now + milliseconds, wake: resolve });
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
  }
  advance(milliseconds: number): void {
    this.#now += milliseconds;
    for (const { until, wake } of this.#sleepers) if (until <= this.#now) wake();
  }
}

describe('the metrics server', () => {
  const servers: MetricsServer[] = [];
  const logged: unknown[][] = [];
  const log = (...entry: unknown[]): void => void logged.push(entry);
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const start = async (options: Partial<MetricsServerOptions> = {}): Promise<number> => {
    const server = new MetricsServer({
      metrics: { render: (format) => Promise.resolve(`${format}\n`), rejected: new Metrics().rejected },
      secure: false,
      client: new FakeApiServer().client,
      logger,
      ...options,
    });
    servers.push(server);
    return (await server.start({ host: '127.0.0.1', port: 0 })).port;
  };
  beforeEach(() => logged.splice(0));
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  describe('without --metrics-secure', () => {
    it('answers anybody, in the format that they ask for', async () => {
      const port = await start();
      const accept = 'application/openmetrics-text;version=1.0.0';

      const plain = await fetch(`http://127.0.0.1:${port}/metrics`);
      const open = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { accept } });

      expect(plain.headers.get('content-type')).to.equal('text/plain; version=0.0.4; charset=utf-8');
      expect(await plain.text()).to.equal('prometheus\n');
      expect(open.headers.get('content-type')).to.equal(`${accept.replace(';', '; ')}; charset=utf-8`);
      expect(await open.text()).to.equal('openmetrics\n');
    });

    it('zips where that is accepted', async () => {
      const port = await start();
      const url = `http://127.0.0.1:${port}/metrics`;

      const zipped = await fetch(url, { headers: { 'accept-encoding': 'gzip' } });
      const plain = await fetch(url, { headers: { 'accept-encoding': 'identity' } });

      expect(zipped.headers.get('content-encoding')).to.equal('gzip');
      expect(await zipped.text()).to.equal('prometheus\n');
      expect(plain.headers.get('content-encoding')).to.equal(null);
    });

    it('answers HEAD without a body, other paths with 404 and other methods with 405', async () => {
      const base = `http://127.0.0.1:${await start()}`;

      const headers = { 'accept-encoding': 'identity' };
      const head = await fetch(`${base}/metrics`, { method: 'HEAD', headers });

      expect(head.status).to.equal(200);
      expect(head.headers.get('content-length')).to.equal('11');
      expect((await fetch(`${base}/`)).status).to.equal(404);
      expect((await fetch(`${base}/metrics/x`)).status).to.equal(404);
      expect((await fetch(`${base}/metrics`, { method: 'POST', body: 'x' })).status).to.equal(405);
    });

    it('answers 500 without details when the metrics cannot be rendered', async () => {
      const render = (): Promise<string> => Promise.reject(new Error('secret detail'));
      const port = await start({ metrics: { render, rejected: new Metrics().rejected } });

      const response = await fetch(`http://127.0.0.1:${port}/metrics`);

      expect(response.status).to.equal(500);
      expect(await response.text()).not.to.contain('secret');
      expect(logged[0]?.[0]).to.equal('scrape failed');
    });
  });

  describe('with --metrics-secure', () => {
    it('speaks TLS 1.2 and newer, and nothing older', async () => {
      const port = await start({ secure: true });
      const attempt = (version: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'): Promise<string> =>
        new Promise((resolve) => {
          const socket = connectTls({
            host: '127.0.0.1',
            port,
            minVersion: version,
            maxVersion: version,
            ciphers: 'DEFAULT@SECLEVEL=0',
            rejectUnauthorized: false,
          });
          socket.once('secureConnect', () => resolve(socket.getProtocol() ?? ''));
          socket.once('error', () => resolve('refused'));
          socket.once('close', () => socket.destroy());
        });

      expect(await attempt('TLSv1.1')).to.equal('refused');
      expect(await attempt('TLSv1.2')).to.equal('TLSv1.2');
      expect(await attempt('TLSv1.3')).to.equal('TLSv1.3');
    });

    it('turns away who sends no token, without asking the API server', async () => {
      const api = new FakeApiServer();
      const port = await start({ secure: true, client: api.client });

      expect((await get(port)).status).to.equal(401);
      expect((await get(port, 'two words')).status).to.equal(401);
      expect(api.reviews).to.deep.equal([]);
    });

    it('refuses what cannot be a valid token without asking the API server', async () => {
      const api = new FakeApiServer();
      const clock = new ManualClock();
      const port = await start({ secure: true, client: api.client, clock });
      const now = Math.floor(clock.now() / 1000);

      for (const token of [
        ...['abc', 'a.b', 'a.b.c', 'a.b.c.d', `sha256~${'x'.repeat(40)}`, '..'],
        jwt({ exp: now - EXPIRY_LEEWAY_S - 1 }),
        jwt({ exp: 'tomorrow' }),
        jwt({ pad: 'x'.repeat(8192) }),
      ]) {
        expect((await get(port, token)).status, token).to.equal(401);
      }
      expect(api.reviews).to.deep.equal([]);
      // A clock that is ahead of the API server's must not lock anybody out.
      expect((await get(port, jwt({ exp: now - EXPIRY_LEEWAY_S + 5 }))).status).to.equal(200);
    });

    it('lets a known scraper wait for nothing, and reviews its token in the background', async () => {
      const api = new FakeApiServer();
      const clock = new ManualClock();
      const port = await start({ secure: true, client: api.client, clock });

      await get(port, GOOD);
      clock.advance(24_000);
      await get(port, GOOD);
      expect(api.reviews).to.have.length(2);
      api.gate = new Promise(() => undefined);
      clock.advance(90_000);

      expect((await get(port, GOOD)).status).to.equal(200);
      expect((await get(port, GOOD)).status).to.equal(200);
      expect(api.reviews).to.deep.equal(['tokenreviews', 'subjectaccessreviews', 'tokenreviews']);
    });

    it('ends a revoked permission with the review that the next scrape begins', async () => {
      const api = new FakeApiServer();
      const clock = new ManualClock();
      const port = await start({ secure: true, client: api.client, clock });
      await get(port, GOOD);

      api.allowed = false;
      clock.advance(30_000);
      await get(port, GOOD);

      await eventually(async () => expect((await get(port, GOOD)).status).to.equal(403));
    });

    it('has every verdict end two minutes after its review', async () => {
      const api = new FakeApiServer();
      const clock = new ManualClock();
      const port = await start({ secure: true, client: api.client, clock });
      await get(port, GOOD);

      api.allowed = false;
      clock.advance(120_000);

      expect((await get(port, GOOD)).status).to.equal(403);
    });

    it('keeps verdicts of known scrapers, however many strangers are refused', async function () {
      this.timeout(30_000);
      const api = new FakeApiServer();
      let now = Date.now();
      // Each look takes a millisecond, so 1,100 strangers have their turns within the two minutes of a verdict.
      const clock: Clock = { now: () => (now += 1), sleep: () => Promise.resolve() };
      const { signal } = new AbortController();
      const authorizer = new ScrapeAuthorizer({ client: api.client, clock, signal });
      await authorizer.authorize(GOOD, 'scraper', signal);

      api.authenticated = false;
      for (let index = 0; index < 1100; index += 1) {
        expect(await authorizer.authorize(jwt({ index }), 'attacker', signal)).to.equal('unauthenticated');
      }

      expect(await authorizer.authorize(GOOD, 'scraper', signal)).to.equal('allowed');
    });

    it('reviews strangers at a bounded rate, addresses in turns', async () => {
      const api = new FakeApiServer();
      const clock = new FakeClock();
      const authorizer = new ScrapeAuthorizer({
        client: api.client,
        clock,
        signal: new AbortController().signal,
      });
      const { signal: gone } = new AbortController();
      api.authenticated = false;

      for (let index = 0; index < 500; index += 1)
        void authorizer.authorize(jwt({ index }), 'attacker', gone);
      await clock.advance(1000);
      expect(api.reviews.length).to.be.within(10, 20);
      api.authenticated = true;
      const scraper = authorizer.authorize(GOOD, 'scraper', gone);
      await clock.advance(200);

      expect(await scraper).to.equal('allowed');
    });

    it('forgets a stranger that hangs up before its turn', async () => {
      const api = new FakeApiServer();
      const clock = new FakeClock();
      const { signal } = new AbortController();
      const authorizer = new ScrapeAuthorizer({ client: api.client, clock, signal });
      const gone = new AbortController();

      const waiting = Array.from({ length: 50 }, (_, index) =>
        authorizer.authorize(jwt({ index }), 'a', gone.signal),
      );
      await settle();
      const begun = api.reviews.length;
      gone.abort();
      await clock.advance(10_000);

      expect((await Promise.all(waiting)).filter((verdict) => verdict === 'busy').length).to.be.at.least(40);
      expect(api.reviews.length - begun).to.be.at.most(4);
    });

    it('remembers a refusal for ten seconds', async () => {
      const api = new FakeApiServer();
      api.authenticated = false;
      const clock = new ManualClock();
      const port = await start({ secure: true, client: api.client, clock });

      const first = await get(port, GOOD);
      api.authenticated = true;
      const second = await get(port, GOOD);
      clock.advance(10_000);

      expect([first.status, second.status]).to.deep.equal([401, 401]);
      expect((await get(port, GOOD)).status).to.equal(200);
    });

    it('answers 500 when the API server cannot be asked, and remembers nothing of it', async () => {
      const api = new FakeApiServer();
      api.failure = new ApiError({ code: 403, reason: 'Forbidden', message: 'may not create tokenreviews' });
      const port = await start({ secure: true, client: api.client });

      const failed = await get(port, GOOD);
      api.failure = undefined;

      expect(failed.status).to.equal(500);
      expect(failed.text).not.to.contain('tokenreviews');
      expect(logged[0]?.[1]).to.have.nested.property('error.message', 'may not create tokenreviews');
      expect((await get(port, GOOD)).status).to.equal(200);
    });

    it('asks for a token once, and for few at a time, however many scrape', async () => {
      const api = new FakeApiServer();
      let open: () => void = () => undefined;
      api.gate = new Promise((resolve) => {
        open = resolve;
      });
      const port = await start({ secure: true, client: api.client });

      const same = [
        get(port, jwt({ sub: 't0' })),
        get(port, jwt({ sub: 't0' })),
        get(port, jwt({ sub: 't0' })),
      ];
      await eventually(() => expect(api.reviews).to.have.length(1));
      const refused: Answer[] = [];
      const others = Array.from({ length: 9 }, async (_, index) => {
        const answer = await get(port, jwt({ sub: `t${index + 1}` }));
        if (answer.status === 503) refused.push(answer);
        return answer.status;
      });
      await eventually(() => expect(refused).to.have.length(6));
      open();

      expect((await Promise.all(same)).map(({ status }) => status)).to.deep.equal([200, 200, 200]);
      expect((await Promise.all(others)).filter((status) => status === 200)).to.have.length(3);
      expect(api.reviews.filter((path) => path === 'tokenreviews')).to.have.length(4);
    });

    describe('with --metrics-cert-path', () => {
      let folder: string;
      beforeEach(async () => {
        folder = await mkdtemp(join(tmpdir(), 'config-weaver-certificate-'));
      });
      afterEach(() => rm(folder, { recursive: true }));
      const write = async (): Promise<void> => {
        const { cert, key } = await selfSignedKeyPair(Date.now());
        await writeFile(join(folder, 'tls.crt'), cert);
        await writeFile(join(folder, 'tls.key'), key);
      };
      const served = (port: number): Promise<PeerCertificate> =>
        new Promise((resolve, reject) => {
          const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
            resolve(socket.getPeerCertificate());
            socket.destroy();
          });
          socket.on('error', reject);
        });
      const waitForLog = (message: string) =>
        eventually(() => expect(logged.map(([text]) => text)).to.include(message));

      it('takes a renewed certificate without a restart, and keeps the old one while the new is broken', async () => {
        await write();
        const clock = new ManualClock();
        const port = await start({ secure: true, certPath: folder, clock });
        const first = await served(port);

        await writeFile(join(folder, 'tls.key'), 'half wri');
        clock.advance(10_000);
        await waitForLog('metrics certificate kept: the new one is unusable');
        const second = await served(port);
        await write();
        clock.advance(10_000);
        await waitForLog('metrics certificate reloaded');
        const third = await served(port);

        expect(second.fingerprint256).to.equal(first.fingerprint256);
        expect(third.fingerprint256).not.to.equal(first.fingerprint256);
      });

      it('says in one line which file is missing', async () => {
        const failure: unknown = await start({ secure: true, certPath: folder }).catch(
          (error: unknown) => error,
        );

        expect(failure).to.be.an('error').with.property('name', 'CertificateError');
        expect((failure as Error).message).to.equal(
          `--metrics-cert-path ${folder}: cannot read tls.crt: there is none`,
        );
      });

      it('refuses a key that is not the certificate', async () => {
        await write();
        await writeFile(join(folder, 'tls.key'), (await selfSignedKeyPair(Date.now())).key);

        const failure: unknown = await start({ secure: true, certPath: folder }).catch(
          (error: unknown) => error,
        );

        expect((failure as Error).message).to.match(
          /^--metrics-cert-path .* are no certificate and its key [^\n]*$/,
        );
      });
    });
  });

  it('closes at once, with connections that are idle or in the middle of a handshake', async () => {
    const port = await start({ secure: true });
    const socket = connectTcp(port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    const cutOff = new Promise((resolve) => socket.once('close', resolve));
    const started = performance.now();

    await servers[0]!.close();
    await cutOff;

    expect(performance.now() - started).to.be.below(1000);
  });
});

import { createServer } from 'node:net';
import { expect } from 'chai';
import {
  healthServer,
  readinessOf,
  type ReadinessCheck,
  watchCheck,
} from '../../../../src/telemetry/http/health-server.js';
import type { HttpListener } from '../../../../src/telemetry/http/http-listener.js';
import { Metrics } from '../../../../src/telemetry/metrics/metrics.js';

describe('the health server', () => {
  let server: HttpListener | undefined;
  const start = async (checks: ReadinessCheck[] = []): Promise<string> => {
    server = healthServer(checks, new Metrics());
    const { port } = await server.start({ host: '127.0.0.1', port: 0 });
    return `http://127.0.0.1:${port}`;
  };
  const get = async (url: string, method = 'GET'): Promise<{ status: number; text: string }> => {
    const response = await fetch(url, { method });
    return { status: response.status, text: await response.text() };
  };
  afterEach(() => server?.close());

  it('is alive as soon as it answers, ready or not', async () => {
    const base = await start([{ name: 'cache', check: () => 'not complete' }]);

    expect(await get(`${base}/healthz`)).to.deep.equal({ status: 200, text: 'ok\n' });
  });

  it('is ready when every check holds', async () => {
    const base = await start([{ name: 'cache', check: () => undefined }]);

    expect(await get(`${base}/readyz`)).to.deep.equal({ status: 200, text: 'ok\n' });
  });

  it('names what does not hold, and only that', async () => {
    const base = await start([
      { name: 'configmapsyncs', check: () => undefined },
      { name: 'namespaces watch', check: () => 'no progress for 130s' },
    ]);

    expect(await get(`${base}/readyz`)).to.deep.equal({
      status: 503,
      text: '[-] namespaces watch: no progress for 130s\nnot ready: namespaces watch\n',
    });
  });

  it('lists every check with ?verbose', async () => {
    const base = await start([
      { name: 'a', check: () => undefined },
      { name: 'b', check: () => undefined },
    ]);

    expect(await get(`${base}/readyz?verbose`)).to.deep.equal({
      status: 200,
      text: '[+] a: ok\n[+] b: ok\nok\n',
    });
  });

  it('tells the metrics which checks hold', () => {
    const checks = [
      { name: 'a', check: () => undefined },
      { name: 'b', check: () => 'silent' },
    ];

    expect(readinessOf(checks)).to.deep.equal({ a: true, b: false });
  });

  it('is not ready when a check fails by itself, and does not show its message', async () => {
    const base = await start([
      {
        name: 'a',
        check: () => {
          throw new Error('broken');
        },
      },
    ]);

    expect(await get(`${base}/readyz`)).to.deep.equal({
      status: 503,
      text: '[-] a: the check failed\nnot ready: a\n',
    });
  });

  it('counts silent watches, and logs their names once for each change', async () => {
    const logged: unknown[] = [];
    const warn = (_message: string, fields?: Record<string, unknown>): void =>
      void logged.push(fields?.watches);
    const log = { debug: warn, info: warn, warn };
    let silent: string[] | undefined = undefined;
    const base = await start([watchCheck('tenant watches', log, () => silent)]);
    const ask = async (watches: string[] | undefined): Promise<string> => {
      silent = watches;
      await get(`${base}/readyz`);
      return (await get(`${base}/readyz?verbose`)).text.split('\n')[0] ?? '';
    };

    expect(await ask(undefined)).to.equal('[-] tenant watches: not listed yet');
    expect(await ask(['team-a/default prod'])).to.equal('[-] tenant watches: 1 watch silent');
    expect(await ask(['team-a/default prod', 'team-b/x dev'])).to.equal(
      '[-] tenant watches: 2 watches silent',
    );
    expect(await ask([])).to.equal('[+] tenant watches: ok');
    expect(logged).to.deep.equal([['team-a/default prod'], ['team-a/default prod', 'team-b/x dev'], []]);
  });

  it('asks again each time', async () => {
    let problem: string | undefined = 'starting';
    const base = await start([{ name: 'a', check: () => problem }]);

    const before = await get(`${base}/readyz`);
    problem = undefined;

    expect(before.status).to.equal(503);
    expect((await get(`${base}/readyz`)).status).to.equal(200);
  });

  it('answers HEAD without a body, other paths with 404 and other methods with 405', async () => {
    const base = await start();

    expect(await get(`${base}/healthz`, 'HEAD')).to.deep.equal({ status: 200, text: '' });
    expect((await get(`${base}/`)).status).to.equal(404);
    expect((await get(`${base}/healthz`, 'POST')).status).to.equal(405);
  });

  it('says in one line where it cannot listen, and with which flag to mend it', async () => {
    const occupant = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => occupant.once('listening', resolve));
    const { port } = occupant.address() as { port: number };

    const failure: unknown = await healthServer([], new Metrics())
      .start({ host: '127.0.0.1', port })
      .catch((error: unknown) => error);

    occupant.close();
    expect(failure).to.be.an('error').with.property('name', 'ListenError');
    expect((failure as Error).message).to.equal(
      `the health server cannot listen on 127.0.0.1:${port}: the address is in use; ` +
        'give another address with --health-probe-bind-address, or 0 to turn it off',
    );
  });
});

import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { AuditLog } from '../../support/audit-log.js';
import { eventually } from '../../support/eventually.js';
import { apply } from '../../support/kubectl.js';
import { OPERATOR_USERNAME } from '../../support/operator.js';
import { auditLogOrSkip, plane, type TestPlane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import { Victim } from '../../support/victim.js';

const NAMESPACE = 'http-endpoints-abuse';
const STRANGERS = 50;
/** As the Deployment's probes have it, and Prometheus by default. */
const PROBE_TIMEOUT_MS = 3000;
const SCRAPE_TIMEOUT_MS = 10_000;
/** Loopback addresses stand in for those of pods and nodes. */
const ATTACKER = '127.0.0.1';
const NEIGHBOUR = '127.0.0.2';

interface Ask {
  from?: string;
  token?: string;
  timeoutMs?: number;
}

describe('the health and metrics endpoints under abuse', function () {
  this.timeout(120_000);
  let shared: TestPlane;
  let fixture: SyncFixture;
  let victim: Victim;
  let ports: Record<'health' | 'metrics', number>;
  const attacks: (() => Promise<void>)[] = [];

  before(async function () {
    shared = await plane();
    auditLogOrSkip(this, shared);
    const account = { name: 'scraper', namespace: NAMESPACE };
    await apply(
      shared.kubectl,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: account },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'stranger', namespace: NAMESPACE } },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: NAMESPACE },
        roleRef: {
          apiGroup: 'rbac.authorization.k8s.io',
          kind: 'ClusterRole',
          name: 'config-weaver-metrics-reader',
        },
        subjects: [{ kind: 'ServiceAccount', ...account }],
      },
    );
    fixture = await SyncFixture.start({ args: ['--metrics-secure=true'] });
    const { api, operator } = fixture;
    victim = await Victim.create({ api, operator, tenant: await fixture.tenant() });
    const portOf = (server: 'health' | 'metrics'): number => Number(new URL(operator.address(server)).port);
    ports = { health: portOf('health'), metrics: portOf('metrics') };
  });
  afterEach(async () => {
    for (const end of attacks.splice(0)) await end();
  });
  after(async () => {
    await fixture.end();
    await shared.kubectl(['delete', 'clusterrolebinding', NAMESPACE, '--ignore-not-found']);
    await shared.kubectl(['delete', 'namespace', NAMESPACE, '--wait=false', '--ignore-not-found']);
  });

  /** A new connection each time, as the kubelet's. @returns the status code and the text */
  function ask(server: 'health' | 'metrics', path: string, { from = ATTACKER, token, timeoutMs }: Ask = {}) {
    return new Promise<{ status: number; text: string; connection?: string }>((resolve, reject) => {
      const send = server === 'health' ? httpRequest : httpsRequest;
      const options = {
        host: '127.0.0.1',
        port: ports[server],
        path,
        localAddress: from,
        headers: { connection: 'keep-alive', ...(token && { authorization: `Bearer ${token}` }) },
        rejectUnauthorized: false,
        agent: false,
        signal: AbortSignal.timeout(timeoutMs ?? SCRAPE_TIMEOUT_MS),
      } as const;
      const request = send(options, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text, connection: response.headers.connection ?? '' }),
        );
      });
      request.on('error', reject).end();
    });
  }

  const probe = (path: string, from: string) => ask('health', path, { from, timeoutMs: PROBE_TIMEOUT_MS });
  const tokenOf = async (name: string): Promise<string> =>
    (await shared.kubectl(['create', 'token', name, '-n', NAMESPACE])).trim();
  const guess = (): string =>
    `eyJhbGciOiJSUzI1NiJ9.${Buffer.from('{"sub":"system:serviceaccount:a:b"}').toString('base64url')}.${randomBytes(256).toString('base64url')}`;

  /** Connections that send nothing, each opened again when it is closed. */
  async function holdIdle(server: 'health' | 'metrics', wanted: number): Promise<void> {
    const open = new Set<Socket>();
    let over = false;
    let connected = 0;
    const hold = (): void => {
      if (over) return;
      const socket = connect({ port: ports[server], host: '127.0.0.1', localAddress: ATTACKER });
      open.add(socket);
      socket.on('connect', () => (connected += 1));
      socket.on('error', () => undefined);
      socket.on('close', () => {
        open.delete(socket);
        setTimeout(hold, 100);
      });
    };
    for (let count = 0; count < wanted; count += 1) hold();
    attacks.push(() => {
      over = true;
      for (const socket of open) socket.destroy();
      return Promise.resolve();
    });
    await eventually(() => expect(connected).to.be.at.least(wanted));
  }

  /** Clients that ask for the metrics again as soon as they are refused. @returns how often they were answered, by status */
  function askAsStrangers(token: () => string): Map<number, number> {
    const answers = new Map<number, number>();
    const over = new AbortController();
    const strangers = Array.from({ length: STRANGERS }, async () => {
      while (!over.signal.aborted) {
        const { status } = await ask('metrics', '/metrics', { token: token() }).catch(() => ({ status: 0 }));
        answers.set(status, (answers.get(status) ?? 0) + 1);
        if (status === 0) await sleep(10);
      }
    });
    attacks.push(async () => {
      over.abort();
      await Promise.all(strangers);
    });
    return answers;
  }

  it('answers each connection once, and closes it', async () => {
    expect(await ask('health', '/healthz')).to.deep.include({ status: 200, connection: 'close' });
    expect(await ask('metrics', '/metrics')).to.deep.include({ status: 401, connection: 'close' });
  });

  it('closes connections that send no request', async () => {
    const closed = (server: 'health' | 'metrics'): Promise<void> =>
      new Promise((resolve) => {
        const socket = connect(ports[server], '127.0.0.1');
        socket.on('error', () => undefined);
        socket.on('close', () => resolve());
        socket.resume();
      });

    await Promise.all([closed('health'), closed('metrics')]);
  });

  for (const { idle, ports: held, from, where } of [
    { idle: 128, ports: ['health'], from: ATTACKER, where: 'the address of the probes' },
    { idle: 200, ports: ['health', 'metrics'], from: ATTACKER, where: 'the address of the probes' },
    { idle: 300, ports: ['health', 'metrics'], from: NEIGHBOUR, where: 'another address' },
  ] as const) {
    const load = `${idle} to ${held.join(' and as many to ')}, from ${where}`;
    it(`answers probes and a scraper while idle connections are held: ${load}`, async () => {
      const token = await tokenOf('scraper');

      await victim.endures('idle connections', async () => {
        for (const server of held) await holdIdle(server, idle);
        for (let round = 0; round < 20; round += 1) {
          for (const path of ['/healthz', '/readyz']) {
            expect((await probe(path, from)).status, path).to.equal(200);
          }
          expect((await ask('metrics', '/metrics', { token, from })).status).to.equal(200);
          await sleep(100);
        }
        return load;
      });
    });
  }

  it('counts the connections that made room for others', async () => {
    const { text } = await ask('metrics', '/metrics', { token: await tokenOf('scraper') });

    expect(text).to.contain('configweaver_http_rejected_total{server="health",reason="evicted"}');
    expect(text).to.contain('configweaver_http_rejected_total{server="metrics",reason="evicted"}');
  });

  for (const { who, token, idle, from } of [
    {
      who: 'with guessed tokens at its own address',
      idle: 200,
      from: ATTACKER,
      token: () => Promise.resolve(guess),
    },
    {
      idle: 300,
      from: NEIGHBOUR,
      who: 'with the token of a ServiceAccount without the permission',
      token: async () => {
        const own = await tokenOf('stranger');
        return () => own;
      },
    },
  ]) {
    it(`reviews few tokens of 50 strangers ${who}, and serves probes, known scrapers and new ones`, async () => {
      const known = await tokenOf('scraper');
      // Prometheus' token changes every hour: to the operator, it is a stranger then.
      const renewed = await tokenOf('scraper');
      await eventually(async () =>
        expect((await ask('metrics', '/metrics', { token: known })).status).to.equal(200),
      );
      await holdIdle('health', idle);
      await holdIdle('metrics', idle);
      const log = await AuditLog.fromNow(shared.auditLog ?? '');
      const tokenOfStrangers = await token();
      let answers = new Map<number, number>();
      let started = 0;

      const scrapes: number[] = [];
      const probes: number[] = [];
      await victim.endures(`scrapes ${who}`, async () => {
        started = Date.now();
        answers = askAsStrangers(tokenOfStrangers);
        await eventually(() => expect(answers.size).to.be.at.least(1));
        for (let round = 0; round < 20; round += 1) {
          for (const path of ['/healthz', '/readyz']) probes.push((await probe(path, from)).status);
          scrapes.push((await ask('metrics', '/metrics', { token: known, from })).status);
          await sleep(200);
        }
        const seconds = (Date.now() - started) / 1000;
        const asked = [...answers.values()].reduce((sum, times) => sum + times, 0);
        return `${STRANGERS} clients, ${Math.round(asked / seconds)} a second, and ${idle} idle connections to each port`;
      });
      const first = await ask('metrics', '/metrics', { token: renewed, from });
      const reviews = await log.entries({ username: OPERATOR_USERNAME, resource: 'tokenreviews' });
      const seconds = (Date.now() - started) / 1000;

      expect(new Set(probes)).to.deep.equal(new Set([200]));
      expect(new Set(scrapes)).to.deep.equal(new Set([200]));
      expect(first.status).to.equal(200);
      // Strangers have a burst of 4, and 10 a second. The rest is for the two scrapers.
      expect(reviews.length).to.be.at.most(4 + 10 * seconds + 10);
      expect(answers.get(200)).to.equal(undefined);
    });
  }

  it('refuses what is no token of a cluster without a review', async () => {
    const log = await AuditLog.fromNow(shared.auditLog ?? '');
    const expired = Buffer.from(JSON.stringify({ exp: 1 })).toString('base64url');

    for (const token of ['', 'abc', 'a.b.c', `eyJhbGciOiJSUzI1NiJ9.${expired}.c2ln`, 'x'.repeat(9000)]) {
      expect((await ask('metrics', '/metrics', { token })).status).to.equal(401);
    }

    expect(await log.entries({ username: OPERATOR_USERNAME, resource: 'tokenreviews' })).to.deep.equal([]);
  });
});

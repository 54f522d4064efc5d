import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { type ConnectionOptions, loadConnection } from '../../../../src/k8s/config/kubeconfig.js';
import { KubeconfigError } from '../../../../src/k8s/config/cluster-connection.js';
import { selfSignedKeyPair } from '../../../../src/telemetry/http/serving-certificate.js';
import { FakeClock } from '../../../support/fakes/fake-clock.js';

interface Parts {
  cluster?: object;
  user?: object;
  context?: object;
}

function kubeconfig(name: string, { cluster = {}, user = {}, context = {} }: Parts = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server: `https://${name}.example.com:6443`, ...cluster } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, ...context } }],
  });
}

describe('loadConnection', () => {
  let directory: string;
  let clock: FakeClock;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kubeconfig-test-'));
    clock = new FakeClock();
  });

  afterEach(() => rm(directory, { recursive: true }));

  async function file(name: string, text: string): Promise<string> {
    const path = join(directory, name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, text);
    return path;
  }

  function load(options: Partial<ConnectionOptions> = {}): ReturnType<typeof loadConnection> {
    const home = join(directory, 'home');
    return loadConnection({
      env: {},
      home,
      clock,
      serviceAccountDirectory: join(directory, 'pod'),
      ...options,
    });
  }

  async function failure(options: Partial<ConnectionOptions> = {}): Promise<string> {
    const error: unknown = await load(options).then(
      () => expect.fail('a connection was found'),
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(KubeconfigError);
    const { message } = error as Error;
    expect(message).to.not.include('\n');
    return message;
  }

  async function pod(): Promise<NodeJS.ProcessEnv> {
    await file('pod/token', 'pod-token\n');
    await file('pod/ca.crt', 'CA');
    await file('pod/namespace', 'operators');
    return { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };
  }

  describe('looks, in this order, for', () => {
    it('--kubeconfig, KUBECONFIG, the pod itself, ~/.kube/config', async () => {
      const flag = await file('flag', kubeconfig('flag'));
      const listed = await file('listed', kubeconfig('listed'));
      await file('home/.kube/config', kubeconfig('home'));
      const inPod = await pod();

      const all = await load({ kubeconfig: flag, env: { ...inPod, KUBECONFIG: listed } });
      const noFlag = await load({ env: { ...inPod, KUBECONFIG: listed } });
      const noList = await load({ env: inPod });
      const home = await load();

      expect([all, noFlag, noList, home].map(({ server }) => server)).to.deep.equal([
        'https://flag.example.com:6443',
        'https://listed.example.com:6443',
        'https://10.0.0.1:443',
        'https://home.example.com:6443',
      ]);
      expect(all.source).to.equal(`--kubeconfig ${flag}`);
      expect(noFlag.source).to.equal(`KUBECONFIG ${listed}`);
    });

    it('none of them, and says so in one line', async () => {
      expect(await failure()).to.match(
        /^no cluster to talk to: there is no --kubeconfig, no KUBECONFIG, no pod's ServiceAccount in .* and no .*; name a kubeconfig by --kubeconfig or KUBECONFIG$/,
      );
    });

    it('a file that is named but missing, without trying another', async () => {
      const env = await pod();

      expect(await failure({ kubeconfig: '/no/such/file', env })).to.equal(
        '--kubeconfig names /no/such/file, which does not exist: name a kubeconfig that does, or leave it out',
      );
      expect(await failure({ env: { ...env, KUBECONFIG: '/no/such/file' } })).to.include('KUBECONFIG names');
    });
  });

  describe('merges a list of files', () => {
    it('as kubectl does: the first that has a name wins, missing ones are passed over', async () => {
      const first = await file('first', JSON.stringify({ 'current-context': 'second' }));
      const second = await file('second', kubeconfig('second', { user: { token: 'first-of-two' } }));
      const third = await file('third', kubeconfig('second', { user: { token: 'never' } }));

      const connection = await load({
        env: { KUBECONFIG: ['/no/such/file', first, second, third].join(':') },
      });

      expect(connection.server).to.equal('https://second.example.com:6443');
      expect(await connection.authorize()).to.equal('Bearer first-of-two');
    });
  });

  describe('in a pod', () => {
    it('takes server, namespace and certificates from what the kubelet mounts', async () => {
      const connection = await load({ env: await pod() });

      expect(connection).to.deep.include({ server: 'https://10.0.0.1:443', namespace: 'operators' });
      expect(connection.tls).to.deep.equal({ ca: Buffer.from('CA'), rejectUnauthorized: true });
    });

    it('puts an IPv6 address into brackets', async () => {
      const connection = await load({ env: { ...(await pod()), KUBERNETES_SERVICE_HOST: 'fd00::1' } });

      expect(connection.server).to.equal('https://[fd00::1]:443');
    });

    it('reads the token anew after a minute, since the kubelet replaces it', async () => {
      const connection = await load({ env: await pod() });
      const first = await connection.authorize();
      await file('pod/token', 'rotated');

      const within = await connection.authorize();
      await clock.advance(60_000);
      const after = await connection.authorize();

      expect([first, within, after]).to.deep.equal([
        'Bearer pod-token',
        'Bearer pod-token',
        'Bearer rotated',
      ]);
    });

    it('goes on with the last token while the file cannot be read', async () => {
      const connection = await load({ env: await pod() });
      await rm(join(directory, 'pod/token'));
      await clock.advance(60_000);

      expect(await connection.authorize()).to.equal('Bearer pod-token');
    });
  });

  describe('takes the identity from', () => {
    async function withUser(user: object): ReturnType<typeof loadConnection> {
      return load({ kubeconfig: await file('config', kubeconfig('c', { user })) });
    }

    it('a token', async () => {
      const connection = await withUser({ token: 'abc' });

      expect(await connection.authorize()).to.equal('Bearer abc');
    });

    it('a token file, relative to the kubeconfig, before a token', async () => {
      await file('token', 'from-file\n');

      const connection = await withUser({ tokenFile: 'token', token: 'not-this' });

      expect(await connection.authorize()).to.equal('Bearer from-file');
    });

    it('a user name and password', async () => {
      const connection = await withUser({ username: 'me', password: 'pw' });

      expect(await connection.authorize()).to.equal(`Basic ${Buffer.from('me:pw').toString('base64')}`);
    });

    it('a client certificate, without any header', async () => {
      await file('key.pem', 'KEY');

      const connection = await withUser({
        'client-certificate-data': Buffer.from('CERT').toString('base64'),
        'client-key': 'key.pem',
      });

      expect(await connection.authorize()).to.equal(undefined);
      expect(connection.tls).to.deep.include({ cert: Buffer.from('CERT'), key: Buffer.from('KEY') });
    });

    it('a credential plugin, which learns by which version it shall answer', async () => {
      const script = `
        const info = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
        console.log(JSON.stringify({ apiVersion: info.apiVersion, kind: 'ExecCredential', status: { token: 'of-' + info.kind } }));
      `;

      const connection = await withUser({
        exec: {
          apiVersion: 'client.authentication.k8s.io/v1',
          command: process.execPath,
          args: ['-e', script],
        },
      });

      expect(await connection.authorize()).to.equal('Bearer of-ExecCredential');
    });

    it('another token of a credential plugin where one was rejected, and runs it for that once in 5 s', async () => {
      const runs = await file('runs', '');
      const script = `
        const { appendFileSync, readFileSync } = require('node:fs');
        appendFileSync(${JSON.stringify(runs)}, 'x');
        const token = 'token-' + readFileSync(${JSON.stringify(runs)}, 'utf8').length;
        console.log(JSON.stringify({ kind: 'ExecCredential', status: { token } }));
      `;
      const connection = await withUser({ exec: { command: process.execPath, args: ['-e', script] } });
      const first = await connection.authorize();

      const renewed = await Promise.all(Array.from({ length: 100 }, () => connection.renew!(first)));
      const second = await connection.authorize();
      const again = await connection.renew!(second);
      await clock.advance(5_000);
      const later = await connection.renew!(second);

      expect(first).to.equal('Bearer token-1');
      expect(new Set(renewed)).to.deep.equal(new Set([true]));
      expect(second).to.equal('Bearer token-2');
      expect([again, later]).to.deep.equal([false, true]);
      expect(await connection.authorize()).to.equal('Bearer token-3');
    });

    it('nothing of a credential plugin that has failed for 5 s, and then runs it again', async () => {
      const runs = await file('runs', '');
      const script = `require('node:fs').appendFileSync(${JSON.stringify(runs)}, 'x'); process.exit(1)`;
      const connection = await withUser({ exec: { command: process.execPath, args: ['-e', script] } });
      const fails = (): Promise<unknown> => connection.authorize().catch((error: unknown) => error);

      const failures = [await fails(), await fails()];
      const before = await readFile(runs, 'utf8');
      await clock.advance(5_000);
      await fails();

      expect(failures[1]).to.equal(failures[0]);
      expect(before).to.equal('x');
      expect(await readFile(runs, 'utf8')).to.equal('xx');
    });

    it('another token of a file as soon as one was rejected', async () => {
      const path = await file('token', 'one');
      const connection = await withUser({ tokenFile: path });
      const first = await connection.authorize();

      await clock.advance(1_000);
      const same = await connection.renew!(first);
      await file('token', 'two');
      const tooSoon = await connection.renew!(first);
      await clock.advance(1_000);
      const other = await connection.renew!(first);

      expect([same, tooSoon, other]).to.deep.equal([false, false, true]);
      expect(await connection.authorize()).to.equal('Bearer two');
    });

    it('certificates as their files have them, and none that is half written', async () => {
      const pairs = await Promise.all([selfSignedKeyPair(0), selfSignedKeyPair(0)]);
      const write = async ({ cert, key }: { cert?: string; key?: string }): Promise<void> => {
        if (cert !== undefined) await file('tls.crt', cert);
        if (key !== undefined) await file('tls.key', key);
      };
      await write(pairs[0]);
      const names = { 'client-certificate': 'tls.crt', 'client-key': 'tls.key' };
      const connection = await withUser({
        ...Object.fromEntries(Object.entries(names).map(([key, name]) => [key, join(directory, name)])),
        token: 'token',
      });

      await write({ cert: pairs[1].cert });
      const half = await connection.readTls!();
      await write(pairs[1]);
      const whole = await connection.readTls!();

      expect(half).to.equal(undefined);
      expect(whole).to.deep.include({
        cert: Buffer.from(pairs[1].cert),
        key: Buffer.from(pairs[1].key),
        rejectUnauthorized: true,
      });
    });

    it('no credential plugin that fails, and does not repeat what it printed', async () => {
      const connection = await withUser({
        exec: { command: process.execPath, args: ['-e', 'console.error("secret"); process.exit(1)'] },
      });

      const error: unknown = await connection.authorize().catch((reason: unknown) => reason);

      expect(error).to.be.instanceOf(KubeconfigError);
      expect((error as Error).message)
        .to.include('credential plugin')
        .and.not.include('secret');
    });
  });

  describe('refuses in one line', () => {
    const cases: [string, string, RegExp][] = [
      ['no YAML', 'users: [{token: top-secret', /is no valid YAML: [A-Z_]+ in line 1$/],
      ['no kubeconfig', '42', /is empty$/],
      ['no current-context', '{}', /has no current-context: set one by "kubectl config use-context"$/],
      ['an unknown context', '{"current-context": "x"}', /has no context "x", which is its current-context$/],
      [
        'an unknown user',
        kubeconfig('c', { context: { user: 'x' } }),
        /has no user "x", which context "c" names$/,
      ],
      [
        'a server that is no URL',
        kubeconfig('c', { cluster: { server: 'nonsense' } }),
        /the server of cluster "c" is no http\(s\) URL$/,
      ],
      [
        'a certificate that is missing',
        kubeconfig('c', { cluster: { 'certificate-authority': '/no/ca' } }),
        /the file \/no\/ca, which the kubeconfig names, cannot be read: ENOENT$/,
      ],
      [
        'impersonation, which would else be another identity than the one that is meant',
        kubeconfig('c', { user: { as: 'admin' } }),
        /user "c" impersonates "admin", which is not supported$/,
      ],
    ];
    for (const [what, text, expected] of cases) {
      it(what, async () => {
        const message = await failure({ kubeconfig: await file('config', text) });

        expect(message).to.match(expected).and.not.include('top-secret');
      });
    }
  });

  it('takes TLS settings, the namespace and the proxy from the kubeconfig', async () => {
    const text = kubeconfig('c', {
      cluster: {
        server: 'https://c.example.com/prefix/',
        'insecure-skip-tls-verify': true,
        'tls-server-name': 'other.example.com',
        'proxy-url': 'http://proxy:3128',
      },
      context: { namespace: 'mine' },
    });

    const connection = await load({ kubeconfig: await file('config', text) });

    expect(connection).to.deep.include({
      server: 'https://c.example.com/prefix',
      namespace: 'mine',
      proxy: 'http://proxy:3128',
      tls: {
        ca: undefined,
        cert: undefined,
        key: undefined,
        servername: 'other.example.com',
        rejectUnauthorized: false,
      },
    });
  });
});

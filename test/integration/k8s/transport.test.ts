import { getCACertificates, setDefaultCACertificates } from 'node:tls';

import { expect } from 'chai';

import { generateCredentials } from '../../../hack/control-plane/credentials.js';
import { apiPath } from '../../../src/k8s/client/api-path.js';
import { RestClient } from '../../../src/k8s/client/rest-client.js';
import { eventually } from '../../support/eventually.js';
import { recordingLog } from '../../support/fakes/recording-log.js';
import { plane } from '../../support/plane.js';
import { createNamespace } from '../../support/tenant.js';
import { TestApi } from '../../support/test-api.js';
import { configMaps, createConfigMap } from './config-maps.js';
import { ListWatcher } from '../../../src/k8s/cache/list-watcher.js';
import { Store } from '../../../src/k8s/cache/store.js';
import { ConnectProxy } from './connect-proxy.js';
import { TcpProxy } from './tcp-proxy.js';

async function whoAmI(client: RestClient, timeoutMs = 30_000): Promise<string> {
  const { body } = await client.request<{ status: { userInfo: { username: string } } }>({
    method: 'POST',
    path: apiPath({ group: 'authentication.k8s.io', version: 'v1', resource: 'selfsubjectreviews' }),
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    timeoutMs,
  });
  return body.status.userInfo.username;
}

describe('the transport, against a real API server', () => {
  let admin: TestApi;
  let namespace: string;
  let token: string;

  before(async () => {
    admin = await TestApi.connect();
    namespace = await createNamespace(admin, 'transport');
    await admin.client.request({
      method: 'POST',
      path: apiPath({ group: '', version: 'v1', namespace, resource: 'serviceaccounts' }),
      body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'tenant' } },
    });
    const { kubectl } = await plane();
    token = (await kubectl(['create', 'token', 'tenant', '-n', namespace])).trim();
  });

  after(() => admin.close());

  function tokenClient(kind: 'operator' | 'bearer', header: string | undefined): RestClient {
    return new RestClient({
      server: admin.connection.server,
      dispatcher: (use) => admin.transport.dispatcher(kind, use),
      authorize: () => Promise.resolve(header),
      userAgent: 'test',
    });
  }

  describe('identities', () => {
    it("lets a token count on bearer connections, also after the operator's certificate has been used", async () => {
      const operator = await whoAmI(admin.client);
      const tenant = await whoAmI(tokenClient('bearer', `Bearer ${token}`));

      expect(operator).to.equal('control-plane-admin');
      expect(tenant).to.equal(`system:serviceaccount:${namespace}:tenant`);
    });

    it('keeps the two apart because on an operator connection the certificate wins over any token', async () => {
      const username = await whoAmI(tokenClient('operator', `Bearer ${token}`));

      expect(username).to.equal('control-plane-admin');
    });

    it('carries no certificate on bearer connections: without a token nobody is there', async () => {
      const username = await whoAmI(tokenClient('bearer', undefined)).catch(
        (error: unknown) => (error as { code: number }).code,
      );

      // 401 where the API server takes no anonymous requests, else 403 or the anonymous user.
      expect(username).to.be.oneOf([401, 403, 'system:anonymous']);
    });

    it('sends nothing at all for a client that acts by a token only and has none', async () => {
      const client = new RestClient({
        server: admin.connection.server,
        dispatcher: () => expect.fail('something was sent'),
        authorize: () => Promise.resolve(''),
        userAgent: 'test',
        requireAuthorization: true,
      });

      const error: unknown = await whoAmI(client).catch((reason: unknown) => reason);

      expect(error).to.be.instanceOf(Error).with.property('message').that.includes('was not sent');
    });
  });

  describe('connections', () => {
    it('carries 300 watches and 500 requests at once on a handful of connections', async function () {
      this.timeout(60_000);
      const proxy = await TcpProxy.start(admin.connection.server);
      const crowd = await TestApi.connect(undefined, { connection: { server: proxy.url } });
      const stop = new AbortController();
      const watched = Array.from({ length: 300 }, (_, index) => ({ index, events: 0, opened: false }));
      const watches = watched.map(async (watch) => {
        try {
          for await (const event of crowd.client.watch({
            path: configMaps(namespace),
            query: { fieldSelector: 'metadata.name=crowd', timeoutSeconds: 60 },
            onOpen: () => (watch.opened = true),
            signal: stop.signal,
          })) {
            if (event.type === 'ADDED') watch.events++;
          }
        } catch (error) {
          if (!stop.signal.aborted) throw error;
        }
      });
      await eventually(() => expect(watched.filter((watch) => watch.opened)).to.have.length(300), {
        timeoutMs: 30_000,
      });
      const connectionsForWatches = proxy.open;

      await createConfigMap(admin.client, namespace, 'crowd');
      const answers = await Promise.all(
        Array.from({ length: 500 }, () =>
          crowd.client.request({ method: 'GET', path: configMaps(namespace, 'crowd') }),
        ),
      );
      await eventually(() => expect(watched.filter((watch) => watch.events === 1)).to.have.length(300));
      const connections = proxy.open;
      stop.abort();
      await Promise.all(watches);
      await crowd.close();
      await proxy.close();

      expect(answers.every((answer) => answer.code === 200)).to.equal(true);
      expect(connectionsForWatches).to.be.within(4, 6);
      expect(connections).to.be.at.most(connectionsForWatches + 7);
    });

    it('recovers when all connections are cut: requests at once, a reflector without missing anything', async function () {
      this.timeout(60_000);
      const proxy = await TcpProxy.start(admin.connection.server);
      const cut = await TestApi.connect(undefined, { connection: { server: proxy.url } });
      const stop = new AbortController();
      const store = new Store();
      const reflector = new ListWatcher({
        client: cut.client,
        path: configMaps(namespace),
        store,
        name: 'configmaps',
        log: recordingLog(),
      });
      const running = reflector.run(stop.signal);
      await reflector.waitForSync(AbortSignal.timeout(15_000));

      proxy.reset();
      await createConfigMap(admin.client, namespace, 'while-away');
      const { code } = await cut.client.request({ method: 'GET', path: '/version' });

      expect(code).to.equal(200);
      await eventually(() => expect(store.get(`${namespace}/while-away`)).to.not.equal(undefined));
      stop.abort();
      await running;
      await cut.close();
      await proxy.close();
    });

    it('gives up a connection that has gone silent, and sees what it missed', async function () {
      this.timeout(60_000);
      const proxy = await TcpProxy.start(admin.connection.server);
      const silent = await TestApi.connect(undefined, {
        connection: { server: proxy.url },
        pingIntervalMs: 250,
        silenceMs: 1500,
      });
      const stop = new AbortController();
      const store = new Store();
      const reflector = new ListWatcher({
        client: silent.client,
        path: configMaps(namespace),
        store,
        name: 'configmaps',
        log: recordingLog(),
      });
      const running = reflector.run(stop.signal);
      await reflector.waitForSync(AbortSignal.timeout(15_000));

      proxy.stall();
      await createConfigMap(admin.client, namespace, 'in-silence');
      await eventually(() => expect(proxy.open).to.equal(0), { timeoutMs: 20_000 });
      proxy.resume();

      await eventually(() => expect(store.get(`${namespace}/in-silence`)).to.not.equal(undefined));
      stop.abort();
      await running;
      await silent.close();
      await proxy.close();
    });

    describe('through a proxy', () => {
      const authorities = getCACertificates('default');
      let proxy: ConnectProxy;
      let behind: TestApi;

      afterEach(async () => {
        setDefaultCACertificates(authorities);
        await behind.close();
        await proxy.close();
      });

      async function connect(scheme: 'http' | 'https'): Promise<void> {
        const { authority, serving } = await generateCredentials();
        setDefaultCACertificates([...authorities, authority]);
        proxy = await ConnectProxy.start(scheme === 'https' ? serving : undefined);
        const connection = { proxy: proxy.url };
        behind = await TestApi.connect(undefined, { connection, pingIntervalMs: 250, silenceMs: 1500 });
      }

      for (const scheme of ['http', 'https'] as const) {
        it(`carries the identity end to end (${scheme})`, async () => {
          await connect(scheme);

          expect(await whoAmI(behind.client)).to.equal('control-plane-admin');
          expect(proxy.targets).to.deep.equal([new URL(admin.connection.server).host]);
        });

        it(`replaces tunnels that have gone silent, whatever they are for (${scheme})`, async function () {
          this.timeout(60_000);
          await connect(scheme);
          const name = `behind-${scheme}`;
          const store = new Store();
          const stop = new AbortController();
          const watcher = new ListWatcher({
            client: behind.client,
            path: configMaps(namespace),
            store,
            name: 'configmaps',
            log: recordingLog(),
          });
          const watching = watcher.run(stop.signal);
          const clients = [behind.client, behind.clientOf(token)];
          const uses: (() => Promise<unknown>)[] = clients.flatMap((client) => [
            () => client.request({ method: 'GET', path: '/version', timeoutMs: 2_000 }),
            () => whoAmI(client, 2_000),
          ]);
          await Promise.all([watcher.waitForSync(AbortSignal.timeout(15_000)), ...uses.map((use) => use())]);

          proxy.silence();
          await createConfigMap(admin.client, namespace, name);

          const deadline = { timeoutMs: 20_000 };
          await Promise.all([
            eventually(() => expect(store.get(`${namespace}/${name}`)).to.not.equal(undefined), deadline),
            ...uses.map((use) => eventually(use, deadline)),
          ]);
          stop.abort();
          await watching;
        });

        it(`gives up a tunnel that the proxy does not open (${scheme})`, async function () {
          this.timeout(60_000);
          await connect(scheme);
          const uses: (() => Promise<unknown>)[] = [
            () => behind.client.request({ method: 'GET', path: '/version', timeoutMs: 2_000 }),
            () => whoAmI(behind.client, 2_000),
          ];
          proxy.hangs = true;
          const hung = await Promise.allSettled(uses.map((use) => use()));

          proxy.hangs = false;

          await Promise.all(uses.map((use) => eventually(use, { timeoutMs: 20_000 })));
          expect(hung.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected']);
        });
      }
    });

    it('works over HTTP/1.1 too, a connection for each watch', async () => {
      const old = await TestApi.connect(undefined, { allowH2: false });

      const { code } = await old.client.request({ method: 'GET', path: '/version' });
      const watch = old.client.watch({
        path: apiPath({ group: '', version: 'v1', resource: 'namespaces' }),
        signal: AbortSignal.timeout(10_000),
      });
      const first = await watch.next();
      await watch.return(undefined);
      await old.close();

      expect(code).to.equal(200);
      expect(first.value).to.have.property('type', 'ADDED');
    });
  });
});

import { expect } from 'chai';

import { METADATA_ONLY, METADATA_ONLY_LIST } from '../../../src/k8s/client/objects.js';
import { ListWatcher, type ListWatcherOptions } from '../../../src/k8s/cache/list-watcher.js';
import { apiPath } from '../../../src/k8s/client/api-path.js';
import { Store, type StoreChange } from '../../../src/k8s/cache/store.js';
import { eventually } from '../../support/eventually.js';
import { recordingLog } from '../../support/fakes/recording-log.js';
import { controlPlaneOrSkip, plane } from '../../support/plane.js';
import { createNamespace } from '../../support/tenant.js';
import { TestApi } from '../../support/test-api.js';
import { type ConfigMap, configMaps, createConfigMap } from './config-maps.js';
import { TcpProxy } from './tcp-proxy.js';

describe('the reflector, against a real API server', () => {
  let admin: TestApi;
  let namespace: string;
  let stop: AbortController;
  const running: Promise<void>[] = [];

  before(async () => {
    admin = await TestApi.connect();
  });

  beforeEach(async () => {
    stop = new AbortController();
    namespace = await createNamespace(admin, 'reflector');
  });

  afterEach(async () => {
    stop.abort();
    await Promise.all(running.splice(0));
  });

  after(() => admin.close());

  function reflect(options: Partial<ListWatcherOptions<ConfigMap>> = {}): {
    reflector: ListWatcher<ConfigMap>;
    store: Store<ConfigMap>;
    log: ReturnType<typeof recordingLog>;
  } {
    const store = options.store ?? new Store<ConfigMap>();
    const log = recordingLog();
    const reflector = new ListWatcher<ConfigMap>({
      client: admin.client,
      path: configMaps(namespace),
      name: 'configmaps',
      log,
      ...options,
      store,
    });
    running.push(reflector.run(stop.signal));
    return { reflector, store, log };
  }

  function ownNames(store: Store<ConfigMap>): string[] {
    return store
      .list()
      .map((object) => object.metadata.name)
      .filter((name) => name !== 'kube-root-ca.crt')
      .sort();
  }

  for (const streamingList of [true, false]) {
    const way = streamingList ? 'a streamed list' : 'a list in pages';

    it(`holds what there was, from ${way}, and follows what changes`, async () => {
      await Promise.all(
        Array.from({ length: 7 }, (_, index) => createConfigMap(admin.client, namespace, `cm-${index}`)),
      );
      const { reflector, store } = reflect({ streamingList, pageSize: 3 });
      await reflector.waitForSync(AbortSignal.timeout(15_000));
      const atFirst = ownNames(store);

      await createConfigMap(admin.client, namespace, 'cm-later', { a: '1' });
      await admin.client.request({ method: 'DELETE', path: configMaps(namespace, 'cm-0') });
      await admin.client.request({
        method: 'PATCH',
        path: configMaps(namespace, 'cm-1'),
        body: { data: { changed: 'yes' } },
      });

      expect(atFirst).to.deep.equal(['cm-0', 'cm-1', 'cm-2', 'cm-3', 'cm-4', 'cm-5', 'cm-6']);
      await eventually(() => {
        expect(ownNames(store)).to.deep.equal(['cm-1', 'cm-2', 'cm-3', 'cm-4', 'cm-5', 'cm-6', 'cm-later']);
        expect(store.get(`${namespace}/cm-1`)?.data).to.deep.equal({ changed: 'yes' });
      });
      expect(reflector.lastProgress).to.be.closeTo(Date.now(), 15_000);
    });

    it(`can do with metadata alone, from ${way}`, async () => {
      await createConfigMap(admin.client, namespace, 'big', { secretive: 'x'.repeat(1000) });

      const { reflector, store } = reflect({
        streamingList,
        accept: { list: METADATA_ONLY_LIST, watch: METADATA_ONLY },
      });
      await reflector.waitForSync(AbortSignal.timeout(15_000));

      expect(store.get(`${namespace}/big`)?.metadata.name).to.equal('big');
      expect(store.get(`${namespace}/big`)).to.not.have.property('data');
    });
  }

  it('goes on without a gap and without listing anew when the server ends a watch', async () => {
    const { reflector, store } = reflect({ watchSeconds: [1, 1] });
    await reflector.waitForSync(AbortSignal.timeout(15_000));
    const changes: string[] = [];
    store.subscribe((change) => changes.push(`${change.type} ${change.object.metadata.name}`));

    for (let index = 0; index < 20; index++) {
      await createConfigMap(admin.client, namespace, `cm-${index}`);
      // A real pause: the changes shall fall into several watches of one second.
      await new Promise((resolve) => setTimeout(resolve, 150));
    }

    await eventually(() => expect(ownNames(store)).to.have.length(20));
    expect(changes.filter((change) => change.startsWith('added cm-'))).to.have.length(20);
  });

  it('lists anew, with the deletions it missed, when the server has forgotten where it was', async function () {
    this.timeout(90_000);
    const controlPlane = controlPlaneOrSkip(this, await plane());
    const proxy = await TcpProxy.start(controlPlane.server);
    const behind = await TestApi.connect(undefined, {
      connection: { server: proxy.url },
      pingIntervalMs: 250,
      silenceMs: 1500,
    });
    await createConfigMap(admin.client, namespace, 'stays');
    await createConfigMap(admin.client, namespace, 'goes');
    const { reflector, store, log } = reflect({ client: behind.client });
    await reflector.waitForSync(AbortSignal.timeout(15_000));
    const changes: string[] = [];
    store.subscribe((change: StoreChange<ConfigMap>) =>
      changes.push(`${change.type} ${change.object.metadata.name}`),
    );

    proxy.stall();
    await admin.client.request({ method: 'DELETE', path: configMaps(namespace, 'goes') });
    await createConfigMap(admin.client, namespace, 'comes');
    // A new API server knows nothing that was before its own start.
    await controlPlane.restartApiServer();
    proxy.resume();

    await eventually(() => expect(ownNames(store)).to.deep.equal(['comes', 'stays']), { timeoutMs: 45_000 });
    expect(changes).to.include.members(['deleted goes', 'added comes']);
    expect(log.lines).to.include('debug: configmaps: listing anew');
    expect(log.lines.filter((line) => line.startsWith('warn'))).to.have.length.below(4);
    stop.abort();
    await Promise.all(running.splice(0));
    await behind.close();
    await proxy.close();
  });

  it('waits for a CustomResourceDefinition, and says so once', async function () {
    this.timeout(90_000);
    const { kubectl } = await plane();
    const { reflector, store, log } = reflect({
      path: apiPath({ group: 'test.example.com', version: 'v1', resource: 'widgets' }),
      name: 'widgets',
    });
    await eventually(() =>
      expect(log.lines.filter((line) => line.startsWith('debug'))).to.have.length.above(1),
    );
    const warnings = log.lines.filter((line) => line.startsWith('warn'));

    await kubectl(['apply', '-f', '-'], JSON.stringify(widgetDefinition()));

    await reflector.waitForSync(AbortSignal.timeout(45_000));
    await kubectl(['delete', 'crd', 'widgets.test.example.com']);
    expect(warnings).to.deep.equal([
      'warn: widgets: the API server does not serve this resource (is its CustomResourceDefinition installed?); trying again until it works',
    ]);
    expect(store.list()).to.deep.equal([]);
  });
});

function widgetDefinition(): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.test.example.com' },
    spec: {
      group: 'test.example.com',
      scope: 'Namespaced',
      names: { kind: 'Widget', listKind: 'WidgetList', plural: 'widgets', singular: 'widget' },
      versions: [
        { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
      ],
    },
  };
}

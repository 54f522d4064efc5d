import { expect } from 'chai';

import { binding, configMapRule, role } from '../../../hack/rig/rbac.js';
import { MetadataWatcher } from '../../../src/k8s/cache/metadata-watcher.js';
import { eventually } from '../../support/eventually.js';
import { controlPlaneOrSkip, plane } from '../../support/plane.js';
import { apply } from '../../support/kubectl.js';
import { createNamespace } from '../../support/tenant.js';
import { TestApi } from '../../support/test-api.js';
import { configMaps, createConfigMap } from './config-maps.js';
import { TcpProxy } from './tcp-proxy.js';

describe('the change feed, against a real API server', () => {
  let admin: TestApi;
  let namespace: string;
  let stop: AbortController;
  let story: string[];
  const handlers = {
    onOpen: () => void story.push('open'),
    onClosed: () => void story.push('closed'),
    onChange: (change: { type: string; metadata: { name: string } }) => {
      if (change.metadata.name !== 'kube-root-ca.crt') story.push(`${change.type} ${change.metadata.name}`);
    },
  };

  before(async () => {
    admin = await TestApi.connect();
  });

  beforeEach(async () => {
    stop = new AbortController();
    story = [];
    namespace = await createNamespace(admin, 'feed');
    await createConfigMap(admin.client, namespace, 'there-before');
  });

  after(() => admin.close());

  it('tells what changes from its opening on, and nothing of what was there before', async () => {
    const feed = new MetadataWatcher({ client: admin.client, path: configMaps(namespace) });
    const running = feed.run(handlers, stop.signal);
    await eventually(() => expect(story).to.deep.equal(['open']));

    await createConfigMap(admin.client, namespace, 'new');
    await admin.client.request({ method: 'DELETE', path: configMaps(namespace, 'new') });

    await eventually(() => expect(story).to.deep.equal(['open', 'ADDED new', 'DELETED new']));
    stop.abort();
    await running;
    expect(story.at(-1)).to.equal('closed');
  });

  it("hides the server's regular ends of watches, and loses nothing over them", async () => {
    const feed = new MetadataWatcher({
      client: admin.client,
      path: configMaps(namespace),
      watchSeconds: [1, 1],
    });
    const running = feed.run(handlers, stop.signal);
    await eventually(() => expect(story).to.deep.equal(['open']));

    for (let index = 0; index < 20; index++) {
      await createConfigMap(admin.client, namespace, `cm-${index}`);
      // A real pause: the changes shall fall into several watches of one second.
      await new Promise((resolve) => setTimeout(resolve, 150));
    }

    const expected = ['open', ...Array.from({ length: 20 }, (_, index) => `ADDED cm-${index}`)];
    await eventually(() => expect(story).to.deep.equal(expected));
    stop.abort();
    await running;
  });

  it('comes back by itself after a cut, without a word when it comes back at once', async () => {
    const proxy = await TcpProxy.start(admin.connection.server);
    const behind = await TestApi.connect(undefined, { connection: { server: proxy.url } });
    const feed = new MetadataWatcher({ client: behind.client, path: configMaps(namespace) });
    const running = feed.run(handlers, stop.signal);
    await eventually(() => expect(story).to.deep.equal(['open']));

    proxy.reset();
    await createConfigMap(admin.client, namespace, 'meanwhile');

    await eventually(() => expect(story).to.deep.equal(['open', 'ADDED meanwhile']));
    stop.abort();
    await running;
    await behind.close();
    await proxy.close();
  });

  it('closes and opens anew when the API server was away and has forgotten where it was', async function () {
    this.timeout(90_000);
    const controlPlane = controlPlaneOrSkip(this, await plane());
    const feed = new MetadataWatcher({ client: admin.client, path: configMaps(namespace) });
    const running = feed.run(handlers, stop.signal);
    await eventually(() => expect(story).to.deep.equal(['open']));

    await controlPlane.restartApiServer();

    await eventually(() => expect(story).to.include.members(['open', 'closed']), { timeoutMs: 45_000 });
    await eventually(() => expect(story.at(-1)).to.equal('open'), { timeoutMs: 45_000 });
    await createConfigMap(admin.client, namespace, 'after');
    await eventually(() => expect(story.at(-1)).to.equal('ADDED after'));
    stop.abort();
    await running;
  });

  it('ends with the refusal when the right is missing, and when it is taken away', async () => {
    const { kubectl } = await plane();
    await apply(
      kubectl,
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'tenant', namespace } },
      role({ name: 'watch', namespace }, configMapRule(['list', 'watch'])),
      binding({ name: 'watch', namespace }, { name: 'tenant', namespace }),
    );
    const token = (await kubectl(['create', 'token', 'tenant', '-n', namespace])).trim();
    const client = admin.clientOf(token);
    const feed = new MetadataWatcher({ client, path: configMaps(namespace), watchSeconds: [1, 1] });
    const ended = feed.run(handlers, stop.signal).catch((error: unknown) => error);
    await eventually(() => expect(story).to.deep.equal(['open']));

    await kubectl(['delete', 'rolebinding', 'watch', '-n', namespace]);

    expect(await ended).to.include({ code: 403, reason: 'Forbidden' });
    expect(story).to.deep.equal(['open', 'closed']);
  });
});

import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { AuditLog } from '../../support/audit-log.js';
import { eventually } from '../../support/eventually.js';
import { auditLogOrSkip, plane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import { ALL_VERBS, createNamespace, NEEDED_VERBS, type ConfigMapObject } from '../../support/tenant.js';
import { told } from './told.js';

describe('targets that come and go', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start();
  });
  after(() => fixture.end());

  const relabel = (name: string, labels: Record<string, string | null>): Promise<object> =>
    fixture.api.patch({ resource: 'namespaces', name }, { metadata: { labels } });
  const namespaceGone = async (name: string): Promise<void> => {
    await eventually(async () =>
      expect(await fixture.api.get({ resource: 'namespaces', name })).to.equal(undefined),
    );
  };

  it('removes the copy from a namespace that is taken off the list', async () => {
    const tenant = await fixture.tenant();
    const [stays, goes] = [await tenant.target(), await tenant.target()];
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [stays, goes] });
    await tenant.ready();

    await tenant.patchSync({ spec: { syncToNamespaces: [stays] } });

    await tenant.copyGone(goes);
    await tenant.ready();
    const status = await tenant.status();
    expect(status.targets?.map(({ namespace }) => namespace)).to.deep.equal([stays]);
    expect(status.summary).to.equal('1/1');
    expect(await tenant.copy(stays)).to.not.equal(undefined);
    await eventually(async () => {
      const notes = (await tenant.events('Synced')).map(({ note }) => note);
      expect(notes.join()).to.include('1 removed');
    });
  });

  it('removes it also while the source is missing', async () => {
    const tenant = await fixture.tenant();
    const [stays, goes] = [await tenant.target(), await tenant.target()];
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [stays, goes] });
    await tenant.ready();
    await tenant.deleteConfigMap(tenant.namespace);
    await tenant.condition('SourceConfigMapFound', 'ConfigMapNotFound');

    await tenant.patchSync({ spec: { syncToNamespaces: [stays] } });

    await tenant.copyGone(goes);
    expect(await tenant.copy(stays)).to.not.equal(undefined);
  });

  it('leaves the copy under Orphan, without our marks', async () => {
    const tenant = await fixture.tenant();
    const verbs = NEEDED_VERBS.filter((verb) => verb !== 'delete');
    const [stays, goes] = [await tenant.target(verbs), await tenant.target(verbs)];
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({
      syncToNamespaces: [stays, goes],
      deletionPolicy: 'Orphan',
      target: { labels: { team: 'a' } },
    });
    await tenant.ready();

    await tenant.patchSync({ spec: { syncToNamespaces: [stays] } });
    await eventually(async () => expect(marksOf(await tenant.copy(goes))).to.deep.equal([]));

    const orphan = await tenant.copy(goes);
    expect(orphan?.data).to.deep.equal({ key: 'value' });
    expect(orphan?.metadata.labels).to.deep.equal({ team: 'a' });
    expect(marksOf(await tenant.copy(stays))).to.not.deep.equal([]);
  });

  it('follows the labels of namespaces', async () => {
    const tenant = await fixture.tenant();
    const share = `share-${randomUUID()}`;
    const [relabelled, other] = [await tenant.target(), await tenant.target()];
    await relabel(relabelled, { [share]: 'yes' });
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ namespaceSelector: { matchLabels: { [share]: 'yes' } } });
    await tenant.ready();
    expect(await tenant.copy(other)).to.equal(undefined);

    await relabel(relabelled, { [share]: null });
    await tenant.copyGone(relabelled);
    await tenant.condition('AllTargetsSynced', 'NoTargets');

    await relabel(relabelled, { [share]: 'yes' });
    await relabel(other, { [share]: 'yes' });
    await tenant.copied(relabelled, { key: 'value' });
    await tenant.copied(other, { key: 'value' });
    await tenant.ready();
  });

  it('leaves the copy under Orphan when a namespace is relabelled, without our marks', async () => {
    const tenant = await fixture.tenant();
    const share = `share-${randomUUID()}`;
    const target = await tenant.target();
    await relabel(target, { [share]: 'yes' });
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({
      namespaceSelector: { matchLabels: { [share]: 'yes' } },
      deletionPolicy: 'Orphan',
    });
    await tenant.ready();

    await relabel(target, { [share]: null });

    await eventually(async () => expect(marksOf(await tenant.copy(target))).to.deep.equal([]));
    expect((await tenant.copy(target))?.data).to.deep.equal({ key: 'value' });
  });

  it('reports NoTargets where nothing matches, without an error or a retry', async () => {
    const tenant = await fixture.tenant();
    await tenant.createSource({ data: { key: 'value' } });

    await tenant.createSync({ namespaceSelector: { matchLabels: { [`share-${randomUUID()}`]: 'yes' } } });

    await tenant.condition('AllTargetsSynced', 'NoTargets');
    await tenant.condition('Ready', 'NoTargets');
    expect(await tenant.status()).to.deep.include({ summary: '0/0', targets: [] });
    const failures = fixture.operator
      .log()
      .filter(({ configMapSync, level }) => configMapSync === `${tenant.namespace}/sync` && level === 'warn');
    expect(failures).to.deep.equal([]);
  });

  it('copies into a namespace as soon as it is created, deleted and created again', async () => {
    const tenant = await fixture.tenant();
    await tenant.grantEverywhere(ALL_VERBS);
    const late = `target-${randomUUID().slice(0, 8)}`;
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [late] });
    await tenant.targetState(late, 'NamespaceNotFound');
    const create = (): Promise<object> =>
      fixture.api.create({ resource: 'namespaces' }, { metadata: { name: late } });

    await create();
    await tenant.copied(late, { key: 'value' });
    await tenant.ready();

    await fixture.api.delete({ resource: 'namespaces', name: late });
    await tenant.targetState(late, 'NamespaceNotFound');
    await namespaceGone(late);
    await create();
    await tenant.copied(late, { key: 'value' });
    await tenant.ready();
    const [event] = await told(tenant, 'NamespaceNotFound');
    expect(event?.related?.name).to.equal(late);
  });

  it('is told nothing of a namespace that it has no rights in: Denied, created or not', async () => {
    const tenant = await fixture.tenant();
    const late = `target-${randomUUID().slice(0, 8)}`;
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [late] });
    const before = await tenant.targetState(late, 'Denied');

    await fixture.api.create({ resource: 'namespaces' }, { metadata: { name: late } });
    await tenant.patchSource({ data: { key: 'seen after that' } });
    const source = await tenant.copy(tenant.namespace);
    await eventually(async () =>
      expect((await tenant.status()).sourceResourceVersion).to.equal(source?.metadata.resourceVersion),
    );
    expect(await tenant.targetState(late, 'Denied')).to.deep.equal(before);

    await tenant.grant(late, NEEDED_VERBS);
    await tenant.copied(late, { key: 'seen after that' });
  });

  it('goes on elsewhere while a namespace is stuck in Terminating, and leaves that one alone', async function () {
    const log = await AuditLog.fromNow(auditLogOrSkip(this, await plane()));
    const tenant = await fixture.tenant();
    await tenant.grantEverywhere(ALL_VERBS);
    const held = await createNamespace(fixture.api, 'target');
    const { metadata } = await fixture.api.create<{ metadata: { name: string } }>(
      { resource: 'namespaces' },
      { metadata: { generateName: 'target-' }, spec: { finalizers: ['kubernetes', 'example.com/hold'] } },
    );
    const stuck = metadata.name;
    const other = await createNamespace(fixture.api, 'target');
    await tenant.createSource({ data: { key: '0' } });
    await tenant.createSync({ syncToNamespaces: [held, stuck, other] });
    await tenant.ready();
    // One is held by an object in it, the other by its own spec.
    await tenant.createConfigMap(held, 'held', {
      metadata: { finalizers: ['example.com/hold'] } as unknown as ConfigMapObject['metadata'],
    });
    await fixture.api.delete({ resource: 'namespaces', name: held });
    await fixture.api.delete({ resource: 'namespaces', name: stuck });
    await tenant.targetState(held, 'Terminating');
    await tenant.targetState(stuck, 'Terminating');

    for (const key of ['1', '2', '3', '4', '5']) {
      await tenant.patchSource({ data: { key } });
      await tenant.copied(other, { key });
    }

    for (const namespace of [held, stuck]) {
      const refused = await log.entries({ username: tenant.username, namespace, code: 403 });
      expect(refused.length, `requests refused in ${namespace}`).to.be.at.most(2);
    }
    const errors = fixture.operator
      .log('reconcile failed and is tried again')
      .filter(({ configMapSync }) => configMapSync === `${tenant.namespace}/sync`);
    expect(errors.length).to.be.at.most(2);

    await fixture.api.patch(
      { resource: 'configmaps', namespace: held, name: 'held' },
      { metadata: { finalizers: null } },
    );
    await fixture.api.replace(
      { resource: 'namespaces', name: stuck, subresource: 'finalize' },
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: stuck }, spec: { finalizers: [] } },
    );
    await tenant.targetState(held, 'NamespaceNotFound');
    await tenant.targetState(stuck, 'NamespaceNotFound');
  });
});

describe('targets that went while the operator was away', () => {
  it('are cleared when it is back', async () => {
    const first = await SyncFixture.start();
    const tenant = await first.tenant();
    const share = `share-${randomUUID()}`;
    const [listed, selected] = [await tenant.target(), await tenant.target(NEEDED_VERBS)];
    await first.api.patch(
      { resource: 'namespaces', name: selected },
      { metadata: { labels: { [share]: '' } } },
    );
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({
      syncToNamespaces: [listed],
      namespaceSelector: { matchLabels: { [share]: '' } },
    });
    await tenant.ready();
    await first.operator.stop();
    await first.api.patch(
      { resource: 'namespaces', name: selected },
      { metadata: { labels: { [share]: null } } },
    );
    await tenant.patchSync({ spec: { syncToNamespaces: [tenant.namespace] } });

    const second = await SyncFixture.start();
    try {
      await tenant.copyGone(listed);
      await tenant.copyGone(selected);
    } finally {
      await tenant.deleteSync();
      await tenant.gone();
      await second.end();
      await first.end();
    }
  });
});

/** The marks on a ConfigMap that say that it is a copy of ours. */
function marksOf(configMap: ConfigMapObject | undefined): string[] {
  const { labels = {}, annotations = {} } = configMap?.metadata ?? {};
  return Object.keys({ ...labels, ...annotations }).filter(
    (key) => key.startsWith('configmapsync.io/') || key === 'app.kubernetes.io/managed-by',
  );
}

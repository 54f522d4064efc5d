import { expect } from 'chai';
import { plane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import { NEEDED_VERBS, type ConfigMapObject, type SpecUnderTest } from '../../support/tenant.js';
import { told } from './told.js';

const OWNER_UID = 'configmapsync.io/owner-uid';

describe('ownership of copies', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start();
  });
  after(() => fixture.end());

  it('leaves a ConfigMap that is not ours alone under Fail, says so once, and takes the place when it is free', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    const foreign = await tenant.createConfigMap(target, 'source', { data: { whose: 'theirs' } });
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target] });

    const { message } = await tenant.targetState(target, 'Conflict');
    await tenant.condition('AllTargetsSynced', 'SomeTargetsNotSynced');
    expect(message).to.include(target).and.to.include('spec.conflictPolicy');
    expect((await tenant.copy(target))?.metadata).to.include({
      uid: foreign.metadata.uid,
      resourceVersion: foreign.metadata.resourceVersion,
    });
    const [event] = await told(tenant, 'TargetConflict');
    expect(event?.related).to.include({ kind: 'Namespace', name: target });

    await tenant.deleteConfigMap(target);
    await tenant.copied(target, { key: 'value' });
    await tenant.ready();
  });

  it('takes a ConfigMap of nobody over under Overwrite, with the labels and annotations that it has', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    const foreign = await tenant.createConfigMap(target, 'source', {
      data: { whose: 'theirs' },
      metadata: {
        labels: { app: 'x' },
        annotations: { note: 'y' },
      } as unknown as ConfigMapObject['metadata'],
    });
    await tenant.createSource({ data: { key: 'value' } });

    const { metadata } = await tenant.createSync({ syncToNamespaces: [target], conflictPolicy: 'Overwrite' });

    const copy = await tenant.copied(target, { key: 'value' });
    expect(copy.metadata.uid).to.equal(foreign.metadata.uid);
    expect(copy.metadata.labels).to.include({ app: 'x', [OWNER_UID]: metadata.uid });
    expect(copy.metadata.annotations).to.include({ note: 'y' });
  });

  it('replaces an immutable ConfigMap of nobody under Overwrite', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createConfigMap(target, 'source', { data: { whose: 'theirs' }, immutable: true });
    await tenant.createSource({ data: { key: 'value' } });

    await tenant.createSync({ syncToNamespaces: [target], conflictPolicy: 'Overwrite' });

    const copy = await tenant.copied(target, { key: 'value' });
    expect(copy.immutable).to.equal(undefined);
  });

  for (const conflictPolicy of ['Fail', 'Overwrite'] as const) {
    it(`gives one place to the first of two ConfigMapSyncs under ${conflictPolicy}, and to the other when the first goes`, async () => {
      const tenant = await fixture.tenant();
      // Without the right to watch: it is the other ConfigMapSync's end that tells.
      const target = await tenant.target(NEEDED_VERBS);
      await tenant.createSource({ data: { key: 'first' } });
      await tenant.createSource({ data: { key: 'second' } }, 'other-source');
      const spec = { syncToNamespaces: [target], target: { name: 'place' }, conflictPolicy };
      await tenant.createSync(spec, 'first');
      await tenant.ready('first');

      await tenant.createSync({ ...spec, source: { name: 'other-source' } }, 'second');
      const { message } = await tenant.targetState(target, 'Conflict', { name: 'second' });
      expect(message).to.include(`ConfigMapSync ${tenant.namespace}/first`);
      expect((await tenant.copy(target, 'place'))?.data).to.deep.equal({ key: 'first' });

      await tenant.deleteSync('first');
      await tenant.copied(target, { key: 'second' }, { name: 'place' });
      await tenant.ready('second');
    });
  }

  it('gives the place to the other one as well when the first takes the namespace off its list', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target(NEEDED_VERBS);
    const elsewhere = await tenant.target();
    await tenant.createSource({ data: { key: 'first' } });
    await tenant.createSource({ data: { key: 'second' } }, 'other-source');
    const spec = { syncToNamespaces: [target], target: { name: 'place' } };
    await tenant.createSync(spec, 'first');
    await tenant.ready('first');
    await tenant.createSync({ ...spec, source: { name: 'other-source' } }, 'second');
    await tenant.targetState(target, 'Conflict', { name: 'second' });

    await tenant.patchSync({ spec: { syncToNamespaces: [elsewhere] } }, 'first');

    await tenant.copied(target, { key: 'second' }, { name: 'place' });
    await tenant.ready('second');
  });

  it('leaves what it was in conflict with when a ConfigMapSync is deleted', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    const contested = await tenant.target();
    await tenant.createConfigMap(target, 'source', { data: { whose: 'theirs' } });
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [contested] }, 'holder');
    await tenant.ready('holder');
    await tenant.createSync({ syncToNamespaces: [target, contested] });
    await tenant.targetState(target, 'Conflict');
    await tenant.targetState(contested, 'Conflict');

    await tenant.deleteSync();
    await tenant.gone();

    expect((await tenant.copy(target))?.data).to.deep.equal({ whose: 'theirs' });
    expect((await tenant.copy(contested))?.data).to.deep.equal({ key: 'value' });
  });

  it('removes nothing because of forged marks: not with the uid alone, not where the ServiceAccount has no rights', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    const closed = await tenant.target([]);
    await tenant.createSource({ data: { key: 'value' } });
    const { metadata } = await tenant.createSync({ syncToNamespaces: [target, closed] });
    await tenant.targetState(target, 'Synced');
    const labels = { 'app.kubernetes.io/managed-by': 'config-weaver', [OWNER_UID]: metadata.uid };
    const annotations = {
      'configmapsync.io/owner-name': metadata.name,
      'configmapsync.io/owner-namespace': tenant.namespace,
    };
    const marked = (marks: object): Partial<ConfigMapObject> => ({
      data: { whose: 'theirs' },
      metadata: marks as ConfigMapObject['metadata'],
    });
    await tenant.createConfigMap(target, 'uid-alone', marked({ labels }));
    const elsewhere = { ...annotations, 'configmapsync.io/owner-namespace': 'elsewhere' };
    await tenant.createConfigMap(target, 'other-namespace', marked({ labels, annotations: elsewhere }));
    await tenant.createConfigMap(closed, 'source', marked({ labels, annotations }));

    await tenant.deleteSync();
    await tenant.gone();

    expect(await tenant.copy(target)).to.equal(undefined);
    expect(await tenant.copy(target, 'uid-alone')).to.not.equal(undefined);
    expect(await tenant.copy(target, 'other-namespace')).to.not.equal(undefined);
    expect(await tenant.copy(closed)).to.not.equal(undefined);
  });

  it('does not replace an immutable ConfigMap that carries a forged uid', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target([]);
    await tenant.createSource({ data: { key: 'value' } });
    const { metadata } = await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.targetState(target, 'Denied');
    const forged = await tenant.createConfigMap(target, 'source', {
      data: { whose: 'theirs' },
      immutable: true,
      metadata: { labels: { [OWNER_UID]: metadata.uid } } as unknown as ConfigMapObject['metadata'],
    });

    await tenant.grant(target, NEEDED_VERBS);

    await tenant.targetState(target, 'Conflict');
    expect((await tenant.copy(target))?.metadata.uid).to.equal(forged.metadata.uid);
  });

  it('never copies kubectl.kubernetes.io/last-applied-configuration', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    const { kubectl } = await plane();
    const source = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'source' },
      data: { key: 'value' },
    };
    await kubectl(['apply', '-n', tenant.namespace, '-f', '-'], JSON.stringify(source));

    await tenant.createSync({ syncToNamespaces: [target] });

    const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
    expect((await tenant.copy(tenant.namespace))?.metadata.annotations).to.have.property(lastApplied);
    const copy = await tenant.copied(target, { key: 'value' });
    expect(copy.metadata.annotations).to.not.have.property(lastApplied);
  });

  it('takes the copies of a predecessor over: same name, namespace and source', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });
    const first = await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.ready();
    const before = (await tenant.copy(target))!.metadata;
    await fixture.api.delete(
      { resource: 'configmapsyncs', namespace: tenant.namespace, name: 'sync' },
      { propagationPolicy: 'Orphan' },
    );
    await tenant.gone();

    const second = await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.ready();

    const after = (await tenant.copy(target))!.metadata;
    expect(before.labels).to.include({ [OWNER_UID]: first.metadata.uid });
    expect(after.labels).to.include({ [OWNER_UID]: second.metadata.uid });
    expect(after.uid).to.equal(before.uid);
  });

  it('treats the copy of an owner that is gone and was another one as a ConfigMap of somebody else', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target] }, 'gone');
    await tenant.ready('gone');
    await fixture.api.delete(
      { resource: 'configmapsyncs', namespace: tenant.namespace, name: 'gone' },
      { propagationPolicy: 'Orphan' },
    );
    await tenant.gone('gone');

    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.targetState(target, 'Conflict');
    await tenant.patchSync({ spec: { conflictPolicy: 'Overwrite' } });

    await tenant.ready();
  });

  it('writes no ownerReferences and never to the source', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    const source = await tenant.createSource({ data: { key: 'value' } });

    await tenant.createSync({ syncToNamespaces: [target, tenant.namespace] });
    await tenant.ready();

    expect((await tenant.copy(target))?.metadata.ownerReferences).to.equal(undefined);
    expect((await tenant.copy(tenant.namespace))?.metadata.resourceVersion).to.equal(
      source.metadata.resourceVersion,
    );
    await tenant.targetState(tenant.namespace, 'Skipped');
    await tenant.deleteSync();
    await tenant.gone();
    expect(await tenant.copy(tenant.namespace)).to.not.equal(undefined);
  });
});

describe('chains and circles', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start();
  });
  after(() => fixture.end());

  it("passes a copy on as another ConfigMapSync's source", async () => {
    const tenant = await fixture.tenant();
    const middle = await tenant.target();
    const end = await tenant.target();
    await tenant.createSource({ data: { key: 'one' } });
    await tenant.createSync({ syncToNamespaces: [middle] }, 'first');
    await tenant.createSync(
      { source: { namespace: middle, name: 'source' }, syncToNamespaces: [end] },
      'second',
    );
    await tenant.copied(end, { key: 'one' });

    await tenant.patchSource({ data: { key: 'two' } });

    await tenant.copied(end, { key: 'two' });
  });

  it('settles a circle under Fail as a conflict: the place of the source is taken', async () => {
    const tenant = await fixture.tenant();
    const other = await tenant.target();
    await tenant.grant(tenant.namespace, [...NEEDED_VERBS, 'list', 'watch']);
    const source = await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [other] }, 'there');
    await tenant.ready('there');

    await tenant.createSync(
      { source: { namespace: other, name: 'source' }, syncToNamespaces: [tenant.namespace] },
      'back',
    );

    await tenant.targetState(tenant.namespace, 'Conflict', { name: 'back' });
    expect((await tenant.copy(tenant.namespace))?.metadata.resourceVersion).to.equal(
      source.metadata.resourceVersion,
    );
  });

  it('settles a circle under Overwrite as a conflict of its youngest, by way of a third namespace too', async () => {
    const tenant = await fixture.tenant();
    const [second, third] = [await tenant.target(), await tenant.target()];
    await tenant.grant(tenant.namespace, [...NEEDED_VERBS, 'list', 'watch']);
    await tenant.createSource({ data: { key: 'value' } });
    const from = (namespace: string, to: string): SpecUnderTest => ({
      source: { namespace, name: 'source' },
      syncToNamespaces: [to],
      conflictPolicy: 'Overwrite',
    });
    await tenant.createSync(from(tenant.namespace, second), 'one');
    await tenant.ready('one');
    await tenant.createSync(from(second, third), 'two');
    await tenant.ready('two');

    await tenant.createSync(from(third, tenant.namespace), 'three');

    const { reason } = await tenant.targetState(tenant.namespace, 'Conflict', { name: 'three' });
    expect(reason).to.equal('Loop');
    await tenant.patchSource({ data: { key: 'changed' } });
    await tenant.copied(third, { key: 'changed' });
    expect((await tenant.copy(tenant.namespace))?.metadata.labels).to.equal(undefined);
  });
});

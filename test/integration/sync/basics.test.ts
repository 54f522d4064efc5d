import { expect } from 'chai';
import { eventually } from '../../support/eventually.js';
import { createNamespace, ALL_VERBS } from '../../support/tenant.js';
import { SyncFixture } from '../../support/sync-fixture.js';

describe('syncing a ConfigMap', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start();
  });
  after(() => fixture.end());

  describe('content', () => {
    it('copies the source into each target namespace and says so', async () => {
      const tenant = await fixture.tenant();
      const foo = await tenant.target();
      const bar = await tenant.target();
      const source = await tenant.createSource({ data: { key: 'value' } });

      await tenant.createSync({ syncToNamespaces: [foo, bar] });

      await tenant.copied(foo, { key: 'value' });
      await tenant.copied(bar, { key: 'value' });
      await tenant.ready();
      expect(await tenant.status()).to.deep.include({
        observedGeneration: 1,
        serviceAccount: tenant.username,
        summary: '2/2',
        wantedTargets: 2,
        syncedTargets: 2,
        deniedTargets: 0,
        sourceResourceVersion: source.metadata.resourceVersion,
      });
    });

    it('marks a copy as what it is, and takes over neither labels nor annotations of the source', async () => {
      const tenant = await fixture.tenant();
      const foo = await tenant.target();
      const lastApplied = { 'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"secret":"old"}}' };
      const source = await tenant.createConfigMap(tenant.namespace, 'source', {
        data: { key: 'value' },
        metadata: { labels: { team: 'a' }, annotations: lastApplied } as never,
      });

      const sync = await tenant.createSync({
        syncToNamespaces: [foo],
        target: { name: 'other-name', labels: { tier: 'web' }, annotations: { 'example.com/note': 'hello' } },
      });
      await tenant.ready();

      const copy = await tenant.copy(foo, 'other-name');
      const status = await tenant.status();
      expect(copy?.metadata.labels).to.deep.equal({
        tier: 'web',
        'app.kubernetes.io/managed-by': 'config-weaver',
        'configmapsync.io/owner-uid': sync.metadata.uid,
      });
      expect(copy?.metadata.annotations).to.deep.equal({
        'example.com/note': 'hello',
        'configmapsync.io/owner-name': 'sync',
        'configmapsync.io/owner-namespace': tenant.namespace,
        'configmapsync.io/source': `${tenant.namespace}/source`,
        'configmapsync.io/source-resource-version': source.metadata.resourceVersion,
        'configmapsync.io/content-hash': status.contentHash,
        'configmapsync.io/service-account': 'syncer',
        'configmapsync.io/target-metadata': '{"labels":["tier"],"annotations":["example.com/note"]}',
      });
      expect(copy?.metadata.ownerReferences).to.equal(undefined);
      expect((await tenant.sync())?.metadata.finalizers).to.deep.equal(['configmapsync.io/finalizer']);
    });

    it('follows keys that are added, changed and removed at the source', async () => {
      const tenant = await fixture.tenant();
      const foo = await tenant.target();
      await tenant.createSource({ data: { a: '1', b: '2' } });
      await tenant.createSync({ syncToNamespaces: [foo] });
      await tenant.copied(foo, { a: '1', b: '2' });

      await tenant.patchSource({ data: { c: '3' } });
      await tenant.copied(foo, { a: '1', b: '2', c: '3' });

      await tenant.patchSource({ data: { a: 'changed' } });
      await tenant.copied(foo, { a: 'changed', b: '2', c: '3' });

      await tenant.patchSource({ data: { b: null } });
      await tenant.copied(foo, { a: 'changed', c: '3' });
    });

    it('follows binaryData, byte for byte', async () => {
      const tenant = await fixture.tenant();
      const foo = await tenant.target();
      const bytes = Buffer.from([0, 1, 0xfe, 0xff]).toString('base64');
      await tenant.createSource({ data: { text: 'yes' }, binaryData: { blob: bytes } });

      await tenant.createSync({ syncToNamespaces: [foo] });
      const first = await tenant.copied(foo, { text: 'yes' });
      await tenant.patchSource({ binaryData: { blob: null, other: 'AAEC' } });

      expect(first.binaryData).to.deep.equal({ blob: bytes });
      await eventually(async () =>
        expect((await tenant.copy(foo))?.binaryData).to.deep.equal({ other: 'AAEC' }),
      );
    });

    it('copies an empty source', async () => {
      const tenant = await fixture.tenant();
      const foo = await tenant.target();
      await tenant.createSource({});

      await tenant.createSync({ syncToNamespaces: [foo] });

      await tenant.copied(foo, undefined);
      await tenant.ready();
    });

    it('empties a copy when its source is emptied', async () => {
      const tenant = await fixture.tenant();
      const foo = await tenant.target();
      await tenant.createSource({ data: { a: '1' }, binaryData: { b: 'AAEC' } });
      await tenant.createSync({ syncToNamespaces: [foo] });
      await tenant.copied(foo, { a: '1' });

      await tenant.patchSource({ data: null, binaryData: null });

      const copy = await tenant.copied(foo, undefined);
      expect(copy.binaryData).to.equal(undefined);
    });

    it('replaces immutable copies when the source comes back with other content', async () => {
      const tenant = await fixture.tenant();
      const foo = await tenant.target();
      await tenant.createSource({ data: { a: '1' }, immutable: true });
      await tenant.createSync({ syncToNamespaces: [foo] });
      const first = await tenant.copied(foo, { a: '1' });

      await tenant.deleteConfigMap(tenant.namespace);
      await tenant.condition('SourceConfigMapFound', 'ConfigMapNotFound');
      await tenant.createSource({ data: { a: '2' }, immutable: true });

      const second = await tenant.copied(foo, { a: '2' });
      await tenant.ready();
      expect(first.immutable).to.equal(true);
      expect(second.immutable).to.equal(true);
      expect(second.metadata.uid).to.not.equal(first.metadata.uid);
    });

    it('makes copies immutable in place when only that changes at the source', async () => {
      const tenant = await fixture.tenant();
      const foo = await tenant.target();
      await tenant.createSource({ data: { a: '1' } });
      await tenant.createSync({ syncToNamespaces: [foo] });
      const first = await tenant.copied(foo, { a: '1' });

      await tenant.patchSource({ immutable: true });

      await eventually(async () => expect((await tenant.copy(foo))?.immutable).to.equal(true));
      expect((await tenant.copy(foo))?.metadata.uid).to.equal(first.metadata.uid);
    });

    it('copies only the keys that are asked for, and names those that the source lacks', async () => {
      const tenant = await fixture.tenant();
      const foo = await tenant.target();
      await tenant.createSource({ data: { 'ca.crt': 'pem', other: 'x' } });

      await tenant.createSync({ syncToNamespaces: [foo], keys: ['ca.crt', 'missing.crt'] });

      await tenant.copied(foo, { 'ca.crt': 'pem' });
      const { message } = await tenant.condition('AllTargetsSynced', 'AllConfigMapsSynced');
      expect(message).to.contain('missing.crt');
    });
  });

  describe('the end', () => {
    it('removes the copies with the ConfigMapSync, and leaves the source', async () => {
      const tenant = await fixture.tenant();
      const foo = await tenant.target();
      const bar = await tenant.target();
      await tenant.createSource({ data: { key: 'value' } });
      await tenant.createSync({ syncToNamespaces: [foo, bar] });
      await tenant.ready();

      await tenant.deleteSync();

      await eventually(async () => expect(await tenant.sync()).to.equal(undefined));
      expect(await tenant.copy(foo)).to.equal(undefined);
      expect(await tenant.copy(bar)).to.equal(undefined);
      expect((await tenant.copy(tenant.namespace))?.data).to.deep.equal({ key: 'value' });
    });
  });

  it('completes the deletion of a ConfigMapSync that never made a copy at once', async () => {
    const tenant = await fixture.tenant();
    const foo = await tenant.target();
    await tenant.createSync({ syncToNamespaces: [foo] });
    await tenant.condition('SourceConfigMapFound', 'ConfigMapNotFound');

    await tenant.deleteSync();

    await tenant.gone('sync', { timeoutMs: 2000 });
  });

  describe('the source', () => {
    it("is never copied onto itself, also when its namespace is a target twice over, and the others' copies come", async () => {
      const tenant = await fixture.tenant({ home: ALL_VERBS });
      const foo = await tenant.target();
      const source = await tenant.createSource({ data: { key: 'value' } });

      await tenant.createSync({
        syncToNamespaces: [tenant.namespace, foo],
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': tenant.namespace } },
        conflictPolicy: 'Overwrite',
      });
      await tenant.ready();

      const status = await tenant.status();
      expect(status.summary).to.equal('1/1');
      expect(status.targets?.find(({ namespace }) => namespace === tenant.namespace)).to.deep.include({
        state: 'Skipped',
        reason: 'SourceItself',
      });
      expect(await tenant.copy(tenant.namespace)).to.deep.equal(source);
      await tenant.deleteSync();
      await tenant.copyGone(foo);
      expect(await tenant.copy(tenant.namespace)).to.deep.equal(source);
    });

    it('is copied within its own namespace under another name', async () => {
      const tenant = await fixture.tenant({ home: ALL_VERBS });
      await tenant.createSource({ data: { key: 'value' } });

      await tenant.createSync({ syncToNamespaces: [tenant.namespace], target: { name: 'twin' } });

      await tenant.copied(tenant.namespace, { key: 'value' }, { name: 'twin' });
      await tenant.ready();
    });

    it('may appear after the ConfigMapSync', async () => {
      const tenant = await fixture.tenant();
      const foo = await tenant.target();
      await tenant.createSync({ syncToNamespaces: [foo] });
      const { message } = await tenant.condition('SourceConfigMapFound', 'ConfigMapNotFound');

      await tenant.createSource({ data: { key: 'value' } });

      await tenant.copied(foo, { key: 'value' });
      await tenant.ready();
      expect(message).to.equal(`there is no ConfigMap "source" in namespace "${tenant.namespace}"`);
    });

    it('may be in another namespace, where the ServiceAccount may get it', async () => {
      const tenant = await fixture.tenant();
      const elsewhere = await tenant.target(['get', 'list', 'watch']);
      const foo = await tenant.target();
      await tenant.createConfigMap(elsewhere, 'shared', { data: { key: 'value' } });

      await tenant.createSync({
        source: { name: 'shared', namespace: elsewhere },
        syncToNamespaces: [foo],
      });

      await tenant.copied(foo, { key: 'value' }, { name: 'shared' });
      await tenant.ready();
    });

    it('changed while the operator was down: the copies catch up', async () => {
      const tenant = await fixture.tenant();
      const foo = await tenant.target();
      await tenant.createSource({ data: { key: 'before' } });
      await tenant.createSync({ syncToNamespaces: [foo] });
      await tenant.ready();

      await fixture.restart(async () => {
        await tenant.patchSource({ data: { key: 'after' } });
      });

      await tenant.copied(foo, { key: 'after' });
      await tenant.ready();
    });
  });

  describe('names and numbers', () => {
    it('works with names as long as Kubernetes allows', async () => {
      const tenant = await fixture.tenant();
      const foo = await tenant.target();
      const sourceName = `s${'x'.repeat(251)}s`;
      const syncName = `c.${'y'.repeat(250)}c`;
      await tenant.createSource({ data: { key: 'value' } }, sourceName);

      await tenant.createSync({ source: { name: sourceName }, syncToNamespaces: [foo] }, syncName);

      await tenant.copied(foo, { key: 'value' }, { name: sourceName });
      await tenant.ready(syncName);
      await eventually(async () => expect(await tenant.events('Synced', syncName)).to.have.length(1));
    });

    it('serves many ConfigMapSyncs of one source', async () => {
      const tenant = await fixture.tenant();
      const foo = await tenant.target();
      const names = Array.from({ length: 12 }, (_, index) => `copy-${index}`);
      await tenant.createSource({ data: { key: 'old' } });
      for (const name of names) await tenant.createSync({ syncToNamespaces: [foo], target: { name } }, name);
      for (const name of names) await tenant.copied(foo, { key: 'old' }, { name });

      await tenant.patchSource({ data: { key: 'new' } });

      for (const name of names) await tenant.copied(foo, { key: 'new' }, { name });
      for (const name of names) await tenant.ready(name);
    });
  });

  describe('chains and loops', () => {
    it("works where a copy is another ConfigMapSync's source", async () => {
      const tenant = await fixture.tenant();
      const middle = await tenant.target();
      const last = await tenant.target();
      await tenant.createSource({ data: { key: 'one' } });
      await tenant.createSync(
        { source: { name: 'source', namespace: middle }, syncToNamespaces: [last] },
        'second',
      );
      await tenant.createSync({ syncToNamespaces: [middle] }, 'first');
      await tenant.copied(last, { key: 'one' });

      await tenant.patchSource({ data: { key: 'two' } });

      await tenant.copied(last, { key: 'two' });
      await tenant.ready('first');
      await tenant.ready('second');
    });

    it('settles a loop as a conflict: the first ConfigMapSync works, the second one leaves the source alone', async () => {
      const tenant = await fixture.tenant({ home: ALL_VERBS });
      const far = await tenant.target();
      const source = await tenant.createSource({ data: { key: 'value' } });
      await tenant.createSync({ syncToNamespaces: [far] }, 'there');
      await tenant.ready('there');

      await tenant.createSync(
        { source: { name: 'source', namespace: far }, syncToNamespaces: [tenant.namespace] },
        'back',
      );

      const target = await tenant.targetState(tenant.namespace, 'Conflict', { name: 'back' });
      await tenant.ready('there');
      expect(target.reason).to.equal('Loop');
      expect(target.message).to.contain(`through ConfigMapSync ${tenant.namespace}/there`);
      expect(await tenant.copy(tenant.namespace)).to.deep.equal(source);
      await tenant.patchSource({ data: { key: 'changed' } });
      await tenant.copied(far, { key: 'changed' });
    });

    it('settles a loop of two that overwrite as a conflict as well, so that a change of the source still counts', async () => {
      const tenant = await fixture.tenant({ home: ALL_VERBS });
      const far = await tenant.target();
      await tenant.createSource({ data: { key: 'value' } });
      await tenant.createSync({ syncToNamespaces: [far], conflictPolicy: 'Overwrite' }, 'there');
      await tenant.ready('there');

      await tenant.createSync(
        {
          source: { name: 'source', namespace: far },
          syncToNamespaces: [tenant.namespace],
          conflictPolicy: 'Overwrite',
        },
        'back',
      );

      await tenant.targetState(tenant.namespace, 'Conflict', { name: 'back' });
      await tenant.patchSource({ data: { key: 'changed' } });
      await tenant.copied(far, { key: 'changed' });
      await tenant.ready('there');
      expect((await tenant.copy(tenant.namespace))?.data).to.deep.equal({ key: 'changed' });
    });
  });

  describe('a loop of two that were there before and both overwrite', () => {
    it('ends with one of them in conflict and both places equal, whichever came first', async () => {
      const tenant = await fixture.tenant({ home: ALL_VERBS });
      const far = await tenant.target();
      await tenant.createSource({ data: { from: 'here' } });
      await tenant.createConfigMap(far, 'source', { data: { from: 'there' } });
      const back = { source: { name: 'source', namespace: far }, syncToNamespaces: [tenant.namespace] };
      await Promise.all([
        tenant.createSync({ syncToNamespaces: [far], conflictPolicy: 'Overwrite' }, 'there'),
        tenant.createSync({ ...back, conflictPolicy: 'Overwrite' }, 'back'),
      ]);
      await fixture.idle();

      await tenant.patchSource({ data: { from: 'an edit' } });
      await fixture.idle();

      const states = await Promise.all(
        ['there', 'back'].map(async (name) => (await tenant.status(name)).targets?.[0]?.reason),
      );
      expect(states.toSorted()).to.deep.equal(['ConfigMapSynced', 'Loop']);
      expect((await tenant.copy(far))?.data).to.deep.equal((await tenant.copy(tenant.namespace))?.data);
    });
  });

  describe('rest', () => {
    it('writes neither copies nor status again, however often it looks: five looks and a restart', async () => {
      const tenant = await fixture.tenant();
      const foo = await tenant.target();
      const gone = `absent-${foo}`;
      await tenant.createSource({ data: { key: 'value' } });
      await tenant.createSync({ syncToNamespaces: [foo, gone] });
      await tenant.targetState(gone, 'Denied');
      const copy = await tenant.copied(foo, { key: 'value' });
      const status = await tenant.status();
      await eventually(async () => expect(await tenant.events()).to.have.length(2));
      const writes = async (): Promise<string[]> =>
        (await fixture.auditOf(tenant))
          .filter(({ objectRef }) => /^(configmaps|configmapsyncs|events)$/.test(objectRef?.resource ?? ''))
          .filter(({ verb }) => !['get', 'list', 'watch'].includes(verb))
          .map(({ verb, requestURI }) => `${verb} ${requestURI}`);
      const writesBefore = await writes();

      for (const look of ['1', '2', '3', '4', '5']) {
        const before = await fixture.reconciles();
        await tenant.patchSource({ metadata: { labels: { look } } });
        await eventually(async () => expect(await fixture.reconciles()).to.be.greaterThan(before));
        expect(await tenant.copy(foo), `look ${look}`).to.deep.equal(copy);
      }
      await fixture.restart();
      await eventually(async () => expect(await fixture.reconciles()).to.be.greaterThan(0));
      await fixture.idle();

      expect(await tenant.copy(foo)).to.deep.equal(copy);
      expect(await tenant.status()).to.deep.equal(status);
      expect(await tenant.events()).to.have.length(2);
      expect(await writes()).to.deep.equal(writesBefore);
    });

    it('leaves a label and an annotation that somebody puts on a copy', async () => {
      const tenant = await fixture.tenant();
      const foo = await tenant.target();
      await tenant.createSource({ data: { key: 'value' } });
      await tenant.createSync({ syncToNamespaces: [foo] });
      await tenant.copied(foo, { key: 'value' });

      await tenant.patchConfigMap(foo, 'source', {
        metadata: { labels: { mine: 'yes' }, annotations: { 'example.com/mine': 'too' } },
      });
      await tenant.patchSource({ data: { key: 'newer' } });

      const copy = await tenant.copied(foo, { key: 'newer' });
      expect(copy.metadata.labels).to.include({ mine: 'yes' });
      expect(copy.metadata.annotations).to.include({ 'example.com/mine': 'too' });
    });
  });

  describe('a selector', () => {
    it('adds the namespaces that match it to those that are named', async () => {
      const tenant = await fixture.tenant();
      const named = await tenant.target();
      const label = { share: tenant.namespace };
      const matching = await createNamespace(fixture.api, 'target', label);
      await tenant.grant(matching, ALL_VERBS);
      await tenant.createSource({ data: { key: 'value' } });

      await tenant.createSync({ syncToNamespaces: [named], namespaceSelector: { matchLabels: label } });

      await tenant.copied(named, { key: 'value' });
      await tenant.copied(matching, { key: 'value' });
      await tenant.ready();
      expect((await tenant.status()).summary).to.equal('2/2');
    });
  });
});

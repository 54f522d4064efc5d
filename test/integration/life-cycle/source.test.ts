import { expect } from 'chai';
import { eventually } from '../../support/eventually.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import { ALL_VERBS, createNamespace, NEEDED_VERBS, type ConfigMapObject } from '../../support/tenant.js';
import { told } from './told.js';

describe('a source that goes and comes', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start();
  });
  after(() => fixture.end());

  it('leaves the copies under Retain and reports it; they follow when it is back', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'one' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.ready();
    const { uid } = (await tenant.copy(target))!.metadata;

    await tenant.deleteConfigMap(tenant.namespace);
    await tenant.condition('SourceConfigMapFound', 'ConfigMapNotFound');
    await tenant.condition('Ready', 'ConfigMapNotFound');
    expect((await tenant.copy(target))?.data).to.deep.equal({ key: 'one' });
    await told(tenant, 'SourceNotFound');

    await tenant.createSource({ data: { key: 'two' } });
    const copy = await tenant.copied(target, { key: 'two' });
    expect(copy.metadata.uid).to.equal(uid);
    await tenant.ready();
  });

  it('takes the copies with it under Delete; they come back with it', async () => {
    const tenant = await fixture.tenant();
    const [watched, unwatched] = [await tenant.target(), await tenant.target(NEEDED_VERBS)];
    await tenant.createSource({ data: { key: 'one' } });
    await tenant.createSync({ syncToNamespaces: [watched, unwatched], sourceDeletionPolicy: 'Delete' });
    await tenant.ready();

    await tenant.deleteConfigMap(tenant.namespace);
    await tenant.copyGone(watched);
    await tenant.copyGone(unwatched);
    await tenant.condition('SourceConfigMapFound', 'ConfigMapNotFound');
    expect((await tenant.status()).summary).to.equal('0/2');

    await tenant.createSource({ data: { key: 'two' } });
    await tenant.copied(watched, { key: 'two' });
    await tenant.copied(unwatched, { key: 'two' });
    await tenant.ready();
  });

  it('may take its whole namespace with it: told to those who have rights there, and carried out', async () => {
    const tenant = await fixture.tenant();
    await tenant.grantEverywhere(ALL_VERBS);
    const sourceNamespace = await createNamespace(fixture.api, 'source');
    const [kept, removed] = [await tenant.target(), await tenant.target()];
    const source = { name: 'source', namespace: sourceNamespace };
    await tenant.createConfigMap(sourceNamespace, 'source', { data: { key: 'value' } });
    await tenant.createSync({ source, syncToNamespaces: [kept] }, 'retain');
    await tenant.createSync(
      { source, syncToNamespaces: [removed], sourceDeletionPolicy: 'Delete' },
      'delete',
    );
    await tenant.ready('retain');
    await tenant.ready('delete');

    await fixture.api.delete({ resource: 'namespaces', name: sourceNamespace });

    await tenant.condition('SourceConfigMapFound', 'SourceNamespaceNotFound', { name: 'retain' });
    await tenant.condition('SourceConfigMapFound', 'SourceNamespaceNotFound', { name: 'delete' });
    await tenant.copyGone(removed);
    expect((await tenant.copy(kept))?.data).to.deep.equal({ key: 'value' });
  });

  it('is SourceDenied when the namespace takes the rights with it, and then no copy goes, not even under Delete', async () => {
    const tenant = await fixture.tenant();
    const sourceNamespace = await tenant.target(['get']);
    const target = await tenant.target();
    await tenant.createConfigMap(sourceNamespace, 'source', { data: { key: 'value' } });
    await tenant.createSync({
      source: { name: 'source', namespace: sourceNamespace },
      syncToNamespaces: [target],
      sourceDeletionPolicy: 'Delete',
    });
    await tenant.ready();

    await tenant.revoke(sourceNamespace);
    await fixture.api.delete({ resource: 'namespaces', name: sourceNamespace });
    // Any reason to look will do.
    await tenant.patchSync({ spec: { target: { labels: { look: 'again' } } } });

    await tenant.condition('SourceConfigMapFound', 'SourceDenied');
    await tenant.targetState(target, 'Stale');
    expect((await tenant.copy(target))?.data).to.deep.equal({ key: 'value' });
  });

  it('is immutable: its copies are, and are replaced when it comes back with another content', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'one' }, immutable: true });
    await tenant.createSync({ syncToNamespaces: [target] });
    const before = await tenant.copied(target, { key: 'one' });
    expect(before.immutable).to.equal(true);
    await tenant.ready();

    await tenant.deleteConfigMap(tenant.namespace);
    await tenant.createSource({ data: { key: 'two' } });

    const after = await tenant.copied(target, { key: 'two' });
    expect(after.immutable).to.equal(undefined);
    expect(after.metadata.uid).to.not.equal(before.metadata.uid);
    await tenant.ready();
  });

  it('may be as large as a ConfigMap can be', async () => {
    const tenant = await fixture.tenant();
    const [one, two] = [await tenant.target(), await tenant.target()];
    const mebibyte = 1024 * 1024;
    await tenant.createSource({ data: { key: 'x'.repeat(mebibyte) } });

    await tenant.createSync({ syncToNamespaces: [one, two] });
    await tenant.ready();

    expect((await tenant.copy(one))?.data?.key).to.have.length(mebibyte);
    expect((await tenant.copy(two))?.data?.key).to.have.length(mebibyte);
    await tenant.patchSource({ data: { key: 'y'.repeat(mebibyte) } });
    await eventually(async () => expect((await tenant.copy(two))?.data?.key?.startsWith('y')).to.equal(true));
  });

  it('may be refused by the API server in one namespace: that is the reason there and nowhere else', async () => {
    const tenant = await fixture.tenant();
    const [fits, tooLarge, full] = [await tenant.target(), await tenant.target(), await tenant.target()];
    // Annotations are limited to 256 KiB together: here those of the copy no longer fit beside the others'.
    await tenant.createConfigMap(tooLarge, 'source', {
      metadata: { annotations: { theirs: 'x'.repeat(255 * 1024) } } as unknown as ConfigMapObject['metadata'],
    });
    await tenant.forbidConfigMaps(full);
    await tenant.createSource({ data: { key: 'value' } });

    await tenant.createSync({
      syncToNamespaces: [fits, tooLarge, full],
      conflictPolicy: 'Overwrite',
      target: { annotations: { note: 'y'.repeat(2048) } },
    });

    await tenant.copied(fits, { key: 'value' });
    expect((await tenant.targetState(fits, 'Synced')).message).to.equal(undefined);
    const invalid = await tenant.targetState(tooLarge, 'Failed');
    expect(invalid.reason).to.equal('Invalid');
    expect(invalid.message).to.include('annotations');
    const forbidden = await tenant.targetState(full, 'Failed');
    expect(forbidden.message).to.include('exceeded quota');
    await told(tenant, 'SyncFailed', 2);
    await tenant.condition('TargetsAuthorized', 'AllTargetsAuthorized');
    await tenant.condition('AllTargetsSynced', 'SomeTargetsNotSynced');
  });
});

describe('a source that may not be watched', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start({ args: ['--poll-interval=1s', '--resync-interval=1h'] });
  });
  after(() => fixture.end());

  it('is followed within the poll interval, its end and its return included', async () => {
    const tenant = await fixture.tenant({ home: ['get'] });
    const target = await tenant.target(ALL_VERBS);
    await tenant.createSource({ data: { key: 'one' } });
    await tenant.createSync({ syncToNamespaces: [target], sourceDeletionPolicy: 'Delete' });
    await tenant.copied(target, { key: 'one' });

    await tenant.patchSource({ data: { key: 'two' } });
    await tenant.copied(target, { key: 'two' }, { timeoutMs: 5_000 });
    await tenant.deleteConfigMap(tenant.namespace);
    await tenant.copyGone(target);
    await tenant.createSource({ data: { key: 'three' } });
    await tenant.copied(target, { key: 'three' }, { timeoutMs: 5_000 });
  });
});

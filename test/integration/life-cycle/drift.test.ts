import { expect } from 'chai';
import { AuditLog } from '../../support/audit-log.js';
import { eventually } from '../../support/eventually.js';
import { auditLogOrSkip, plane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import { NEEDED_VERBS, type ConfigMapObject } from '../../support/tenant.js';
import { told } from './told.js';

/** Well below any interval: only a watch can have told. */
const AT_ONCE = { timeoutMs: 8_000 };

describe('drift, where the ServiceAccount may watch', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start({ args: ['--resync-interval=1h', '--poll-interval=1h'] });
  });
  after(() => fixture.end());

  const patchCopy = (namespace: string, patch: object): Promise<ConfigMapObject> =>
    fixture.api.patch({ resource: 'configmaps', namespace, name: 'source' }, patch);

  it('puts an edited copy back at once', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value', other: 'too' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.ready();

    await patchCopy(target, {
      data: { key: 'edited', other: null, added: 'x' },
      binaryData: { bytes: 'AAE=' },
    });

    const copy = await tenant.copied(target, { key: 'value', other: 'too' }, AT_ONCE);
    expect(copy.binaryData).to.equal(undefined);
  });

  it('brings a deleted copy back at once', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.ready();
    const { uid } = (await tenant.copy(target))!.metadata;

    await tenant.deleteConfigMap(target);

    const copy = await tenant.copied(target, { key: 'value' }, AT_ONCE);
    expect(copy.metadata.uid).to.not.equal(uid);
  });

  it('brings a copy back as soon as a foreign finalizer lets it go', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.ready();
    await patchCopy(target, { metadata: { finalizers: ['example.com/hold'] } });
    const { uid } = (await tenant.copy(target))!.metadata;
    await tenant.deleteConfigMap(target);

    await patchCopy(target, { metadata: { finalizers: null } });

    await eventually(async () => {
      const copy = await tenant.copy(target);
      expect(copy?.data).to.deep.equal({ key: 'value' });
      expect(copy?.metadata.uid).to.not.equal(uid);
    }, AT_ONCE);
  });

  it('puts its own marks and the labels of spec.target back', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target], target: { labels: { team: 'a' } } });
    await tenant.ready();
    const before = (await tenant.copy(target))!.metadata;

    await patchCopy(target, {
      metadata: {
        labels: { team: 'b', 'app.kubernetes.io/managed-by': null },
        annotations: { 'configmapsync.io/owner-name': 'somebody', 'configmapsync.io/source': null },
      },
    });

    await eventually(async () => {
      const { metadata } = (await tenant.copy(target))!;
      expect(metadata.labels).to.deep.equal(before.labels);
      expect(metadata.annotations).to.deep.equal(before.annotations);
    }, AT_ONCE);
  });

  it('leaves the labels and annotations of others on a copy, and does not write because of them', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'one' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.ready();

    const touched = await patchCopy(target, {
      metadata: { labels: { theirs: 'label' }, annotations: { theirs: 'annotation' } },
    });
    // A change that has to be written comes after it: the label alone was no reason to write.
    await tenant.patchSource({ data: { key: 'two' } });
    const copy = await tenant.copied(target, { key: 'two' }, AT_ONCE);

    expect(copy.metadata.labels).to.include({ theirs: 'label' });
    expect(copy.metadata.annotations).to.include({ theirs: 'annotation' });
    expect(copy.metadata.uid).to.equal(touched.metadata.uid);
  });

  it('ends a fight with another writer: puts back a few times, then reports it, and writes at once for a new content', async function () {
    const log = await AuditLog.fromNow(auditLogOrSkip(this, await plane()));
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.ready();

    // The other writer answers every repair.
    await eventually(
      async () => {
        const copy = await tenant.copy(target);
        if (copy?.data?.key === 'value') await patchCopy(target, { data: { key: 'theirs' } });
        const [state] = (await tenant.status()).targets ?? [];
        expect(state).to.include({ state: 'Failed', reason: 'Contended' });
      },
      { timeoutMs: 20_000, intervalMs: 30 },
    );
    const repairs = await log.entries({ username: tenant.username, verb: 'update', resource: 'configmaps' });
    await tenant.patchSource({ data: { key: 'new' } });

    await tenant.copied(target, { key: 'new' }, AT_ONCE);
    await tenant.ready();
    expect(repairs).to.have.length.within(4, 6);
    await told(tenant, 'SyncFailed');
  });
});

describe('drift, where the ServiceAccount may not watch', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start({ args: ['--resync-interval=2s', '--poll-interval=1h'] });
  });
  after(() => fixture.end());

  it('puts an edited copy back at the next resync, and a deleted one', async () => {
    const tenant = await fixture.tenant({ home: ['get'] });
    const edited = await tenant.target(NEEDED_VERBS);
    const deleted = await tenant.target(NEEDED_VERBS);
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [edited, deleted] });
    await tenant.ready();

    await fixture.api.patch(
      { resource: 'configmaps', namespace: edited, name: 'source' },
      { data: { key: 'edited' } },
    );
    await tenant.deleteConfigMap(deleted);

    await tenant.copied(edited, { key: 'value' });
    await tenant.copied(deleted, { key: 'value' });
  });
});

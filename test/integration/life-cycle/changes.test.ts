import { expect } from 'chai';
import { AuditLog } from '../../support/audit-log.js';
import { eventually } from '../../support/eventually.js';
import { auditLogOrSkip, plane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import { NEEDED_VERBS, ALL_VERBS } from '../../support/tenant.js';

describe('a ConfigMapSync whose spec changes', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start();
  });
  after(() => fixture.end());

  for (const [right, verbs] of [
    ['with', ALL_VERBS],
    ['without', NEEDED_VERBS],
  ] as const) {
    it(`leaves no copy under the old name when target.name changes, ${right} the right to list`, async () => {
      const tenant = await fixture.tenant();
      const target = await tenant.target(verbs);
      await tenant.createSource({ data: { key: 'value' } });
      await tenant.createSync({ syncToNamespaces: [target], target: { name: 'old' } });
      await tenant.copied(target, { key: 'value' }, { name: 'old' });
      await tenant.ready();

      await tenant.patchSync({ spec: { target: { name: 'new' } } });
      await tenant.ready();

      expect(await tenant.copy(target, 'old')).to.equal(undefined);
      expect((await tenant.copy(target, 'new'))?.data).to.deep.equal({ key: 'value' });
    });
  }

  it('leaves no copy under the old name when source.name changes', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'one' } });
    await tenant.createSource({ data: { key: 'two' } }, 'second');
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.ready();

    await tenant.patchSync({ spec: { source: { name: 'second' } } });
    await tenant.ready();

    expect(await tenant.copy(target)).to.equal(undefined);
    expect((await tenant.copy(target, 'second'))?.data).to.deep.equal({ key: 'two' });
  });

  it('leaves the copy of the old name under Orphan, as a ConfigMap of nobody', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target], deletionPolicy: 'Orphan' });
    await tenant.ready();

    await tenant.patchSync({ spec: { target: { name: 'new' } } });
    await tenant.ready();

    const old = await tenant.copy(target);
    expect(old?.data).to.deep.equal({ key: 'value' });
    expect(old?.metadata.labels ?? {}).to.deep.equal({});
    expect(old?.metadata.annotations ?? {}).to.deep.equal({});
  });

  it('removes the copy of the old name also where the new one is taken or denied at that time', async () => {
    const tenant = await fixture.tenant();
    const [taken, denied] = [await tenant.target(), await tenant.target()];
    await tenant.createConfigMap(taken, 'new', { data: { whose: 'theirs' } });
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [taken, denied] });
    await tenant.ready();

    await tenant.grant(denied, ['get']);
    await tenant.patchSync({ spec: { target: { name: 'new' } } });
    await tenant.targetState(taken, 'Conflict');
    await tenant.copyGone(taken);
    await tenant.grant(denied, ALL_VERBS);

    await tenant.copied(denied, { key: 'value' }, { name: 'new' });
    await tenant.copyGone(denied);
    await tenant.deleteConfigMap(taken, 'new');
    await tenant.ready();
  });

  it('takes labels and annotations off again that spec.target no longer has', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({
      syncToNamespaces: [target],
      target: { labels: { a: '1', b: '2' }, annotations: { c: '3', d: '4' } },
    });
    await tenant.ready();
    await fixture.api.patch(
      { resource: 'configmaps', namespace: target, name: 'source' },
      { metadata: { labels: { theirs: 'x' } } },
    );

    await tenant.patchSync({
      spec: { target: { labels: { a: null, b: 'changed' }, annotations: { c: null, e: '5' } } },
    });
    await tenant.ready();

    const { labels = {}, annotations = {} } = (await tenant.copy(target))!.metadata;
    expect(labels).to.include({ b: 'changed', theirs: 'x' }).and.not.have.property('a');
    expect(annotations).to.include({ d: '4', e: '5' }).and.not.have.property('c');
  });

  it('follows keys: what is no longer named goes, what the source lacks is told', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { one: '1', two: '2', three: '3' } });
    await tenant.createSync({ syncToNamespaces: [target], keys: ['one', 'two'] });
    await tenant.copied(target, { one: '1', two: '2' });

    await tenant.patchSync({ spec: { keys: ['two', 'missing'] } });

    await tenant.copied(target, { two: '2' });
    const { message, status } = await tenant.condition('AllTargetsSynced', 'AllConfigMapsSynced');
    expect(status).to.equal('True');
    expect(message).to.include('missing');
  });

  it('touches nothing while it is suspended, and catches up afterwards', async function () {
    const log = await AuditLog.fromNow(auditLogOrSkip(this, await plane()));
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'one' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.createSync({ syncToNamespaces: [target], target: { name: 'witness' } }, 'witness');
    await tenant.ready();
    await tenant.ready('witness');
    const inStep = await tenant.status();
    await tenant.patchSync({ spec: { suspend: true } });
    await tenant.condition('Ready', 'Suspended');
    const mine = {
      username: tenant.username,
      userAgent: new RegExp(` configmapsync/${tenant.namespace}/sync$`),
    };
    const before = await log.entries(mine);

    await tenant.patchSource({ data: { key: 'two' } });
    await tenant.deleteConfigMap(target);
    // Its neighbour has seen the change: so would it have.
    await tenant.copied(target, { key: 'two' }, { name: 'witness' });

    expect(await tenant.copy(target)).to.equal(undefined);
    expect(await log.entries(mine)).to.have.length(before.length);
    expect((await tenant.status()).targets).to.deep.equal(inStep.targets);
    await tenant.patchSync({ spec: { suspend: false } });
    await tenant.copied(target, { key: 'two' });
    await tenant.ready();
  });

  it('is deleted with its copies while it is suspended', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'one' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.ready();
    await tenant.patchSync({ spec: { suspend: true } });
    await tenant.condition('Ready', 'Suspended');

    await tenant.deleteSync();
    await tenant.gone();

    await eventually(async () => expect(await tenant.copy(target)).to.equal(undefined));
  });
});

import { expect } from 'chai';
import { eventually } from '../../support/eventually.js';
import { startOperator } from '../../support/operator.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import { NEEDED_VERBS, type TestTenant } from '../../support/tenant.js';
import { told } from './told.js';

const NO_DELETE = ['get', 'create', 'update'];

describe('deletion of a ConfigMapSync', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start();
  });
  after(() => fixture.end());

  const deleteSync = (tenant: TestTenant, propagationPolicy: string): Promise<void> =>
    fixture.api.delete(
      { resource: 'configmapsyncs', namespace: tenant.namespace, name: 'sync' },
      { propagationPolicy },
    );
  const namespaceGone = async (name: string, timeoutMs = 15_000): Promise<void> => {
    await eventually(
      async () => expect(await fixture.api.get({ resource: 'namespaces', name })).to.equal(undefined),
      { timeoutMs },
    );
  };

  for (const cascade of ['Background', 'Foreground']) {
    it(`removes the copies with --cascade=${cascade.toLowerCase()}`, async () => {
      const tenant = await fixture.tenant();
      const [watched, unwatched] = [await tenant.target(), await tenant.target(NEEDED_VERBS)];
      await tenant.createSource({ data: { key: 'value' } });
      await tenant.createSync({ syncToNamespaces: [watched, unwatched] });
      await tenant.ready();

      await deleteSync(tenant, cascade);
      await tenant.gone();

      expect(await tenant.copy(watched)).to.equal(undefined);
      expect(await tenant.copy(unwatched)).to.equal(undefined);
    });
  }

  it('keeps the copies with --cascade=orphan', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.ready();

    await deleteSync(tenant, 'Orphan');
    await tenant.gone();

    expect((await tenant.copy(target))?.data).to.deep.equal({ key: 'value' });
  });

  it('keeps the copies under deletionPolicy Orphan, without our marks and without the right to delete', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target(NO_DELETE);
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target], deletionPolicy: 'Orphan' });
    await tenant.ready();

    await tenant.deleteSync();
    await tenant.gone();

    const orphan = await tenant.copy(target);
    expect(orphan?.data).to.deep.equal({ key: 'value' });
    expect(orphan?.metadata.labels ?? {}).to.deep.equal({});
  });

  it('removes also the copies that an earlier spec and an earlier name left where rights were missing', async () => {
    const tenant = await fixture.tenant();
    const [stays, goes] = [await tenant.target(), await tenant.target()];
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [stays, goes] });
    await tenant.ready();
    await tenant.grant(goes, ['get', 'list', 'watch']);
    await tenant.patchSync({ spec: { syncToNamespaces: [stays], target: { name: 'renamed' } } });
    const left = await tenant.targetState(goes, 'Stale');
    expect(left).to.deep.include({ reason: 'CleanupBlocked', missingVerbs: ['delete'] });
    await tenant.grant(goes, NEEDED_VERBS);

    await tenant.deleteSync();
    await tenant.gone();

    expect(await tenant.copy(goes)).to.equal(undefined);
    expect(await tenant.copy(stays, 'renamed')).to.equal(undefined);
  });

  it('waits for the right to delete, says so, and goes on when it is granted', async () => {
    const tenant = await fixture.tenant();
    const [open, closed] = [await tenant.target(), await tenant.target()];
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [open, closed] });
    await tenant.ready();
    await tenant.grant(closed, NO_DELETE);

    await tenant.deleteSync();
    await tenant.copyGone(open);
    const { message } = await tenant.condition('Ready', 'CleanupBlocked');
    expect(message).to.include(`${closed}/source`);
    expect((await tenant.targetState(closed, 'Stale')).missingVerbs).to.deep.equal(['delete']);
    await told(tenant, 'CleanupBlocked');
    await tenant.grant(closed, NEEDED_VERBS);

    await tenant.gone('sync', { timeoutMs: 17_000 });
    expect(await tenant.copy(closed)).to.equal(undefined);
  });

  it('is over at once for a ServiceAccount that never existed', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.deleteServiceAccount();
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.condition('ValidServiceAccount', 'ServiceAccountNotFound');

    await tenant.deleteSync();

    await tenant.gone('sync', { timeoutMs: 5_000 });
  });

  it('is over at once where every target was denied from the start', async () => {
    const tenant = await fixture.tenant();
    const targets = [await tenant.target([]), await tenant.target(['list', 'watch'])];
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: targets });
    await tenant.condition('TargetsAuthorized', 'MissingPermissions');

    await tenant.deleteSync();

    await tenant.gone('sync', { timeoutMs: 5_000 });
  });

  it('finds the copies in the namespaces of the spec when the status was lost', async () => {
    const tenant = await fixture.tenant();
    const [watched, unwatched] = [await tenant.target(), await tenant.target(NEEDED_VERBS)];
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [watched, unwatched] });
    await tenant.ready();
    const place = { resource: 'configmapsyncs', namespace: tenant.namespace, name: 'sync' } as const;

    await fixture.api.patch({ ...place, subresource: 'status' }, { status: null });
    await tenant.ready();
    expect((await tenant.status()).summary).to.equal('2/2');
    await fixture.api.patch({ ...place, subresource: 'status' }, { status: null });
    await tenant.deleteSync();
    await tenant.gone();

    expect(await tenant.copy(watched)).to.equal(undefined);
    expect(await tenant.copy(unwatched)).to.equal(undefined);
  });

  it('does not wait for copies in a namespace that goes itself', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.ready();
    await fixture.api.create(
      { resource: 'configmaps', namespace: target },
      { metadata: { name: 'held', finalizers: ['example.com/hold'] } },
    );
    await fixture.api.delete({ resource: 'namespaces', name: target });
    await tenant.targetState(target, 'Terminating');

    await tenant.deleteSync();
    await tenant.gone('sync', { timeoutMs: 5_000 });

    await fixture.api.patch(
      { resource: 'configmaps', namespace: target, name: 'held' },
      { metadata: { finalizers: null } },
    );
  });

  describe("of the tenant's whole namespace, whatever goes first", () => {
    /** What is deleted before the namespace. */
    const first: Record<string, (tenant: TestTenant, target: string) => Promise<void>> = {
      nothing: () => Promise.resolve(),
      'the ServiceAccount': (tenant) => tenant.deleteServiceAccount(),
      'the grant of its token': (tenant) => tenant.revokeToken(),
      'its rights in the target namespace': (tenant, target) => tenant.revoke(target),
      'the target namespace': (_tenant, target) =>
        fixture.api.delete({ resource: 'namespaces', name: target }),
      'the ConfigMapSync': (tenant) => tenant.deleteSync(),
    };
    const tenants = new Map<string, { tenant: TestTenant; target: string }>();

    before(async () => {
      await Promise.all(
        Object.entries(first).map(async ([what, deleteFirst]) => {
          const tenant = await fixture.tenant();
          const target = await tenant.target();
          tenants.set(what, { tenant, target });
          await tenant.createSource({ data: { key: 'value' } });
          await tenant.createSync({ syncToNamespaces: [target] });
          await tenant.ready();
          await deleteFirst(tenant, target);
          await fixture.api.delete({ resource: 'namespaces', name: tenant.namespace });
        }),
      );
    });

    for (const what of Object.keys(first)) {
      it(`lets the namespace go within half a minute: ${what} first`, async () => {
        const { tenant, target } = tenants.get(what)!;

        await namespaceGone(tenant.namespace, 30_000);

        if (what === 'the ConfigMapSync') expect(await tenant.copy(target)).to.equal(undefined);
      });
    }
  });
});

describe('deletion that cannot be completed', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start({ args: ['--cleanup-timeout=3s'] });
  });
  after(() => fixture.end());

  it('is given up after the clean-up timeout: what is left is told, the finalizer goes', async () => {
    const tenant = await fixture.tenant();
    const [one, two, free] = [await tenant.target(), await tenant.target(), await tenant.target()];
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [one, two, free] });
    await tenant.ready();
    await tenant.grant(one, NO_DELETE);
    await tenant.grant(two, []);

    await tenant.deleteSync();
    await tenant.condition('Ready', 'CleanupBlocked');
    await tenant.gone('sync', { timeoutMs: 10_000 });

    expect(await tenant.copy(free)).to.equal(undefined);
    expect(await tenant.copy(one)).to.not.equal(undefined);
    expect(await tenant.copy(two)).to.not.equal(undefined);
    const [abandoned] = await told(tenant, 'CleanupAbandoned');
    expect(abandoned?.note).to.include(`${one}/source`).and.to.include(`${two}/source`);
    expect(abandoned?.note).to.not.include(free);
    await told(tenant, 'CleanupBlocked');
  });
});

describe('deletion under way when the operator is killed', () => {
  it('is completed by the next one', async () => {
    // One request at a time: there is time to be killed half-way.
    const fixture = await SyncFixture.start({ args: ['--max-concurrent-requests=1'] });
    const tenant = await fixture.tenant();
    const targets: string[] = [];
    for (let count = 0; count < 20; count += 1) targets.push(await tenant.target());
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: targets });
    await tenant.ready();
    const remaining = async (): Promise<number> =>
      (await Promise.all(targets.map((target) => tenant.copy(target)))).filter(Boolean).length;
    await tenant.deleteSync();
    await eventually(async () => expect(await remaining()).to.be.below(20), { intervalMs: 1 });
    await fixture.operator.kill();
    const halfWay = await tenant.sync();

    const next = await startOperator();
    try {
      await tenant.gone();
      expect(await remaining()).to.equal(0);
      expect(halfWay, 'killed too late to test anything').to.not.equal(undefined);
    } finally {
      await next.stop();
      await fixture.end();
    }
  });

  it('waits for a ServiceAccount that went meanwhile, and goes on when it is back', async () => {
    const fixture = await SyncFixture.start();
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.ready();
    await fixture.operator.kill();
    await tenant.deleteServiceAccount();
    await tenant.deleteSync();

    const next = await startOperator();
    try {
      await tenant.condition('Ready', 'CleanupBlocked');
      await tenant.condition('ValidServiceAccount', 'ServiceAccountNotFound');
      expect(await tenant.copy(target)).to.not.equal(undefined);
      await tenant.createServiceAccount();

      await tenant.gone('sync', { timeoutMs: 17_000 });
      expect(await tenant.copy(target)).to.equal(undefined);
    } finally {
      await next.stop();
      await fixture.end();
    }
  });

  it('is completed by the next one also when the status was lost meanwhile', async () => {
    const fixture = await SyncFixture.start();
    const tenant = await fixture.tenant();
    const targets = [await tenant.target(), await tenant.target(NEEDED_VERBS)];
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: targets });
    await tenant.ready();
    await fixture.operator.kill();
    await tenant.deleteSync();
    await fixture.api.patch(
      { resource: 'configmapsyncs', namespace: tenant.namespace, name: 'sync', subresource: 'status' },
      { status: null },
    );

    const next = await startOperator();
    try {
      await tenant.gone();
      for (const target of targets) expect(await tenant.copy(target)).to.equal(undefined);
    } finally {
      await next.stop();
      await fixture.end();
    }
  });
});

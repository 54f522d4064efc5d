import { expect } from 'chai';
import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import type { TestTenant } from '../../support/tenant.js';

type Replaced = ConfigMapSync & { apiVersion: string; kind: string };

describe('a ConfigMapSync that somebody replaces by a file of his own', () => {
  let fixture: SyncFixture;
  let tenant: TestTenant;
  let target: string;

  before(async () => {
    fixture = await SyncFixture.start();
  });
  after(() => fixture.end());

  beforeEach(async () => {
    tenant = await fixture.tenant();
    target = await tenant.target();
    await tenant.createSource({ data: { k: 'v' } });
    await tenant.createSync({ syncToNamespaces: [target], target: { name: 'old' } });
    await tenant.ready();
  });

  const place = () => ({ resource: 'configmapsyncs', namespace: tenant.namespace, name: 'sync' }) as const;

  /** As `kubectl replace` does it with a file that has no finalizers, labels or annotations. */
  async function replace(name: string): Promise<void> {
    const { apiVersion, kind, spec, metadata } = (await fixture.api.get<Replaced>(place()))!;
    const { resourceVersion } = metadata;
    const replaced: object = Object.assign({}, spec, { target: { name } });
    await fixture.api.replace(place(), {
      apiVersion,
      kind,
      metadata: { name: 'sync', resourceVersion },
      spec: replaced,
    });
  }

  async function moved(): Promise<void> {
    await tenant.copied(target, { k: 'v' }, { name: 'new' });
    await tenant.copyGone(target, 'old');
    await tenant.ready();
    expect((await tenant.sync())?.metadata.finalizers).to.deep.equal(['configmapsync.io/finalizer']);
  }

  it('has its copies of the former name pruned', async () => {
    await replace('new');
    await moved();
  });

  it('has them pruned where there was no operator at that moment', async () => {
    await fixture.restart(() => replace('new'));
    await moved();
  });

  it('takes its copies over where its status was emptied as well', async () => {
    await fixture.restart(async () => {
      await replace('old');
      await fixture.api.patch({ ...place(), subresource: 'status' }, { status: null });
      await tenant.patchSource({ data: { k: 'w' } });
    });
    await tenant.copied(target, { k: 'w' }, { name: 'old' });
    await tenant.ready();

    await tenant.deleteSync();
    await tenant.gone();
    expect(await tenant.copy(target, 'old')).to.equal(undefined);
  });
});

import { expect } from 'chai';
import { eventually } from '../../support/eventually.js';
import { startOperator, type RunningOperator } from '../../support/operator.js';
import { removeSyncs } from '../../support/sync-fixture.js';
import { TestTenant } from '../../support/tenant.js';
import { TestApi } from '../../support/test-api.js';

describe('an operator with --watch-namespaces', () => {
  let api: TestApi;
  let watched: TestTenant[];
  let other: TestTenant;
  let operator: RunningOperator;

  before(async () => {
    api = await TestApi.connect();
    watched = [await TestTenant.create(api), await TestTenant.create(api)];
    other = await TestTenant.create(api);
    const names = watched.map(({ namespace }) => namespace).join(',');
    operator = await startOperator({ args: [`--watch-namespaces=${names}`] });
  });
  after(async () => {
    await removeSyncs(api, [...watched, other]);
    await operator.stop();
    await api.close();
  });

  it('serves the ConfigMapSyncs of each of them, and of no other namespace', async () => {
    const targets: string[] = [];
    for (const tenant of [other, ...watched]) {
      const target = await tenant.target();
      targets.push(target);
      await tenant.createSource({ data: { key: tenant.namespace } });
      await tenant.createSync({ syncToNamespaces: [target] });
    }

    for (const [i, tenant] of watched.entries()) {
      await tenant.copied(targets[i + 1]!, { key: tenant.namespace });
      await tenant.ready();
    }
    expect((await other.sync())?.metadata.finalizers).to.equal(undefined);
    expect(await other.copy(targets[0]!)).to.equal(undefined);
  });

  it('removes the copies of one and leaves those of another when a ConfigMapSync goes', async () => {
    const [gone, stays] = watched as [TestTenant, TestTenant];
    const [from] = await targetsOf(gone);
    const [kept] = await targetsOf(stays);

    await removeSyncs(api, [gone]);

    await eventually(async () => expect(await gone.copy(from!)).to.equal(undefined));
    expect((await stays.copy(kept!))?.data).to.deep.equal({ key: stays.namespace });
    await stays.patchSource({ data: { key: 'newer' } });
    await stays.copied(kept!, { key: 'newer' });
  });
});

async function targetsOf(tenant: TestTenant): Promise<string[]> {
  return ((await tenant.status()).targets ?? []).map(({ namespace }) => namespace);
}

import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/eventually.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import type { ConfigMapObject } from '../../support/tenant.js';

const SYNCS = 300;
const AT_ONCE = 10;
/** The operator puts its finalizer on within so long; deletions come at any moment of it, and soon after. */
const SPREAD_MS = 30;

describe('deletion at the very moment of creation', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start({ args: ['--poll-interval=2s'] });
  });
  after(() => fixture.end());

  // The API server may let an object go whose finalizer came between its look and its deletion.
  it(`leaves no copy behind, ${SYNCS} times`, async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });

    const live = async (first: number): Promise<void> => {
      for (let index = first; index < SYNCS; index += AT_ONCE) {
        const name = `short-${index}`;
        await tenant.createSync({ syncToNamespaces: [target], target: { name } }, name);
        await sleep((SPREAD_MS * index) / SYNCS);
        await tenant.deleteSync(name);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, (_, first) => live(first)));

    for (let index = 0; index < SYNCS; index += 1) await tenant.gone(`short-${index}`);
    await eventually(async () => {
      const left = await fixture.api.list<ConfigMapObject>({ resource: 'configmaps', namespace: target });
      const copies = left.map(({ metadata }) => metadata.name).filter((name) => name.startsWith('short-'));
      expect(copies).to.deep.equal([]);
    });
  });
});

import { expect } from 'chai';
import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import { policyReport } from '../../../src/reporting/policy-report.js';
import { syncObject } from '../../support/sync-object.js';
import { statusOf, target } from './statuses.js';

function syncWith(name: string, targets: Parameters<typeof statusOf>[0]): ConfigMapSync {
  return syncObject({ metadata: { name, uid: `uid-${name}` }, status: statusOf(targets) });
}

describe('the PolicyReport of a namespace', () => {
  it('lists those in trouble first, then by name', async () => {
    const { summary, results } = await policyReport([
      syncWith('b', [target('dev', 'Denied'), target('prod', 'Synced')]),
      syncWith('a', [target('dev', 'Synced'), target('prod', 'Conflict')]),
    ]);

    expect(summary).to.deep.equal({ pass: 2, fail: 1, warn: 1, error: 0, skip: 0 });
    expect(
      results.map(({ resources, properties }) => `${resources?.[0]?.name} ${properties?.state}`),
    ).to.deep.equal(['a Conflict', 'b Denied', 'a Synced', 'b Synced']);
  });

  it('counts all targets, lists those that fit into etcd, and says how many it leaves out', async () => {
    const message = 'x'.repeat(4096);
    const many = Array.from({ length: 1000 }, (_, i) => target(`ns-${i}`, 'Synced', { message }));
    const syncs = Array.from({ length: 20 }, (_, i) => syncWith(`sync-${i}`, many));
    syncs.push(syncWith('z-last', [target('prod', 'Denied')]));

    const { summary, results } = await policyReport(syncs);

    expect(summary).to.include({ pass: 20_000, fail: 1 });
    expect(JSON.stringify(results).length).to.be.within(500_000, 600_000);
    expect(results[0]?.properties).to.include({ targetNamespace: 'prod', state: 'Denied' });
    const left = 20_001 - (results.length - 1);
    expect(results.at(-1)).to.include({
      result: 'skip',
      message: `${left} more targets are left out, those in sync first: status.targets has them`,
    });
  });

  it('leaves the event loop to others while it is made', async () => {
    const many = Array.from({ length: 1000 }, (_, i) => target(`ns-${i}`, 'Synced'));
    const seen = { turns: 0, isDone: false };
    const made = policyReport(Array.from({ length: 100 }, (_, i) => syncWith(`sync-${i}`, many))).then(() => {
      seen.isDone = true;
    });
    while (!seen.isDone) {
      await new Promise(setImmediate);
      seen.turns += 1;
    }
    await made;

    expect(seen.turns).to.be.at.least(3);
  });
});

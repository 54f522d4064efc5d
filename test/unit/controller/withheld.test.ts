import { expect } from 'chai';
import { withheld } from '../../../src/sync/stored.js';
import { Rig } from './rig.js';

describe('a ConfigMapSync that is withheld', () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = new Rig();
    rig.cluster.put('team-a', 'shared', { data: { key: 'value' } });
    rig.apply({ syncToNamespaces: ['prod'] });
    await rig.reconcile();
  });

  afterEach(() => rig.close());

  const statusPatches = (): unknown[] => rig.cluster.api.sentTo('/share/status').map(({ body }) => body);

  it('has that in its status, once for a generation, beside the targets that are there', async () => {
    rig.cluster.syncs.upsert(withheld(rig.sync), true);
    const before = statusPatches().length;

    await rig.reconcile();
    await rig.reconcile();

    expect(rig.condition('Ready')).to.equal('False/TooManyObjects');
    expect(rig.condition('AllTargetsSynced')).to.equal('Unknown/NotEvaluated');
    expect(statusPatches()).to.have.length(before + 1);
    const { status } = statusPatches().at(-1) as { status: object };
    expect(Object.keys(status).sort()).to.deep.equal(['conditions', 'observedGeneration']);
  });

  it('keeps its copies, and nothing of it is kept', async () => {
    const { uid } = rig.sync.metadata;
    const writes = rig.cluster.writes();
    rig.cluster.syncs.upsert(withheld(rig.sync), true);

    await rig.reconcile();

    expect(rig.states.get(uid)).to.equal(undefined);
    expect(rig.tenancy.watches).to.equal(0);
    expect(rig.cluster.writes()).to.deep.equal(writes);
  });

  it('goes on when it is whole again', async () => {
    const whole = rig.sync;
    rig.cluster.syncs.upsert(withheld(whole), true);
    await rig.reconcile();
    rig.cluster.put('team-a', 'shared', { data: { key: 'changed' } });

    rig.cluster.syncs.upsert(whole, true);
    await rig.planQueued();

    expect(rig.cluster.configMaps.get('prod/shared')?.data).to.deep.equal({ key: 'changed' });
    expect(rig.condition('Ready')).to.equal('True/ReconciliationComplete');
  });

  it('needs nothing for its deletion where it has no finalizer', async () => {
    const before = statusPatches().length;
    const sync = structuredClone(rig.sync);
    Object.assign(sync.metadata, { finalizers: [], deletionTimestamp: '2026-01-01T00:00:00Z' });
    rig.cluster.syncs.upsert(withheld(sync), true);

    await rig.reconcile();

    expect(statusPatches().length).to.be.at.most(before + 1);
    expect(
      rig.cluster.api.sentTo('/configmapsyncs/share').filter(({ method }) => method === 'PATCH'),
    ).to.have.length(1);
  });
});

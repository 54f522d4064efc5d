import { expect } from 'chai';
import { Rig } from './rig.js';

describe('a source that is gone, under the policy Delete', () => {
  let rig: Rig;

  beforeEach(() => {
    rig = new Rig();
    rig.cluster.put('team-a', 'shared', { data: { key: 'value' } });
  });

  afterEach(() => rig.close());

  it('takes with it a copy of a former name, where the status tells of a conflict over the new one', async () => {
    rig.cluster.put('prod', 'theirs', { data: { not: 'ours' } });
    rig.apply({ syncToNamespaces: ['prod'], sourceDeletionPolicy: 'Delete' });
    await rig.reconcile();
    // Its own copy is its source now, and stays for as long as it is that.
    rig.apply({ source: { namespace: 'prod', name: 'shared' }, target: { name: 'theirs' } });
    await rig.reconcile();
    expect(rig.state('prod')).to.equal('Conflict/NotOurs');

    rig.apply({ source: { name: 'missing' } });
    await rig.reconcile();

    expect(rig.condition('SourceConfigMapFound')).to.equal('False/ConfigMapNotFound');
    expect(rig.cluster.configMaps).to.have.all.keys('team-a/shared', 'prod/theirs');
  });
});

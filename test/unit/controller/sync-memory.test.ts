import { expect } from 'chai';
import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import { SyncMemory } from '../../../src/controller/sync-memory.js';
import { Store } from '../../../src/k8s/cache/store.js';
import { syncObject } from '../../support/sync-object.js';

describe('the memory of a ConfigMapSync', () => {
  let syncs: Store<ConfigMapSync>;
  let memory: SyncMemory;

  beforeEach(() => {
    syncs = new Store();
    memory = new SyncMemory(syncs);
  });

  const version = (resourceVersion: string, uid = 'uid-share'): ConfigMapSync =>
    syncObject({ metadata: { resourceVersion, uid } });

  it('prefers what our own write returned to a watch that is behind', () => {
    syncs.upsert(version('9'));
    memory.of(version('9')).written = version('10');

    expect(memory.current('team-a/share')?.metadata.resourceVersion).to.equal('10');
  });

  it('prefers the watch where it is ahead', () => {
    syncs.upsert(version('11'));
    memory.of(version('11')).written = version('10');

    expect(memory.current('team-a/share')?.metadata.resourceVersion).to.equal('11');
  });

  it('knows nothing of what is gone, whatever was written last', () => {
    syncs.upsert(version('9'));
    memory.of(version('9')).written = version('10');
    syncs.remove(version('9'));

    expect(memory.current('team-a/share')).to.equal(undefined);
  });

  it('starts from nothing for a new object of the same name, even if nobody saw the old one go', () => {
    const old = memory.of(version('9', 'uid-old'));
    old.orphaned = true;
    old.names.add('old');
    old.written = version('10', 'uid-old');
    syncs.upsert(version('8', 'uid-new'));

    expect(memory.current('team-a/share')?.metadata.uid).to.equal('uid-new');
    expect(memory.of(version('8', 'uid-new'))).to.include({ orphaned: false, written: undefined });
    expect(memory.of(version('8', 'uid-new')).names).to.have.property('size', 0);
  });

  it('takes for an echo just the status that we sent', () => {
    const sync = version('9');
    expect(memory.isEcho(sync)).to.equal(false);

    memory.of(sync).sent = { summary: '1/1' };

    expect(memory.isEcho({ ...sync, status: { summary: '1/1' } })).to.equal(true);
    expect(memory.isEcho({ ...sync, status: { summary: '0/1' } })).to.equal(false);
    expect(memory.isEcho(sync)).to.equal(false);
  });
});

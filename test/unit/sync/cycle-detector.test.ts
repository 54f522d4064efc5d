import { expect } from 'chai';
import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import { OWNER_UID_LABEL } from '../../../src/api/v1alpha1/well-known.js';
import { CycleDetector } from '../../../src/sync/cycle-detector.js';

/** Copies ConfigMap `data` of namespace `from` to namespace `to`, where a copy is already unless `state` says otherwise. */
function syncOf(from: string, to: string, createdAt = '1', state = 'Synced'): ConfigMapSync {
  return {
    metadata: { namespace: from, name: `to-${to}`, uid: `${from}-${to}`, creationTimestamp: createdAt },
    spec: { source: { name: 'data' }, syncToNamespaces: [to] },
    status: { targets: [{ namespace: to, state }] },
  } as unknown as ConfigMapSync;
}

function copyOf(sync: ConfigMapSync): { name: string; labels: Record<string, string> } {
  return { name: 'data', labels: { [OWNER_UID_LABEL]: sync.metadata.uid } };
}

describe('CycleDetector', () => {
  const place = (namespace: string): { namespace: string; name: string } => ({ namespace, name: 'data' });

  it('finds no loop for a source that is nobody’s copy, and looks through nothing', () => {
    const lineage = new CycleDetector(syncOf('a', 'b'), { name: 'data' }, () =>
      expect.fail('all ConfigMapSyncs were looked through'),
    );

    expect(lineage.loopThrough(place('b'), false)).to.equal(undefined);
  });

  it('lets a chain go on to a new place', () => {
    const first = syncOf('a', 'b');
    const second = syncOf('b', 'c');
    const lineage = new CycleDetector(second, copyOf(first), () => [first, second]);

    expect(lineage.loopThrough(place('c'), false)).to.equal(undefined);
  });

  it('finds a loop over any number of ConfigMapSyncs, and names the nearest', () => {
    const first = syncOf('a', 'b');
    const second = syncOf('b', 'c');
    const back = syncOf('c', 'a');
    const lineage = new CycleDetector(back, copyOf(second), () => [first, second, back]);

    expect(lineage.loopThrough(place('a'), false)).to.equal(second);
    expect(lineage.loopThrough({ namespace: 'a', name: 'other' }, false)).to.equal(undefined);
  });

  it('counts only copies that are there: naming a place is not enough to get in the way', () => {
    const pretender = syncOf('a', 'b', '1', 'Denied');
    const second = syncOf('b', 'c');
    const back = syncOf('c', 'a');
    const lineage = new CycleDetector(back, copyOf(second), () => [pretender, second, back]);

    expect(lineage.loopThrough(place('a'), false)).to.equal(undefined);
    expect(lineage.loopThrough(place('b'), false)).to.equal(second);
  });

  it('lets the youngest give way where the whole loop is there already, and nobody else', () => {
    const old = syncOf('a', 'b', '2026-01-01T00:00:00Z');
    const young = syncOf('b', 'a', '2026-01-02T00:00:00Z');
    const all = (): ConfigMapSync[] => [old, young];

    expect(new CycleDetector(young, copyOf(old), all).loopThrough(place('a'), true)).to.equal(old);
    expect(new CycleDetector(old, copyOf(young), all).loopThrough(place('b'), true)).to.equal(undefined);
  });

  it('ends its search in a loop that it is not part of', () => {
    const there = syncOf('a', 'b');
    const back = syncOf('b', 'a');
    const onlooker = syncOf('b', 'c');
    const lineage = new CycleDetector(onlooker, copyOf(there), () => [there, back, onlooker]);

    expect(lineage.loopThrough(place('c'), false)).to.equal(undefined);
  });
});

import { expect } from 'chai';
import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import { OWNER_UID_LABEL } from '../../../src/api/v1alpha1/well-known.js';
import type { ConfigMapMetadata } from '../../../src/sync/config-map.js';
import { ancestorsOf, CycleDetector, type SyncLookup } from '../../../src/sync/cycle-detector.js';

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

/** Looks through what it is given, and tells of a namespace only those whose status names it. */
function lookup(...syncs: ConfigMapSync[]): SyncLookup {
  return {
    byUid: (uid) => syncs.find(({ metadata }) => metadata.uid === uid),
    naming: (namespace) =>
      syncs.filter(({ status }) => status?.targets?.some((target) => target.namespace === namespace)),
  };
}

function detectorOf(sync: ConfigMapSync, source: ConfigMapMetadata, syncs: SyncLookup): CycleDetector {
  const detector = new CycleDetector(sync);
  for (const ancestor of ancestorsOf(source, syncs)) detector.add(ancestor);
  return detector;
}

describe('CycleDetector', () => {
  const place = (namespace: string): { namespace: string; name: string } => ({ namespace, name: 'data' });

  it('finds no loop for a source that is nobody’s copy, and looks through nothing', () => {
    const detector = detectorOf(
      syncOf('a', 'b'),
      { name: 'data' },
      {
        byUid: () => expect.fail('an owner was looked for'),
        naming: () => expect.fail('ConfigMapSyncs were looked through'),
      },
    );

    expect(detector.mayCycle).to.equal(false);
    expect(detector.cycleThrough(place('b'), false)).to.equal(undefined);
  });

  it('lets a chain go on to a new place', () => {
    const first = syncOf('a', 'b');
    const second = syncOf('b', 'c');
    const detector = detectorOf(second, copyOf(first), lookup(first, second));

    expect(detector.cycleThrough(place('c'), false)).to.equal(undefined);
  });

  it('finds a loop over any number of ConfigMapSyncs, and names the nearest', () => {
    const first = syncOf('a', 'b');
    const second = syncOf('b', 'c');
    const back = syncOf('c', 'a');
    const detector = detectorOf(back, copyOf(second), lookup(first, second, back));

    expect(detector.cycleThrough(place('a'), false)).to.equal(second);
    expect(detector.cycleThrough({ namespace: 'a', name: 'other' }, false)).to.equal(undefined);
  });

  it('counts only copies that are there: naming a place is not enough to get in the way', () => {
    const pretender = syncOf('a', 'b', '1', 'Denied');
    const second = syncOf('b', 'c');
    const back = syncOf('c', 'a');
    const detector = detectorOf(back, copyOf(second), lookup(pretender, second, back));

    expect(detector.cycleThrough(place('a'), false)).to.equal(undefined);
    expect(detector.cycleThrough(place('b'), false)).to.equal(second);
  });

  it('lets the youngest give way where the whole loop is there already, and nobody else', () => {
    const old = syncOf('a', 'b', '2026-01-01T00:00:00Z');
    const young = syncOf('b', 'a', '2026-01-02T00:00:00Z');
    const all = lookup(old, young);

    expect(detectorOf(young, copyOf(old), all).cycleThrough(place('a'), true)).to.equal(old);
    expect(detectorOf(old, copyOf(young), all).cycleThrough(place('b'), true)).to.equal(undefined);
  });

  it('ends its search in a loop that it is not part of', () => {
    const there = syncOf('a', 'b');
    const back = syncOf('b', 'a');
    const onlooker = syncOf('b', 'c');
    const detector = detectorOf(onlooker, copyOf(there), lookup(there, back, onlooker));

    expect(detector.cycleThrough(place('c'), false)).to.equal(undefined);
  });

  it('follows a chain of thousands in one namespace step by step, and looks through the namespace once', () => {
    const link = (i: number): ConfigMapSync =>
      ({
        metadata: { namespace: 'a', name: `link-${i}`, uid: `uid-${i}` },
        spec: { source: { name: `data-${i}` }, target: { name: `data-${i + 1}` }, syncToNamespaces: ['a'] },
        status: { targets: [{ namespace: 'a', state: 'Synced' }] },
      }) as unknown as ConfigMapSync;
    const chain = Array.from({ length: 5000 }, (_, i) => link(i));
    let looked = 0;
    const last = chain.at(-1)!;
    const steps = ancestorsOf(copyOf(last), {
      byUid: () => last,
      naming: () => {
        looked += 1;
        return chain;
      },
    });

    expect(steps.next().value).to.deep.equal({
      place: { namespace: 'a', name: 'data-4999' },
      sync: last,
    });
    expect(looked, 'a step is taken only when it is asked for').to.equal(0);
    expect([...steps]).to.have.length(4999);
    expect(looked).to.equal(1);
  });
});

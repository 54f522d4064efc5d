import { expect } from 'chai';
import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import type { TargetState } from '../../../src/api/v1alpha1/target-status.js';
import type { ConfigMapMetadata } from '../../../src/sync/config-map.js';
import { Lineage } from '../../../src/sync/lineage.js';
import { syncObject } from './sync-object.js';

/** Copies `shared` from one namespace to another; made at `minute`. */
function copying(from: string, to: string, minute: number, state: TargetState = 'Synced'): ConfigMapSync {
  return syncObject({
    metadata: {
      name: `${from}-to-${to}`,
      namespace: from,
      uid: `uid-${from}-${to}`,
      creationTimestamp: `2026-01-02T03:0${minute}:00Z`,
    },
    spec: { syncToNamespaces: [to] },
    status: { targets: [{ namespace: to, state, lastTransitionTime: '2026-01-02T03:04:05Z' }] },
  });
}

/** Metadata of a ConfigMap that `sync` wrote. */
function copyOf(sync: ConfigMapSync): ConfigMapMetadata {
  return { name: 'shared', labels: { 'configmapsync.io/owner-uid': sync.metadata.uid } };
}

function loop(
  sync: ConfigMapSync,
  source: ConfigMapMetadata,
  all: ConfigMapSync[],
  to: string,
  held = false,
) {
  const through = new Lineage(sync, source, () => all).loopThrough({ namespace: to, name: 'shared' }, held);
  return through?.metadata.name;
}

describe('the lineage of a source', () => {
  it('holds no loop where the source is nobody’s copy, and does not look through anything', () => {
    const sync = copying('a', 'b', 1);
    const lineage = new Lineage(sync, { name: 'shared' }, () => {
      throw new Error('not to be asked');
    });

    expect(lineage.loopThrough({ namespace: 'b', name: 'shared' }, false)).to.equal(undefined);
  });

  it('allows a chain', () => {
    const [first, second] = [copying('a', 'b', 1), copying('b', 'c', 2)];

    expect(loop(second, copyOf(first), [first, second], 'c')).to.equal(undefined);
  });

  it('knows the way back to where the source comes from', () => {
    const [there, back] = [copying('a', 'b', 1), copying('b', 'a', 2)];

    expect(loop(back, copyOf(there), [there, back], 'a')).to.equal('a-to-b');
  });

  it('knows the way back over several ConfigMapSyncs', () => {
    const [first, second, third] = [copying('a', 'b', 1), copying('b', 'c', 2), copying('c', 'a', 3)];

    expect(loop(third, copyOf(second), [first, second, third], 'a')).to.equal('b-to-c');
  });

  it('lets the youngest give way where all of the loop is there already', () => {
    const [there, back] = [copying('a', 'b', 1), copying('b', 'a', 2)];

    expect(loop(back, copyOf(there), [there, back], 'a', true)).to.equal('a-to-b');
    expect(loop(there, copyOf(back), [there, back], 'b', true)).to.equal(undefined);
  });

  it('takes no notice of those who only wish for a copy', () => {
    const [first, second, third] = [
      copying('a', 'b', 1, 'Denied'),
      copying('b', 'c', 2),
      copying('c', 'a', 3),
    ];

    expect(loop(third, copyOf(second), [first, second, third], 'a')).to.equal(undefined);
  });

  it('ends, also among others that go round in circles', () => {
    const [x, y] = [copying('x', 'y', 1), copying('y', 'x', 2)];
    const sync = copying('y', 'z', 3);

    expect(loop(sync, copyOf(x), [x, y, sync], 'z')).to.equal(undefined);
  });
});

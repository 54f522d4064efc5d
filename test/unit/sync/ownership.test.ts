import { expect } from 'chai';
import type { ConfigMapMetadata } from '../../../src/sync/config-map.js';
import { mayRemove, ownershipOf, withoutMarks, type Owner } from '../../../src/sync/ownership.js';

const us: Owner = { uid: 'uid-1', namespace: 'team-a', name: 'share' };
const nobodyLives = (): boolean => false;
const allLive = (): boolean => true;

function marked(
  uid: string,
  { name = 'share', namespace = 'team-a', source = 'team-a/shared' } = {},
): ConfigMapMetadata {
  return {
    name: 'shared',
    labels: { 'app.kubernetes.io/managed-by': 'config-weaver', 'configmapsync.io/owner-uid': uid },
    annotations: {
      'configmapsync.io/owner-name': name,
      'configmapsync.io/owner-namespace': namespace,
      'configmapsync.io/source': source,
    },
  };
}

function seenByUs(metadata: ConfigMapMetadata, isLiving: (owner: Owner) => boolean): string {
  return ownershipOf(metadata, us, 'team-a/shared', isLiving);
}

describe('whose a ConfigMap is', () => {
  it('ours where it carries our uid', () => {
    expect(seenByUs(marked('uid-1'), nobodyLives)).to.equal('own');
  });

  it("another's where the ConfigMapSync that it names lives, even one of our name and source", () => {
    expect(seenByUs(marked('uid-2', { name: 'else' }), allLive)).to.equal('other');
    expect(seenByUs(marked('uid-2'), allLive)).to.equal('other');
  });

  it("our predecessor's where that is gone and had our name, namespace and source", () => {
    expect(seenByUs(marked('uid-0'), nobodyLives)).to.equal('heir');
  });

  for (const [difference, marks] of Object.entries({
    name: { name: 'else' },
    namespace: { namespace: 'team-b' },
    source: { source: 'team-a/else' },
  })) {
    it(`nobody's where its owner is gone and had another ${difference}`, () => {
      expect(seenByUs(marked('uid-0', marks), nobodyLives)).to.equal('foreign');
    });
  }

  it("nobody's where it has no mark at all", () => {
    expect(seenByUs({ name: 'shared' }, allLive)).to.equal('foreign');
    expect(seenByUs({ name: 'shared', labels: { app: 'x' }, annotations: {} }, allLive)).to.equal('foreign');
  });

  it('asks about the owner that the marks name', () => {
    const asked: Owner[] = [];
    seenByUs(marked('uid-2', { name: 'else', namespace: 'team-b' }), (owner) => {
      asked.push(owner);
      return true;
    });

    expect(asked).to.deep.equal([{ uid: 'uid-2', namespace: 'team-b', name: 'else' }]);
  });
});

describe('what we may remove', () => {
  it('needs our uid, our name and our namespace', () => {
    expect(mayRemove(marked('uid-1'), us)).to.equal(true);
  });

  it('is never what merely wears the label, which anybody may put on', () => {
    const forged = { name: 'shared', labels: { 'configmapsync.io/owner-uid': 'uid-1' } };

    expect(mayRemove(forged, us)).to.equal(false);
    expect(mayRemove(marked('uid-1', { name: 'else' }), us)).to.equal(false);
    expect(mayRemove(marked('uid-1', { namespace: 'team-b' }), us)).to.equal(false);
    expect(mayRemove(marked('uid-2'), us)).to.equal(false);
    expect(mayRemove({ name: 'shared' }, us)).to.equal(false);
  });
});

describe('a released copy', () => {
  it('loses all our marks and nothing else', () => {
    const metadata = marked('uid-1');
    const released = withoutMarks({
      ...metadata,
      labels: { ...metadata.labels, team: 'a' },
      annotations: {
        ...metadata.annotations,
        'configmapsync.io/source-resource-version': '7',
        'configmapsync.io/content-hash': 'sha256:0',
        'configmapsync.io/service-account': 'default',
        'configmapsync.io/target-metadata': '{}',
        note: 'kept',
      },
      resourceVersion: '9',
    });

    expect(released).to.deep.equal({
      name: 'shared',
      resourceVersion: '9',
      labels: { team: 'a' },
      annotations: { note: 'kept' },
    });
  });

  it('keeps a managed-by label that is not ours', () => {
    const released = withoutMarks({ name: 'shared', labels: { 'app.kubernetes.io/managed-by': 'Helm' } });

    expect(released.labels).to.deep.equal({ 'app.kubernetes.io/managed-by': 'Helm' });
  });

  it('may no longer be removed, nor is it anybody’s', () => {
    const released = withoutMarks(marked('uid-1'));

    expect(mayRemove(released, us)).to.equal(false);
    expect(seenByUs(released, allLive)).to.equal('foreign');
  });
});

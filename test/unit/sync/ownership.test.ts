import { expect } from 'chai';
import type { ConfigMapMetadata } from '../../../src/sync/config-map.js';
import { withoutMarks } from '../../../src/sync/copy-template.js';
import {
  isOwnCopy as isOwnCopyOf,
  mayBeCopy,
  ownershipOf,
  type CopyRecord,
  type Owner,
} from '../../../src/sync/ownership.js';

const BEFORE_US = '2026-01-02T03:04:04Z';
const WITH_US = '2026-01-02T03:04:05Z';
const AFTER_US = '2026-01-02T03:04:06Z';
const us: Owner = { uid: 'uid-1', namespace: 'team-a', name: 'share', creationTimestamp: WITH_US };
const recorded: CopyRecord = { copies: [{ name: 'shared', uid: 'uid-copy' }], lost: false };
const none: CopyRecord = { copies: [], lost: false };
const lost: CopyRecord = { copies: [], lost: true };
const nobodyLives = (): boolean => false;
const allLive = (): boolean => true;

function isOwnCopy(
  metadata: ConfigMapMetadata,
  owner: Owner,
  record: CopyRecord,
  isLiving = allLive,
): boolean {
  return isOwnCopyOf(metadata, { owner, record, isLiving });
}

function marked(
  uid: string,
  { name = 'share', namespace = 'team-a', source = 'team-a/shared' } = {},
): ConfigMapMetadata {
  return {
    name: 'shared',
    uid: 'uid-copy',
    creationTimestamp: BEFORE_US,
    labels: { 'app.kubernetes.io/managed-by': 'config-weaver', 'configmapsync.io/owner-uid': uid },
    annotations: {
      'configmapsync.io/owner-name': name,
      'configmapsync.io/owner-namespace': namespace,
      'configmapsync.io/source': source,
    },
  };
}

function seenByUs(metadata: ConfigMapMetadata, isLiving: (owner: Owner) => boolean): string {
  return ownershipOf(metadata, { owner: us, source: 'team-a/shared', record: recorded, isLiving });
}

describe('whose a ConfigMap is', () => {
  it('ours where it carries our uid and is recorded', () => {
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

describe('a copy of ours', () => {
  const made = (creationTimestamp: string): ConfigMapMetadata => ({ ...marked('uid-1'), creationTimestamp });

  it('is what is recorded and carries our uid, whoever came first and whatever else its marks say', () => {
    expect(isOwnCopy(made(BEFORE_US), us, recorded)).to.equal(true);
    expect(isOwnCopy(marked('uid-1', { name: 'else', namespace: 'team-b' }), us, recorded)).to.equal(true);
  });

  it('is nothing that is recorded and lost our uid: somebody else has it', () => {
    expect(isOwnCopy(marked('uid-2'), us, recorded)).to.equal(false);
    expect(isOwnCopy({ name: 'shared', uid: 'uid-copy' }, us, recorded)).to.equal(false);
  });

  describe('where it was stored without our marks when it was written', () => {
    const altered = { ...recorded, altered: true };

    it('is what is recorded, whatever the marks say, unless somebody who lives owns it', () => {
      expect(isOwnCopy({ name: 'shared', uid: 'uid-copy' }, us, altered)).to.equal(true);
      expect(isOwnCopy(marked('redacted'), us, altered, nobodyLives)).to.equal(true);
      expect(isOwnCopy(marked('uid-2'), us, altered, allLive)).to.equal(false);
    });

    it('is nothing that is not recorded', () => {
      expect(isOwnCopy({ name: 'shared', uid: 'uid-else' }, us, altered)).to.equal(false);
    });
  });

  it('is not another ConfigMap of the same name, nor the same one under another name', () => {
    expect(isOwnCopy({ ...made(BEFORE_US), uid: 'uid-again' }, us, recorded)).to.equal(false);
    expect(isOwnCopy({ ...made(BEFORE_US), name: 'else' }, us, recorded)).to.equal(false);
  });

  describe('where the record may be lost', () => {
    it('is what has all our marks and is no older than we are', () => {
      expect(isOwnCopy(made(AFTER_US), us, lost)).to.equal(true);
      expect(isOwnCopy(made(WITH_US), us, lost)).to.equal(true);
    });

    it('is nothing that was there before us: marks can be forged, that cannot', () => {
      expect(isOwnCopy(made(BEFORE_US), us, lost)).to.equal(false);
    });

    it('is nothing with some of our marks only', () => {
      const bare = { name: 'shared', labels: { 'configmapsync.io/owner-uid': 'uid-1' } };

      expect(isOwnCopy({ ...bare, creationTimestamp: AFTER_US }, us, lost)).to.equal(false);
      for (const marks of [{ name: 'else' }, { namespace: 'team-b' }]) {
        const other = { ...marked('uid-1', marks), creationTimestamp: AFTER_US };
        expect(isOwnCopy(other, us, lost), JSON.stringify(marks)).to.equal(false);
      }
    });

    it('is nothing whose age is not known, nor anything of an owner that was never created', () => {
      const ageless = marked('uid-1');
      delete ageless.creationTimestamp;

      expect(isOwnCopy(ageless, us, lost)).to.equal(false);
      expect(isOwnCopy(made(AFTER_US), { ...us, creationTimestamp: undefined }, lost)).to.equal(false);
    });
  });
});

describe('a ConfigMap with our marks that is in no record', () => {
  const made: ConfigMapMetadata = { ...marked('uid-1'), creationTimestamp: AFTER_US };

  it('is not ours, whenever it was created', () => {
    expect(isOwnCopy(made, us, none)).to.equal(false);
    expect(
      ownershipOf(made, { owner: us, source: 'team-a/shared', record: none, isLiving: allLive }),
    ).to.equal('unrecorded');
  });

  it('may be a copy where all marks are ours and it is no older than we are', () => {
    expect(mayBeCopy(made, us)).to.equal(true);
    expect(mayBeCopy({ ...made, creationTimestamp: BEFORE_US }, us)).to.equal(false);
    expect(mayBeCopy({ ...marked('uid-1', { name: 'else' }), creationTimestamp: AFTER_US }, us)).to.equal(
      false,
    );
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
      uid: 'uid-copy',
      creationTimestamp: BEFORE_US,
      resourceVersion: '9',
      labels: { team: 'a' },
      annotations: { note: 'kept' },
    });
  });

  it('keeps a managed-by label that is not ours', () => {
    const released = withoutMarks({ name: 'shared', labels: { 'app.kubernetes.io/managed-by': 'Helm' } });

    expect(released.labels).to.deep.equal({ 'app.kubernetes.io/managed-by': 'Helm' });
  });

  it('is ours no more, though it is still recorded, nor anybody’s', () => {
    const released = withoutMarks(marked('uid-1'));

    expect(isOwnCopy(released, us, recorded)).to.equal(false);
    expect(seenByUs(released, allLive)).to.equal('foreign');
  });
});

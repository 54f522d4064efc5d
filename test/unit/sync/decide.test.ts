import { expect } from 'chai';
import { configMapJson, type ConfigMap, type CopyBody } from '../../../src/sync/config-map.js';
import { CopyTemplate } from '../../../src/sync/copy-template.js';
import { decide, type DecideOptions, type Decision } from '../../../src/sync/decide.js';
import type { CopyRecord, Owner } from '../../../src/sync/ownership.js';

const us: Owner = {
  uid: 'uid-1',
  namespace: 'team-a',
  name: 'share',
  creationTimestamp: '2026-01-02T03:04:05Z',
};
/** Of the copy that {@link stored} makes. */
const recorded: CopyRecord = { copies: [{ name: 'shared', uid: 'uid-copy' }], lost: false };
const lost: CopyRecord = { copies: [], lost: true };

function copyOf(
  owner: Owner,
  { value = 'value', immutable = false, source = 'team-a/shared' } = {},
): CopyTemplate {
  return new CopyTemplate({
    owner,
    source,
    sourceResourceVersion: '7',
    name: 'shared',
    content: { data: { key: value }, binaryData: {}, immutable },
    serviceAccount: 'default',
  });
}

function written(copy: CopyBody): ConfigMap {
  return JSON.parse(String(configMapJson(copy))) as ConfigMap;
}

function stored(desired: CopyBody): ConfigMap {
  const copy = written(desired);
  return { ...copy, metadata: { ...copy.metadata, uid: 'uid-copy', resourceVersion: '100' } };
}

const foreign: ConfigMap = { metadata: { name: 'shared', namespace: 'prod' }, data: { key: 'theirs' } };
const ours = stored(copyOf(us).create('prod'));
const ourOld = stored(copyOf(us, { value: 'old' }).create('prod'));
const predecessors = stored(copyOf({ ...us, uid: 'uid-0' }).create('prod'));
const livingOnes = stored(copyOf({ uid: 'uid-2', namespace: 'team-b', name: 'rival' }).create('prod'));
const deadOnes = stored(copyOf({ uid: 'uid-3', namespace: 'team-b', name: 'gone' }).create('prod'));
const ourImmutable = stored(copyOf(us, { value: 'old', immutable: true }).create('prod'));
const foreignImmutable: ConfigMap = { ...foreign, immutable: true };
/** All our marks on what was there before us, and is in no record. */
const forged: ConfigMap = {
  ...ourOld,
  metadata: { ...ourOld.metadata, uid: 'uid-theirs', creationTimestamp: '2026-01-02T03:04:04Z' },
};
const forgedImmutable: ConfigMap = { ...forged, immutable: true };
/** As a crash leaves it between the create and the status. */
const unrecorded: ConfigMap = {
  ...ourOld,
  metadata: { ...ourOld.metadata, uid: 'uid-new', creationTimestamp: '2026-01-02T03:04:05Z' },
};
const unrecordedEqual: ConfigMap = {
  ...ours,
  metadata: { ...unrecorded.metadata, annotations: ours.metadata.annotations ?? {} },
};
const predecessorsImmutable = stored(
  copyOf({ ...us, uid: 'uid-0' }, { value: 'old', immutable: true }).create('prod'),
);

function plan(existing: ConfigMap | undefined, overrides: Partial<DecideOptions> = {}): Decision {
  return decide(existing, {
    template: copyOf(us),
    namespace: 'prod',
    owner: us,
    source: 'team-a/shared',
    conflictPolicy: 'Fail',
    record: recorded,
    isLiving: ({ uid }) => uid === 'uid-2',
    ...overrides,
  });
}

describe('the decision about a target', () => {
  const table: [string, ConfigMap | undefined, Decision['action'], Decision['action']][] = [
    // What is there                                             Fail        Overwrite
    ['nothing', undefined, 'create', 'create'],
    ['our copy, in step', ours, 'none', 'none'],
    ['our copy, out of step', ourOld, 'update', 'update'],
    ['our immutable copy, out of step', ourImmutable, 'replace', 'replace'],
    ["our predecessor's copy", predecessors, 'update', 'update'],
    ["a living ConfigMapSync's copy", livingOnes, 'conflict', 'conflict'],
    ["a dead ConfigMapSync's copy", deadOnes, 'conflict', 'update'],
    ["somebody's ConfigMap", foreign, 'conflict', 'update'],
    ["somebody's immutable ConfigMap", foreignImmutable, 'conflict', 'replace'],
    ["somebody's ConfigMap with our marks forged on it", forged, 'conflict', 'update'],
    ["somebody's immutable ConfigMap with our marks forged on it", forgedImmutable, 'conflict', 'replace'],
    ['an older copy of ours that is not recorded', unrecorded, 'conflict', 'update'],
    ['an equal copy of ours that is not recorded', unrecordedEqual, 'none', 'none'],
    ["our predecessor's immutable copy", predecessorsImmutable, 'conflict', 'replace'],
  ];
  for (const [what, existing, underFail, underOverwrite] of table) {
    it(`where there is ${what}: ${underFail} under Fail, ${underOverwrite} under Overwrite`, () => {
      expect(plan(existing).action).to.equal(underFail);
      expect(plan(existing, { conflictPolicy: 'Overwrite' }).action).to.equal(underOverwrite);
    });
  }

  it('tells an own copy from one that it takes over', () => {
    expect(plan(ourOld)).to.include({ action: 'update', isOwn: true });
    expect(plan(predecessors)).to.include({ action: 'update', isOwn: false });
    expect(plan(forged, { conflictPolicy: 'Overwrite' })).to.include({ action: 'update', isOwn: false });
  });

  it('takes what has all our marks for our copy where the record was lost, unless it is older than we are', () => {
    expect(plan(unrecorded, { record: lost }).action).to.equal('update');
    expect(plan(forged, { record: lost }).action).to.equal('conflict');
  });

  it('says who holds the place in a conflict', () => {
    expect(plan(livingOnes)).to.include({ holder: 'ConfigMapSync team-b/rival' });
    expect(plan(foreign)).to.include({ holder: 'somebody else' });
  });

  it('never takes a copy of an owner of whom it cannot know whether it lives', () => {
    expect(plan(deadOnes, { isLiving: () => true, conflictPolicy: 'Overwrite' }).action).to.equal('conflict');
  });

  it('updates just the state that it has seen', () => {
    const update = plan(ourOld);

    if (update.action !== 'update') throw new Error(update.action);
    expect(written(update.desired)).to.have.nested.property('metadata.resourceVersion', '100');
    expect(written(update.desired)).to.have.nested.property('data.key', 'value');
  });

  it('replaces an immutable copy by a new object that keeps the labels of others', () => {
    const existing = structuredClone(ourImmutable);
    existing.metadata.labels = { ...existing.metadata.labels, theirs: 'yes' };
    existing.metadata.finalizers = ['theirs'];

    const replacement = plan(existing);

    if (replacement.action !== 'replace') throw new Error(replacement.action);
    expect(replacement.existing).to.include({ uid: 'uid-copy', resourceVersion: '100' });
    expect(replacement.desired.metadata).to.have.all.keys('name', 'namespace', 'labels', 'annotations');
    expect(replacement.desired.metadata.labels).to.include({ theirs: 'yes' });
    expect(written(replacement.desired)).not.to.have.property('immutable');
  });
});

import { expect } from 'chai';
import { configMapJson, type ConfigMap, type Content, type CopyBody } from '../../../src/sync/config-map.js';
import { CopyTemplate, withoutMarks, type CopyTemplateOptions } from '../../../src/sync/copy-template.js';

const content: Content = { data: { key: 'value' }, binaryData: {}, immutable: false };

function template(overrides: Partial<CopyTemplateOptions> = {}): CopyTemplate {
  return new CopyTemplate({
    owner: { uid: 'uid-1', namespace: 'team-a', name: 'share' },
    source: 'team-a/shared',
    sourceResourceVersion: '7',
    name: 'shared',
    content,
    serviceAccount: 'default',
    ...overrides,
  });
}

/** What is sent. */
function written(copy: CopyBody): ConfigMap {
  return JSON.parse(String(configMapJson(copy))) as ConfigMap;
}

/** A copy as the API server gives it back. */
function stored(desired: CopyBody, resourceVersion = '100'): ConfigMap {
  const copy = written(desired);
  return { ...copy, metadata: { ...copy.metadata, uid: 'uid-copy', resourceVersion } };
}

describe('a new copy', () => {
  it('has the content of its source and says whose it is', () => {
    const copy = written(template({ labels: { team: 'a' }, annotations: { note: 'hi' } }).create('prod'));

    expect(copy).to.deep.equal({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: 'shared',
        namespace: 'prod',
        labels: {
          team: 'a',
          'app.kubernetes.io/managed-by': 'config-weaver',
          'configmapsync.io/owner-uid': 'uid-1',
        },
        annotations: {
          note: 'hi',
          'configmapsync.io/owner-name': 'share',
          'configmapsync.io/owner-namespace': 'team-a',
          'configmapsync.io/source': 'team-a/shared',
          'configmapsync.io/source-resource-version': '7',
          'configmapsync.io/content-hash': template().contentHash,
          'configmapsync.io/service-account': 'default',
          'configmapsync.io/target-metadata': '{"labels":["team"],"annotations":["note"]}',
        },
      },
      data: { key: 'value' },
    });
  });

  it('names no parts that its source lacks', () => {
    const copy = written(
      template({ content: { data: {}, binaryData: {}, immutable: false } }).create('prod'),
    );

    expect(copy).to.have.all.keys('apiVersion', 'kind', 'metadata');
  });

  it('is immutable and binary where its source is', () => {
    const copy = written(
      template({ content: { data: {}, binaryData: { b: 'AA==' }, immutable: true } }).create('prod'),
    );

    expect(copy).to.include({ immutable: true });
    expect(copy.binaryData).to.deep.equal({ b: 'AA==' });
  });
});

describe('a copy brought in step', () => {
  it('keeps labels, annotations, finalizers and owner references of others', () => {
    const { metadata } = template().create('prod');
    const existing = {
      ...metadata,
      labels: { ...metadata.labels, theirs: 'yes' },
      annotations: { ...metadata.annotations, theirs: 'yes' },
      finalizers: ['theirs'],
      ownerReferences: [{ kind: 'Deployment' }],
      resourceVersion: '100',
    };

    const applied = template({ content: { ...content, data: { key: 'new' } } }).apply(existing);

    expect(applied.metadata.labels).to.include({ theirs: 'yes', 'configmapsync.io/owner-uid': 'uid-1' });
    expect(applied.metadata.annotations).to.include({ theirs: 'yes' });
    expect(applied.metadata).to.deep.include({
      finalizers: ['theirs'],
      ownerReferences: [{ kind: 'Deployment' }],
      resourceVersion: '100',
    });
    expect(written(applied).data).to.deep.equal({ key: 'new' });
  });

  it('loses the labels and annotations that spec.target no longer asks for, and no others', () => {
    const before = template({ labels: { old: '1', kept: '1' }, annotations: { oldNote: '1' } }).create(
      'prod',
    );
    before.metadata.labels = { ...before.metadata.labels, theirs: 'yes' };

    const applied = template({ labels: { kept: '2' } }).apply(before.metadata);

    expect(applied.metadata.labels).to.have.all.keys(
      'kept',
      'theirs',
      'app.kubernetes.io/managed-by',
      'configmapsync.io/owner-uid',
    );
    expect(applied.metadata.labels).to.include({ kept: '2' });
    expect(applied.metadata.annotations).not.to.have.property('oldNote');
  });

  for (const nonsense of [
    '',
    '{',
    'null',
    '7',
    '{"labels":"theirs"}',
    '{"labels":[1,{}],"annotations":null}',
  ]) {
    it(`takes nothing off where its own notes read ${JSON.stringify(nonsense)}`, () => {
      const metadata = {
        name: 'shared',
        labels: { theirs: 'yes' },
        annotations: { theirs: 'yes', 'configmapsync.io/target-metadata': nonsense },
      };

      const applied = template().apply(metadata);

      expect(applied.metadata.labels).to.include({ theirs: 'yes' });
      expect(applied.metadata.annotations).to.include({ theirs: 'yes' });
      expect(applied.metadata.annotations).not.to.have.property('configmapsync.io/target-metadata');
    });
  }

  it('drops data that the source has no more', () => {
    const empty = template({ content: { data: {}, binaryData: {}, immutable: false } });

    expect(written(empty.apply(template().create('prod').metadata))).not.to.have.property('data');
  });
});

describe('a copy that needs no write', () => {
  it('is what we wrote', () => {
    expect(template().matches(stored(template().create('prod')))).to.equal(true);
  });

  it('may come from an older version of the source: labels on the source move its resourceVersion', () => {
    const copy = stored(template({ sourceResourceVersion: '7' }).create('prod'));

    expect(template({ sourceResourceVersion: '8' }).matches(copy)).to.equal(true);
  });

  it('may have labels and annotations of others', () => {
    const copy = stored(template().create('prod'));
    copy.metadata.labels = { ...copy.metadata.labels, theirs: 'yes' };
    copy.metadata.annotations = { ...copy.metadata.annotations, theirs: 'yes' };

    expect(template().matches(copy)).to.equal(true);
  });

  it('is one after it was brought in step, whatever it was before', () => {
    const wished = template({ labels: { team: 'b' }, annotations: { note: 'new' } });
    const others = template({
      labels: { team: 'a', old: '1' },
      content: { ...content, data: { other: '1' } },
    });

    for (const existing of [stored(others.create('prod')), { metadata: { name: 'shared' } }]) {
      expect(wished.matches(written(wished.apply(existing.metadata)))).to.equal(true);
    }
  });
});

describe('a copy that needs a write', () => {
  const changes: [string, (copy: ConfigMap) => void][] = [
    ['a value was edited', (copy) => (copy.data = { key: 'edited' })],
    ['a key was added', (copy) => (copy.data = { ...copy.data, more: '' })],
    ['its data is gone', (copy) => delete copy.data],
    ['binary data was added', (copy) => (copy.binaryData = { b: 'AA==' })],
    ['it was made immutable', (copy) => (copy.immutable = true)],
    ['a mark was taken off', (copy) => delete copy.metadata.annotations?.['configmapsync.io/source']],
    ['its owner was changed', (copy) => (copy.metadata.labels!['configmapsync.io/owner-uid'] = 'uid-2')],
    ['all its labels are gone', (copy) => delete copy.metadata.labels],
    ['a label of spec.target was changed', (copy) => (copy.metadata.labels!.team = 'b')],
  ];
  for (const [what, change] of changes) {
    it(`is one where ${what}`, () => {
      const wished = template({ labels: { team: 'a' } });
      const copy = structuredClone(stored(wished.create('prod')));

      change(copy);

      expect(wished.matches(copy)).to.equal(false);
    });
  }

  it('is one where a label that spec.target asked for once is still there', () => {
    const copy = stored(template({ labels: { old: '1' } }).create('prod'));

    expect(template().matches(copy)).to.equal(false);
  });
});

describe('an immutable copy', () => {
  const immutable: Content = { ...content, immutable: true };

  it('has to be replaced for new content, and to become mutable again', () => {
    const copy = stored(template({ content: immutable }).create('prod'));

    expect(template({ content: { ...immutable, data: { key: 'new' } } }).needsReplacement(copy)).to.equal(
      true,
    );
    expect(template({ content }).needsReplacement(copy)).to.equal(true);
  });

  it('needs no replacement for labels, nor a mutable one for becoming immutable', () => {
    const copy = stored(template({ content: immutable }).create('prod'));

    expect(template({ content: immutable, labels: { a: 'b' } }).needsReplacement(copy)).to.equal(false);
    expect(template({ content: immutable }).needsReplacement(stored(template().create('prod')))).to.equal(
      false,
    );
  });
});

describe('the fingerprint', () => {
  it('stays while copies need no write, and moves with everything else', () => {
    const { fingerprint } = template();

    expect(template({ sourceResourceVersion: '8' }).fingerprint).to.equal(fingerprint);
    for (const overrides of [
      { name: 'else' },
      { content: { ...content, immutable: true } },
      { labels: { a: 'b' } },
      { annotations: { a: 'b' } },
      { serviceAccount: 'else' },
      { source: 'team-a/else' },
      { owner: { uid: 'uid-2', namespace: 'team-a', name: 'share' } },
    ]) {
      expect(template(overrides).fingerprint, JSON.stringify(overrides)).not.to.equal(fingerprint);
    }
  });
});

describe('a released copy that is taken back', () => {
  it('keeps what spec.target put on it once: nobody knows any more who did', () => {
    const released = withoutMarks(stored(template({ labels: { old: '1' } }).create('prod')).metadata);

    expect(template().apply(released).metadata.labels).to.include({ old: '1' });
  });
});

describe('a copy as it was stored', () => {
  const sent = template({ labels: { team: 'a' } });
  const { metadata } = sent.create('prod');

  it('lacks nothing where it is what was sent, with what others add to its metadata', () => {
    const labels = { ...metadata.labels, theirs: 'yes' };

    expect(sent.missingIn({ metadata: { ...metadata, uid: 'uid-copy', labels } })).to.deep.equal([]);
  });

  it('names what was changed, removed or added, and no value', () => {
    const labels: Record<string, string> = { ...metadata.labels, team: 'their-secret' };
    delete labels['configmapsync.io/owner-uid'];
    const annotations = { ...metadata.annotations, 'configmapsync.io/source': 'their-secret' };
    const changed = {
      data: { key: 'their-secret', more: '' },
      binaryData: { blob: 'AA==' },
      immutable: true,
    };

    expect(
      sent.missingIn({ metadata: { ...metadata, labels, annotations }, content: changed }),
    ).to.deep.equal([
      'label "configmapsync.io/owner-uid"',
      'label "team"',
      'annotation "configmapsync.io/source"',
      'data key "key"',
      'data key "more"',
      'binaryData key "blob"',
      'immutable',
    ]);
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { ConfigMapSync } from '../../../../src/api/v1alpha1/config-map-sync.js';
import { ServiceAccountReference } from '../../../../src/api/v1alpha1/config-map-sync-spec.js';
import {
  InvalidConfigMapSyncError,
  parseConfigMapSync,
} from '../../../../src/api/v1alpha1/parse-config-map-sync.js';
import { TargetStatus } from '../../../../src/api/v1alpha1/config-map-sync-status.js';
import { STATUS_CASES } from './status-cases.js';
import { VALIDITY_CASES } from './validity-cases.js';

const TYPE = { apiVersion: 'weaver.example.com/v1alpha1', kind: 'ConfigMapSync' };
const METADATA = { name: 'share-ca', namespace: 'team-a' };
const SPEC = { source: { name: 'ca' }, syncToNamespaces: ['foo'] };

function refusalOf(raw: unknown): InvalidConfigMapSyncError {
  try {
    parseConfigMapSync(raw);
  } catch (error) {
    if (error instanceof InvalidConfigMapSyncError) {
      return error;
    }
    throw error;
  }
  throw new Error('it was accepted');
}

describe('parseConfigMapSync', () => {
  it('fills in what the API server would', () => {
    const sync = parseConfigMapSync({ ...TYPE, metadata: METADATA, spec: SPEC });

    expect(JSON.parse(JSON.stringify(sync.spec))).to.deep.include({
      serviceAccount: { name: 'default' },
      conflictPolicy: 'Fail',
      deletionPolicy: 'Delete',
      sourceDeletionPolicy: 'Retain',
      suspend: false,
    });
  });

  it('gives each part its class, and no property that was not there', () => {
    const status = {
      targets: [{ namespace: 'foo', state: 'Synced', lastTransitionTime: '2026-01-02T03:04:05Z' }],
    };

    const sync = parseConfigMapSync({ ...TYPE, metadata: METADATA, spec: SPEC, status });

    expect(sync).to.be.instanceOf(ConfigMapSync);
    expect(sync.spec.serviceAccount).to.be.instanceOf(ServiceAccountReference);
    expect(sync.status?.targets?.[0]).to.be.instanceOf(TargetStatus);
    expect(Object.keys(sync.status?.targets?.[0] ?? {})).to.deep.equal([
      'namespace',
      'state',
      'lastTransitionTime',
    ]);
    expect(sync.spec).not.to.have.property('target');
  });

  it('leaves what it was given as it was', () => {
    const raw = { ...TYPE, metadata: METADATA, spec: { ...SPEC, target: { labels: { a: null, b: 'x' } } } };
    const before = JSON.stringify(raw);

    parseConfigMapSync(raw);

    expect(JSON.stringify(raw)).to.equal(before);
  });

  it('never shares a default between two objects', () => {
    const first = parseConfigMapSync({ ...TYPE, metadata: METADATA, spec: SPEC });
    first.spec.serviceAccount.name = 'changed';

    const second = parseConfigMapSync({ ...TYPE, metadata: METADATA, spec: SPEC });

    expect(second.spec.serviceAccount.name).to.equal('default');
  });

  it('has an empty uid and resourceVersion for what never was on a server', () => {
    const { metadata } = parseConfigMapSync({ ...TYPE, metadata: METADATA, spec: SPEC });

    expect(metadata).to.deep.equal({ ...METADATA, uid: '', resourceVersion: '' });
  });

  it('keeps the metadata of the API server whole', () => {
    const metadata = {
      ...METADATA,
      uid: 'u',
      resourceVersion: '7',
      labels: { constructor: 'x' },
      finalizers: ['f'],
    };

    const sync = parseConfigMapSync({ ...TYPE, metadata, spec: SPEC });

    expect(sync.metadata).to.deep.equal(metadata);
  });

  it('refuses unknown fields of a file, by their path', () => {
    const spec = { ...SPEC, source: { name: 'ca', namspace: 'x' } };

    const refusal = refusalOf({ ...TYPE, metadata: METADATA, spec });

    expect(refusal.problems).to.deep.equal([
      'spec.source.namspace: there is no such field; take it out, or mend its spelling or indentation',
    ]);
  });

  it('names the object and all that is wrong with it', () => {
    const spec = { source: { name: 'CA' }, syncToNamespaces: ['foo', 'foo'], suspend: 'yes' };

    const { message } = refusalOf({ ...TYPE, metadata: METADATA, spec });

    expect(message).to.equal(
      'ConfigMapSync team-a/share-ca is not valid: ' +
        'spec.source.name: must be lower-case letters, digits, "-" and ".", with a letter or digit at both ends of each part, not "CA"; ' +
        'spec.syncToNamespaces[1]: is there twice: "foo"; take one away; ' +
        'spec.suspend: must be true or false, not "yes"',
    );
  });

  it('does not repeat an endless value in its message', () => {
    const { message } = refusalOf({
      ...TYPE,
      metadata: METADATA,
      spec: { ...SPEC, suspend: 'y'.repeat(10_000) },
    });

    expect(message.length).to.be.below(300);
  });

  const strangers: [what: string, raw: unknown, problem: string][] = [
    ['nothing', undefined, 'must be one object'],
    ['a list', [], 'must be one object'],
    [
      'another kind',
      { ...TYPE, kind: 'ConfigMap', metadata: METADATA, spec: SPEC },
      'kind: must be one of ConfigMapSync, not "ConfigMap"',
    ],
    [
      'another version',
      { ...TYPE, apiVersion: 'v1', metadata: METADATA, spec: SPEC },
      'apiVersion: must be one of weaver.example.com/v1alpha1',
    ],
    ['no kind', { apiVersion: TYPE.apiVersion, metadata: METADATA, spec: SPEC }, 'kind: is required'],
    ['no metadata', { ...TYPE, spec: SPEC }, 'metadata: is required'],
    ['metadata that is a list', { ...TYPE, metadata: [], spec: SPEC }, 'metadata: must be a mapping'],
    ['no name', { ...TYPE, metadata: {}, spec: SPEC }, 'metadata.name: is required'],
    [
      'an impossible name',
      { ...TYPE, metadata: { name: 'A' }, spec: SPEC },
      'metadata.name: must be lower-case',
    ],
    [
      'an impossible namespace',
      { ...TYPE, metadata: { name: 'a', namespace: 'a.b' }, spec: SPEC },
      'metadata.namespace: must be',
    ],
  ];
  for (const [what, raw, problem] of strangers) {
    it(`refuses ${what}`, () => {
      expect(refusalOf(raw).message).to.contain(problem);
    });
  }

  it('refuses nonsense of any shape with a message, never with an accident', () => {
    const key = fc.constantFrom(
      'constructor',
      '__proto__',
      'toString',
      'then',
      'length',
      '0',
      ...Object.keys(SPEC),
    );
    const nonsense = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.jsonValue({ maxDepth: 1 }),
        fc.dictionary(key, tie('value'), { maxKeys: 3 }),
        fc.array(tie('value'), { maxLength: 3 }),
      ),
    })).value;
    const field = fc.constantFrom(
      'source',
      'syncToNamespaces',
      'namespaceSelector',
      'serviceAccount',
      'target',
      'keys',
    );

    fc.assert(
      fc.property(field, nonsense, nonsense, nonsense, (name, value, status, metadata) => {
        for (const raw of [{ spec: { ...SPEC, [name]: value } }, { spec: SPEC, status }, { spec: value }]) {
          try {
            parseConfigMapSync({ ...TYPE, metadata, ...raw });
          } catch (error) {
            expect(error).to.be.instanceOf(InvalidConfigMapSyncError);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  for (const { title, spec, refusedAt } of VALIDITY_CASES) {
    it(`${refusedAt === undefined ? 'accepts' : 'refuses'} ${title}`, () => {
      const raw = { ...TYPE, metadata: METADATA, spec };

      const parse = (): unknown => parseConfigMapSync(raw);

      if (refusedAt === undefined) {
        expect(parse).not.to.throw();
      } else {
        expect(parse).to.throw(InvalidConfigMapSyncError, refusedAt);
      }
    });
  }

  for (const { title, status, refusedAt } of STATUS_CASES) {
    it(`${refusedAt === undefined ? 'accepts' : 'refuses'} a status with ${title}`, () => {
      const raw = { ...TYPE, metadata: METADATA, spec: SPEC, status };

      const parse = (): unknown => parseConfigMapSync(raw);

      if (refusedAt === undefined) {
        expect(parse).not.to.throw();
      } else {
        expect(parse).to.throw(InvalidConfigMapSyncError, refusedAt);
      }
    });
  }
});

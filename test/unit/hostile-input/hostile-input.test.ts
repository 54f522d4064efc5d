import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { expect } from 'chai';
import { InvalidArgumentError } from 'commander';
import fc from 'fast-check';
import { repositoryRoot } from '../../../hack/repository.js';
import {
  InvalidConfigMapSyncError,
  parseConfigMapSync,
} from '../../../src/api/v1alpha1/parse-config-map-sync.js';
import { readSyncs } from '../../../src/cli/manifest-file.js';
import { renderHtml } from '../../../src/cli/audit/report/html.js';
import { findingsOf, rowsOf } from '../../../src/cli/audit/report/report-row.js';
import { renderCsv, renderTable } from '../../../src/cli/audit/report/text-formats.js';
import { parseBindAddress, parseDuration, parseNamespaceList } from '../../../src/cli/option-types.js';
import { KubeconfigError } from '../../../src/k8s/config/cluster-connection.js';
import { loadConnection } from '../../../src/k8s/config/kubeconfig.js';
import { ApiError } from '../../../src/k8s/client/errors.js';
import { parseEvent } from '../../../src/k8s/client/response-body.js';
import type { ConfigMapMetadata } from '../../../src/sync/config-map.js';
import { ownershipOf } from '../../../src/sync/ownership.js';
import { foreignText, HARMFUL } from '../../support/foreign-text.js';
import { syncWith, target } from '../../support/report-fixture.js';

/** For each property, in milliseconds; FUZZ_SECONDS for whoever wants to look for longer. */
const LIMIT_MS = Number(process.env.FUZZ_SECONDS ?? 1) * 1000;

/** What broke something once, here or elsewhere, is tried first each time: add to it what a longer run finds. */
const corpus = JSON.parse(
  await readFile(join(repositoryRoot(), 'test/unit/hostile-input/corpus.json'), 'utf8'),
) as string[];

const known = corpus.map((text): [string] => [text]);
const limits = <T>(examples: T[] = []): fc.Parameters<T> => ({
  examples,
  numRuns: LIMIT_MS > 1000 ? Number.MAX_SAFE_INTEGER : 300,
  plugins: [fc.interruptAfterTimeLimit(LIMIT_MS) as fc.Plugin<T>],
});

const text = fc.oneof(fc.constantFrom(...corpus), foreignText());
/** Any JSON, with names that matter to JavaScript, or to a ConfigMapSync. */
const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.constantFrom(null, true, 0, -1, 1e308, Number.MAX_SAFE_INTEGER),
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .array(
        fc.tuple(
          fc.constantFrom(
            ...['apiVersion', 'kind', 'metadata', 'name', 'namespace', 'spec', 'source', 'target', 'labels'],
            ...['syncToNamespaces', 'namespaceSelector', 'matchExpressions', 'operator', 'values', 'keys'],
            ...['serviceAccount', 'suspend', 'deletionPolicy', '__proto__', 'constructor', 'toString'],
          ),
          tie('value'),
        ),
        { maxLength: 6 },
      )
      // As JSON.parse makes it: an own property of any name.
      .map(
        (entries) =>
          JSON.parse(
            `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join()}}`,
          ) as unknown,
      ),
  ),
})).value;

describe('hostile input', function () {
  this.timeout(LIMIT_MS * 3 + 10_000);

  afterEach('leaves the prototypes of all objects alone', () => {
    const names = Object.getOwnPropertyNames(Object.prototype);
    expect(names).to.include('toString');
    expect(names).to.not.include('polluted');
    expect(({} as Record<string, unknown>).polluted).to.equal(undefined);
    expect(Object.keys(Object.prototype)).to.deep.equal([]);
  });

  it('to the models is taken, or refused by name', () => {
    fc.assert(
      fc.property(json, (spec) => {
        const type = { apiVersion: 'weaver.example.com/v1alpha1', kind: 'ConfigMapSync' };
        for (const raw of [spec, { ...type, metadata: { name: 'share', namespace: 'team-a' }, spec }]) {
          try {
            parseConfigMapSync(raw);
          } catch (error) {
            expect(error).to.be.instanceOf(InvalidConfigMapSyncError);
            expect((error as Error).message).to.not.equal('');
          }
        }
      }),
      limits(),
    );
  });

  it('in the marks of a ConfigMap makes nothing ours that is not recorded', () => {
    const owner = {
      uid: 'uid-1',
      namespace: 'team-a',
      name: 'share',
      creationTimestamp: '2026-01-01T00:00:00Z',
    };
    const names = [
      ...['configmapsync.io/owner-uid', 'configmapsync.io/owner-name', 'configmapsync.io/owner-namespace'],
      ...['configmapsync.io/source', 'app.kubernetes.io/managed-by', '__proto__'],
    ];
    const value = fc.oneof(
      text,
      fc.constantFrom('uid-1', 'team-a', 'share', 'team-a/shared', 'config-weaver'),
    );
    const marks = fc
      .array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 6 })
      .map((entries) => Object.fromEntries(entries) as Record<string, string>);
    const metadata: fc.Arbitrary<ConfigMapMetadata> = fc.record({
      name: fc.constant('shared'),
      uid: text,
      labels: marks,
      annotations: marks,
      creationTimestamp: fc.oneof(text, fc.constant('2026-02-01T00:00:00Z')),
    });
    const record = { copies: [{ name: 'shared', uid: 'uid-of-our-copy' }], lost: false };
    fc.assert(
      fc.property(metadata, fc.boolean(), (found, lives) => {
        const ownership = ownershipOf(found, {
          owner,
          source: 'team-a/shared',
          record,
          isLiving: () => lives,
        });
        expect(ownership).to.not.equal('own');
      }),
      limits(),
    );
  });

  it('on a watch is an event, or an error of the watch', () => {
    const line = fc.oneof(
      text,
      fc.json(),
      fc
        .tuple(fc.oneof(text, fc.constantFrom('ADDED', 'ERROR', 'BOOKMARK')), json)
        .map(([type, object]) => JSON.stringify({ type, object })),
    );
    fc.assert(
      fc.property(line, (given) => {
        try {
          const { type, object } = parseEvent(given, 'a watch');
          if (type === 'BOOKMARK') expect(object.metadata.resourceVersion).to.be.a('string');
          else expect(object.metadata.name).to.be.a('string');
        } catch (error) {
          expect(error).to.be.instanceOf(ApiError);
        }
      }),
      limits(known),
    );
  });

  it('in a kubeconfig is a connection, or an error that names the file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'config-weaver-fuzz-'));
    const file = join(folder, 'kubeconfig');
    const pieces = fc.record({
      'current-context': fc.oneof(json, fc.constant('a')),
      clusters: json,
      users: json,
      contexts: json,
    });
    const whole = fc.record({
      'current-context': fc.constant('a'),
      contexts: fc.constant([{ name: 'a', context: { cluster: 'a', user: 'a' } }]),
      clusters: fc
        .tuple(json, text)
        .map(([more, server]) => [{ name: 'a', cluster: { server, 'proxy-url': more } }]),
      users: json.map((user) => [{ name: 'a', user }]),
    });
    const content = fc.oneof(
      text,
      fc.oneof(pieces, whole).map((config) => JSON.stringify(config)),
    );
    try {
      // What reads a kubeconfig is loaded with the first, and that takes long.
      await loadConnection({ kubeconfig: file, env: {}, home: folder }).catch(() => undefined);
      await fc.assert(
        fc.asyncProperty(content, async (given) => {
          await writeFile(file, given);
          try {
            await loadConnection({ kubeconfig: file, env: {}, home: folder });
          } catch (error) {
            expect(error, String((error as Error).stack)).to.be.instanceOf(KubeconfigError);
            expect((error as Error).message).to.include(file);
          }
        }),
        limits(known),
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('in a manifest is what it says, or an error that says what is wrong', async () => {
    const content = fc.oneof(
      text,
      json.map((object) => JSON.stringify(object)),
      fc.tuple(text, text).map(([a, b]) => `kind: ConfigMapSync\nmetadata:\n  name: ${a}\n---\n${b}`),
    );
    await fc.assert(
      fc.asyncProperty(content, async (given) => {
        const stderr = new PassThrough().resume();
        const caller = { namespace: 'here' };
        try {
          await readSyncs({ file: '-', stdin: Readable.from([given]), namespace: undefined, caller, stderr });
        } catch (error) {
          // Of no other kind, such as a TypeError.
          expect((error as Error).name).to.be.oneOf(['Error', 'InvalidConfigMapSyncError', 'UsageError']);
        }
      }),
      limits(known),
    );
  });

  it('in a flag is a value, or an error that says what to write', () => {
    fc.assert(
      fc.property(text, (given) => {
        for (const parse of [parseDuration, parseBindAddress, parseNamespaceList]) {
          try {
            parse(given);
          } catch (error) {
            expect(error).to.be.instanceOf(InvalidArgumentError);
          }
        }
      }),
      limits(known),
    );
  });

  it('in a status is text in each form of the report', () => {
    const scripts = (page: string): number => page.split(/<\/?(?:script|img|a|iframe)\b/i).length;
    const render = (message: string): { page: string; csv: string; table: string } => {
      const sync = syncWith({
        name: message,
        targets: [target(message, 'Failed', { reason: message, message })],
      });
      const findings = findingsOf([sync]);
      const rows = rowsOf(sync);
      const report = { findings, operator: message, server: message, namespace: message, at: new Date(0) };
      return { page: renderHtml(report), csv: renderCsv(rows), table: renderTable(rows, false) };
    };
    const harmless = scripts(render('harmless').page);
    fc.assert(
      fc.property(text, (given) => {
        const { page, csv, table } = render(given);
        expect(scripts(page)).to.equal(harmless);
        for (const cell of cellsOf(csv)) expect(cell).to.not.match(/^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/);
        for (const line of table.split('\n')) expect(line).to.not.match(HARMFUL);
      }),
      limits(known),
    );
  });
});

/** RFC 4180. */
function cellsOf(csv: string): string[] {
  return [...csv.matchAll(/(?:^|,|\r\n)(?:"((?:[^"]|"")*)"|([^",\r\n]*))/g)].map(
    ([, quoted, bare = '']) => quoted?.replaceAll('""', '"') ?? bare,
  );
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { expect } from 'chai';
import { readSyncs } from '../../../src/cli/manifest-file.js';

const SYNC = `
apiVersion: weaver.example.com/v1alpha1
kind: ConfigMapSync
metadata: {name: share}
spec: {source: {name: settings}, syncToNamespaces: [foo]}
`;

const caller = { namespace: 'here' };

async function read(content: string, namespace?: string) {
  const stderr = new PassThrough();
  const stdin = Readable.from([content]);
  const syncs = await readSyncs({ file: '-', stdin, namespace, caller, stderr });
  return { syncs, remarks: String(stderr.read() ?? '') };
}

async function failureOf(reading: Promise<unknown>): Promise<string> {
  return reading.then(
    () => 'it was accepted',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

describe('the file of a plan', () => {
  it('may hold several documents, empty ones and other kinds among them', async () => {
    const { syncs, remarks } = await read(
      `${SYNC}---\n---\nkind: Namespace\nmetadata: {name: foo}\n---${SYNC}`,
    );

    expect(syncs.map(({ metadata }) => metadata.name)).to.deep.equal(['share', 'share']);
    expect(remarks).to.equal('# left out, being no ConfigMapSync: Namespace foo\n');
  });

  it('may be a List, in JSON', async () => {
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: [
        {
          apiVersion: 'weaver.example.com/v1alpha1',
          kind: 'ConfigMapSync',
          metadata: { name: 'share', namespace: 'team-a' },
          spec: { source: { name: 's' }, syncToNamespaces: ['foo'] },
        },
      ],
    };

    const { syncs } = await read(JSON.stringify(list));

    expect(syncs[0]?.metadata.namespace).to.equal('team-a');
    expect(syncs[0]?.spec.serviceAccount.name, 'a default').to.equal('default');
  });

  it('is read from where -f says', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'config-weaver-file-'));
    try {
      const file = join(directory, 'sync.yaml');
      await writeFile(file, SYNC);

      const options = { namespace: undefined, caller, stderr: process.stderr };
      const syncs = await readSyncs({ file, ...options });
      const missing = await failureOf(readSyncs({ file: `${file}.no`, ...options }));

      expect(syncs[0]?.metadata.namespace).to.equal('here');
      expect(missing).to.contain(`${file}.no`).and.to.contain('ENOENT');
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('takes the namespace of -n where it names none, and is refused where it names another', async () => {
    const { syncs } = await read(SYNC, 'there');
    const refusal = await failureOf(
      read(SYNC.replace('{name: share}', '{name: share, namespace: x}'), 'there'),
    );

    expect(syncs[0]?.metadata.namespace).to.equal('there');
    expect(refusal).to.contain('-n there').and.to.contain('"x"');
  });

  it('means what kubectl takes it to mean: YAML 1.1 without its times', async () => {
    const labelled = (value: string): string =>
      SYNC.replace('{source:', `{target: {labels: {key: ${value}}}, source:`);

    const refusal = await failureOf(read(labelled('yes')));
    const { syncs } = await read(labelled('2026-01-02'));

    expect(refusal).to.contain('spec.target.labels[key]');
    expect(syncs[0]?.spec.target?.labels).to.deep.equal({ key: '2026-01-02' });
  });

  const mistakes: [string, string, string][] = [
    [
      'a field that does not exist',
      SYNC.replace('syncToNamespaces', 'syncToNamespace'),
      'spec.syncToNamespace',
    ],
    ['a value that cannot be', SYNC.replace('[foo]', '[Foo]'), 'spec.syncToNamespaces[0]'],
    ['YAML that is none', `${SYNC}\n  : [`, 'line'],
    ['a file without a ConfigMapSync', 'kind: Namespace\nmetadata: {name: foo}', 'holds no ConfigMapSync'],
    ['an empty file', '', 'holds no ConfigMapSync'],
    ['a list instead of an object', '- a\n- b', 'ConfigMapSync'],
  ];
  for (const [what, content, hint] of mistakes) {
    it(`is refused for ${what}, by name`, async () => {
      expect(await failureOf(read(content))).to.contain(hint);
    });
  }

  it('says nothing of what is: a status in it is left out', async () => {
    const { syncs } = await read(`${SYNC}status: {summary: 1/1}\n`);

    expect(syncs[0]?.status).to.equal(undefined);
  });
});

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { expect } from 'chai';
import { ESLint, Linter } from 'eslint';
import fc from 'fast-check';
import { parseAllDocuments } from 'yaml';
import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import { missingGrants } from '../../../src/cli/grant/grant.js';
import { errorLine, program } from '../../../src/cli/program.js';
import { painted, remark, writeLine, writeOut } from '../../../src/cli/terminal.js';
import { foreignText, HARMFUL, longTexts, TAKEOVER } from '../../support/foreign-text.js';
import { syncWith, target } from '../../support/report-fixture.js';

/** Standard output and error in one, as `2>&1` makes them. */
class Terminal extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

interface Answer {
  code: number;
  body: unknown;
}

const refusal = (code: number, message: string): Answer => ({
  code,
  body: { kind: 'Status', reason: 'Forbidden', code, message },
});

/** An API server that says what no real one would; everything is refused that a test does not answer. */
class LyingServer {
  sync: ConfigMapSync | undefined;
  namespaces: Answer = refusal(403, 'no');
  review: Answer = { code: 201, body: { status: { allowed: false } } };
  readonly #server: Server = createServer((request, response) => this.#answer(request, response));

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    const { code, body } = this.#answerTo(request.url ?? '');
    response.writeHead(code, { 'content-type': 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  }

  #answerTo(url: string): Answer {
    if (url.endsWith('/subjectaccessreviews')) return this.review;
    if (url.startsWith('/api/v1/namespaces')) return this.namespaces;
    if (/configmapsyncs(\?|$)/.test(url)) return { code: 200, body: { items: [this.sync], metadata: {} } };
    return { code: 200, body: this.sync };
  }
}

/** As kubectl reads a stream: documents that hold nothing but comments are none. */
function documentsIn(text: string): unknown[] {
  return [parseAllDocuments(text, { version: '1.1' })].flat().flatMap((document) => {
    if (!('errors' in document)) return [];
    expect(document.errors.map(({ message }) => `${message} in ${JSON.stringify(text)}`)).to.deep.equal([]);
    const object: unknown = document.toJS();
    return object === null ? [] : [object];
  });
}

function expectHarmless(text: string): void {
  expect(text.replaceAll('\n', '')).to.not.match(HARMFUL);
}

describe('what reaches the terminal', function () {
  this.timeout(120_000);
  let folder: string;
  let server: LyingServer;
  let kubeconfig: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'config-weaver-'));
    kubeconfig = join(folder, 'kubeconfig');
  });
  after(() => rm(folder, { recursive: true }));
  beforeEach(async () => {
    server = new LyingServer();
    const config = {
      'current-context': 'here',
      contexts: [{ name: 'here', context: { cluster: 'here', user: 'me', namespace: 'team-a' } }],
      clusters: [{ name: 'here', cluster: { server: await server.start() } }],
      users: [{ name: 'me', user: { token: 'x' } }],
    };
    await writeFile(kubeconfig, JSON.stringify(config));
  });
  afterEach(() => server.stop());

  async function run(...args: string[]): Promise<string> {
    const terminal = new Terminal();
    await program([...args, '--kubeconfig', kubeconfig], { env: {}, stdout: terminal, stderr: terminal });
    return terminal.text;
  }

  const operator = 'system:serviceaccount:config-weaver-system:config-weaver-controller-manager';
  async function grantsOf(sync: ConfigMapSync): Promise<unknown> {
    const reviewer = { allowsAll: () => Promise.resolve(false) };
    const grants = await missingGrants(sync, [...(sync.spec.syncToNamespaces ?? [])].sort(), {
      operator,
      reviewer,
    });
    const unique = new Map(grants.map((each) => [JSON.stringify(each), each]));
    return JSON.parse(JSON.stringify([...unique.values()]));
  }

  it('of grant NAME is just its manifests, whatever the ConfigMapSync holds and the API server says', async () => {
    // Names are never empty: the API server refuses that.
    const text = foreignText().filter((each) => each !== '');
    const spec = { source: text, namespace: text, account: text, targets: fc.uniqueArray(text), copy: text };
    await fc.assert(
      fc.asyncProperty(fc.record({ ...spec, message: text }), async (given) => {
        server.review = refusal(403, given.message);
        server.sync = syncWith({
          spec: {
            source: { name: given.source, namespace: given.namespace },
            serviceAccount: { name: given.account },
            syncToNamespaces: given.targets,
            target: { name: given.copy },
          },
        });
        const output = await run('grant', 'share');

        expect(documentsIn(output)).to.deep.equal(await grantsOf(server.sync));
        expectHarmless(output);
      }),
      { numRuns: 40 },
    );
  });

  it('of grant -f FILE is just its manifests, whatever else is in the file', async () => {
    const text = foreignText();
    const file = join(folder, 'sync.json');
    const { metadata, spec } = syncWith({ spec: { syncToNamespaces: ['prod', 'ghost'] } });
    const { name, namespace } = metadata;
    const sync = { apiVersion: 'weaver.example.com/v1alpha1', kind: 'ConfigMapSync' };
    const existing = [{ metadata: { name: 'prod' } }, { metadata: { name: 'team-a' } }];
    server.namespaces = { code: 200, body: { items: existing, metadata: {} } };
    const expected = await grantsOf(syncWith({ spec: { syncToNamespaces: ['prod'] } }));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ kind: text, name: text }), { maxLength: 3 }), async (others) => {
        const items = others
          .filter(({ kind }) => kind !== 'ConfigMapSync')
          .map((other) => ({ kind: other.kind, metadata: { name: other.name } }));
        await writeFile(
          file,
          JSON.stringify({
            kind: 'List',
            items: [...items, { ...sync, metadata: { name, namespace }, spec }],
          }),
        );
        const output = await run('grant', '-f', file);

        expect(documentsIn(output)).to.deep.equal(expected);
        expectHarmless(output);
      }),
      { numRuns: 30 },
    );
  });

  it('of a grant that fails is comments alone, whatever is in the file or in the answer', async () => {
    const file = join(folder, 'bad.json');
    await fc.assert(
      fc.asyncProperty(foreignText(), fc.boolean(), async (text, isStatus) => {
        const spec = { source: { name: `A${text}` }, [text]: 1, syncToNamespaces: [text] };
        await writeFile(file, JSON.stringify({ kind: 'ConfigMapSync', metadata: { name: text }, spec }));
        server.sync = syncWith({ spec: { syncToNamespaces: ['prod'] } });
        server.review = isStatus ? refusal(500, text) : { code: 502, body: text };

        for (const output of [await run('grant', '-f', file), await run('grant', 'share')]) {
          expect(output).to.match(/^(# [^\n]*\n)+$/);
          expectHarmless(output);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('of audit is harmless in every form, whatever a status holds', async () => {
    const text = foreignText();
    const fields = { name: text, account: text, place: text, reason: text, message: text };
    await fc.assert(
      fc.asyncProperty(fc.record(fields), async ({ name, account, place, reason, message }) => {
        server.sync = syncWith({
          name,
          spec: { serviceAccount: { name: account } },
          targets: [target(place, 'Denied', { reason, message })],
        });
        for (const form of ['table', 'json', 'html']) expectHarmless(await run('audit', '-o', form));
        expectHarmless((await run('audit', '-o', 'csv')).replaceAll('\r\n', ''));
        expect(JSON.parse(await run('audit', '-o', 'json'))).to.have.nested.property('[0].name', name);
      }),
      { numRuns: 10 },
    );
  });

  it('keeps the colours of a table, and no other sequence', async () => {
    const terminal = new Terminal();

    await writeOut(terminal, `${painted('red', 'red')}\u001b[2J\u001b[31;1m\n`, 'table');
    await writeOut(terminal, `${painted('red', 'red')}\n`);

    expect(terminal.text).to.equal(
      '\u001b[31mred\u001b[0m\\u001b[2J\\u001b[31;1m\n\\u001b[31mred\\u001b[0m\n',
    );
  });

  it('is one comment for a remark that holds a manifest', () => {
    const terminal = new Terminal();

    remark(terminal, `left out: ${TAKEOVER}`);

    expect(terminal.text).to.match(/^# [^\n]*\n$/);
  });

  it('takes no time for 1 MiB of anything', async () => {
    for (const [what, text] of longTexts()) {
      const started = performance.now();
      const terminal = new Terminal();
      remark(terminal, text);
      writeLine(terminal, errorLine(new Error(text)));
      await writeOut(terminal, text, 'table');

      expect(performance.now() - started, what).to.be.below(10_000);
    }
  });
});

describe('the linter', function () {
  this.timeout(60_000);
  const past = [
    'stderr.write("x")',
    'const { stdout } = process; stdout.end(text)',
    'source.pipe(process.stdout)',
    'stream["write"](text)',
    'console.log(text)',
    'fs.writeSync(1, text)',
    'await writeFile("/dev/stdout", text)',
  ];

  async function complaints(code: string, filePath: string): Promise<string[]> {
    const config = (await new ESLint().calculateConfigForFile(filePath)) as Linter.Config;
    const rules = { 'no-restricted-syntax': config.rules?.['no-restricted-syntax'] ?? 'off' } as const;
    return new Linter().verify(code, { rules }).map(({ message }) => message);
  }

  for (const code of past) {
    it(`keeps src/cli from writing past the terminal's door by ${code}`, async () => {
      for (const file of ['src/main.ts', 'src/cli/program.ts', 'src/cli/audit/report/html.ts']) {
        expect(await complaints(code, file)).to.include(
          'write by src/cli/terminal.ts: it makes foreign texts harmless',
        );
      }
    });
  }

  it('still keeps src/cli from ConfigMaps', async () => {
    const address = ['', 'configmaps'].join('/');

    expect(await complaints(`get("${address}")`, 'src/cli/program.ts')).to.have.length(1);
  });
});

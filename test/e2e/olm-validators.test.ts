import { expect } from 'chai';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { repositoryRoot } from '../../hack/repository.js';
import { olmToolsOrSkip, runTool, type OlmTools } from './olm/olm-tools.js';
import { skip } from './support/skip.js';

const BUNDLE = join(repositoryRoot(), 'bundle');
const CATALOG = join(repositoryRoot(), 'catalog');

/**
 * Rules have no version, so operator-sdk cannot tell that these are about events.k8s.io/v1, and takes them for the v1beta1
 * that went with Kubernetes 1.25. Later releases of its library do not warn.
 */
const EXPLAINED = /removed in v1\.25.*for events: /;

describe("OLM's own validators", function () {
  this.timeout(60_000);
  let tools: OlmTools;

  before(async function () {
    tools = await olmToolsOrSkip(this);
  });

  function toolOrSkip(context: Mocha.Context, name: string): string {
    const path = join(tools.bin, name);
    if (!existsSync(path)) skip(context, `needs ${name} in ${tools.bin}`);
    return path;
  }

  it('operator-sdk bundle validate has no error and no unexplained warning', async function () {
    const sdk = toolOrSkip(this, 'operator-sdk');

    const { ok, output } = await runTool(sdk, [
      ...['bundle', 'validate', BUNDLE],
      ...['--select-optional', 'suite=operatorframework'],
    ]);

    const complaints = output.split('\n').filter((line) => /level=(warning|error)/.test(line));
    expect(complaints.filter((line) => !EXPLAINED.test(line))).to.deep.equal([]);
    expect(ok, output).to.equal(true);
  });

  it('bundle-lint, all validators in one, has no error and no warning of what needs no registry', async function () {
    const lint = toolOrSkip(this, 'bundle-lint');

    const { ok, output } = await runTool(lint, ['-strict', '-k8s-version', '1.37', BUNDLE]);

    expect(ok, output).to.equal(true);
    expect(output).to.include('0 error(s), 0 warning(s)');
  });

  it('opm validate accepts the catalog', async function () {
    const { ok, output } = await runTool(toolOrSkip(this, 'opm'), ['validate', CATALOG]);

    expect(ok, output).to.equal(true);
  });

  it('opm render makes the same of the bundle as our generator', async function () {
    const opm = toolOrSkip(this, 'opm');
    const ours = parse(await readFile(await currentRelease(), 'utf8')) as Rendered;
    const directory = await mkdtemp(join(tmpdir(), 'config-weaver-catalog-'));
    try {
      // From a folder it has no image, and without an image opm keeps all objects inline: a second rendering has one.
      const inline = parse((await runTool(opm, ['render', BUNDLE, '-o', 'yaml'])).output) as Rendered;
      await writeFile(join(directory, 'bundle.json'), JSON.stringify({ ...inline, image: ours.image }));

      const again = await runTool(opm, [
        ...['render', directory, '-o', 'json'],
        '--migrate-level=bundle-object-to-csv-metadata',
      ]);

      const theirs = JSON.parse(again.output) as Rendered;
      expect(ours.properties).to.deep.equal(theirs.properties);
      expect(ours.relatedImages).to.include.deep.members(theirs.relatedImages);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});

interface Rendered {
  image: string;
  properties: { type: string; value: object }[];
  relatedImages: { name: string; image: string }[];
}

async function currentRelease(): Promise<string> {
  const annotations = await readFile(
    join(BUNDLE, 'manifests/config-weaver.clusterserviceversion.yaml'),
    'utf8',
  );
  const { metadata } = parse(annotations) as { metadata: { name: string } };
  return join(CATALOG, 'config-weaver', `${metadata.name}.yaml`);
}

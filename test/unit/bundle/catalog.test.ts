import { expect } from 'chai';
import { catalogFiles } from '../../../hack/bundle/catalog.js';
import { parseCatalogTemplate, type CatalogTemplate } from '../../../hack/bundle/catalog-template.js';
import type { ClusterServiceVersion } from '../../../hack/bundle/cluster-service-version.js';
import { parseManifests } from '../../../hack/bundle/manifest.js';
import { upgradeProblems } from '../../../hack/bundle/upgrade-graph.js';
import { committedBundle, repositoryFile } from './committed.js';

type Entry = CatalogTemplate['channels'][number]['entries'][number];

const bundle = (version: string): string => `registry.test/bundle:v${version}`;

function template(entries: Entry[], versions: string[], name = 'stable'): CatalogTemplate {
  return {
    package: { schema: 'olm.package', name: 'config-weaver', defaultChannel: 'stable' },
    channels: [{ schema: 'olm.channel', package: 'config-weaver', name, entries }],
    images: versions.map(bundle),
  };
}

describe('the upgrade graph', () => {
  it('of the releases so far holds together, in both channels', async () => {
    const committed = parseCatalogTemplate(await repositoryFile('hack/bundle/catalog-template.yaml'));

    expect(upgradeProblems(committed)).to.deep.equal([]);
    expect(committed.channels.map(({ name }) => name)).to.deep.equal(['stable', 'candidate']);
  });

  it('may go from release to release, and skip one', () => {
    const entries = [
      { name: 'config-weaver.v0.1.0' },
      { name: 'config-weaver.v0.1.1', replaces: 'config-weaver.v0.1.0' },
      { name: 'config-weaver.v0.1.2', replaces: 'config-weaver.v0.1.0', skips: ['config-weaver.v0.1.1'] },
    ];

    expect(upgradeProblems(template(entries, ['0.1.0', '0.1.1', '0.1.2']))).to.deep.equal([]);
  });

  it('has one head in each channel', () => {
    const entries = [{ name: 'config-weaver.v0.1.0' }, { name: 'config-weaver.v0.1.1' }];

    expect(upgradeProblems(template(entries, ['0.1.0', '0.1.1']))).to.deep.equal([
      'stable: one release should be the head, not config-weaver.v0.1.0 and config-weaver.v0.1.1',
    ]);
  });

  it('goes in no circle', () => {
    const entries = [
      { name: 'config-weaver.v0.1.0', replaces: 'config-weaver.v0.1.1' },
      { name: 'config-weaver.v0.1.1', replaces: 'config-weaver.v0.1.0' },
      { name: 'config-weaver.v0.1.2' },
    ];

    expect(upgradeProblems(template(entries, ['0.1.0', '0.1.1', '0.1.2']))).to.deep.equal([
      'stable: no upgrade leads on from config-weaver.v0.1.0',
      'stable: no upgrade leads on from config-weaver.v0.1.1',
    ]);
  });

  it('has a bundle for each entry, an entry for each bundle, a tag on each image', () => {
    const problems = upgradeProblems({
      ...template([{ name: 'config-weaver.v0.1.0' }], ['0.1.1']),
      images: [bundle('0.1.1'), 'registry.test/bundle:latest'],
    });

    expect(problems).to.deep.equal([
      'registry.test/bundle:latest has no tag vX.Y.Z',
      'stable: there is no bundle image of config-weaver.v0.1.0',
      'config-weaver.v0.1.1 is in no channel',
    ]);
  });

  it('has a default channel', () => {
    const problems = upgradeProblems(template([{ name: 'config-weaver.v0.1.0' }], ['0.1.0'], 'fast'));

    expect(problems).to.deep.equal(['the default channel stable does not exist']);
  });
});

describe('the catalog', () => {
  let csv: ClusterServiceVersion;
  const PATH = 'config-weaver/config-weaver.v';

  before(async () => {
    csv = (await committedBundle()).csv;
  });

  it('shows a release without the whole of its ClusterServiceVersion', () => {
    const files = catalogFiles(template([{ name: csv.metadata.name }], [csv.spec.version]), csv, new Map());

    const [rendered] = parseManifests(files.get(`${PATH}${csv.spec.version}.yaml`) ?? '') as unknown as {
      properties: { type: string; value: object }[];
    }[];
    const shown = Object.fromEntries(rendered!.properties.map(({ type, value }) => [type, value]));
    expect(Object.keys(shown)).to.deep.equal(['olm.gvk', 'olm.package', 'olm.csv.metadata']);
    expect(shown['olm.csv.metadata'])
      .to.include({ displayName: 'config-weaver' })
      .and.not.have.key('install');
  });

  it('keeps what was published of earlier releases as it was', () => {
    const entries = [
      { name: 'config-weaver.v0.0.9' },
      { name: csv.metadata.name, replaces: 'config-weaver.v0.0.9' },
    ];
    const published = new Map([[`${PATH}0.0.9.yaml`, 'as it was']]);

    const files = catalogFiles(template(entries, ['0.0.9', csv.spec.version]), csv, published);

    expect(files.get(`${PATH}0.0.9.yaml`)).to.equal('as it was');
  });

  it('is refused where an earlier release has no file', () => {
    const entries = [
      { name: 'config-weaver.v0.0.9' },
      { name: csv.metadata.name, replaces: 'config-weaver.v0.0.9' },
    ];

    const generate = () => catalogFiles(template(entries, ['0.0.9', csv.spec.version]), csv, new Map());

    expect(generate).to.throw('config-weaver.v0.0.9.yaml is missing');
  });
});

describe('bundle.Dockerfile', () => {
  it("carries the bundle's annotations as labels, since OLM's tools read either", async () => {
    const { annotations } = await committedBundle();

    const labels = [...(await repositoryFile('bundle.Dockerfile')).matchAll(/^LABEL (\S+?)=(\S+)$/gm)];

    expect(Object.fromEntries(labels.map(([, name, value]) => [name, value]))).to.deep.equal(annotations);
  });
});

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { manifestYaml } from '../../../hack/bundle/manifest.js';
import { runTool } from './olm-tools.js';

/** A release's name, such as `config-weaver.v0.1.0`, and the folder of its bundle. */
export interface CatalogRelease {
  name: string;
  directory: string;
}

const PACKAGE = 'config-weaver';
const CHANNEL = 'stable';

/** Rendered from folders, bundles have no image: their objects are in the catalog itself, and OLM has nothing to unpack. */
export async function writeCatalog(
  opm: string,
  directory: string,
  releases: readonly CatalogRelease[],
): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const release of releases) {
    const { ok, output } = await runTool(opm, ['render', release.directory, '-o', 'yaml']);
    if (!ok) throw new Error(`opm render ${release.directory}: ${output}`);
    await writeFile(join(directory, `${release.name}.yaml`), output);
  }
  const entries = releases.map(({ name }, index) => {
    const replaces = releases[index - 1]?.name;
    return { name, ...(replaces !== undefined && { replaces }) };
  });
  const documents = [
    { schema: 'olm.package', name: PACKAGE, defaultChannel: CHANNEL },
    { schema: 'olm.channel', package: PACKAGE, name: CHANNEL, entries },
  ];
  await writeFile(join(directory, 'package.yaml'), documents.map(manifestYaml).join('---\n'));
  const { ok, output } = await runTool(opm, ['validate', directory]);
  if (!ok) throw new Error(`opm validate: ${output}`);
}

export function catalogObjects(address: string, namespace: string): object[] {
  return [
    {
      apiVersion: 'operators.coreos.com/v1alpha1',
      kind: 'CatalogSource',
      metadata: { name: 'test', namespace },
      spec: { sourceType: 'grpc', address, displayName: 'test' },
    },
  ];
}

/** What a cluster's administrator applies to install the operator for these namespaces; none: for all. */
export function subscriptionObjects(
  namespace: string,
  targets: readonly string[],
  catalog: string,
): object[] {
  return [
    {
      apiVersion: 'operators.coreos.com/v1',
      kind: 'OperatorGroup',
      metadata: { name: 'test', namespace },
      spec: { targetNamespaces: targets },
    },
    {
      apiVersion: 'operators.coreos.com/v1alpha1',
      kind: 'Subscription',
      metadata: { name: PACKAGE, namespace },
      spec: { name: PACKAGE, channel: CHANNEL, source: 'test', sourceNamespace: catalog },
    },
  ];
}

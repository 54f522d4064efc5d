import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readFiles } from '../../../hack/bundle/files.js';
import type { ClusterServiceVersion } from '../../../hack/bundle/cluster-service-version.js';
import { only, parseManifests, type Manifest } from '../../../hack/bundle/manifest.js';
import { repositoryRoot } from '../../../hack/repository.js';

/** The bundle as it is committed: what is shipped, whatever made it. */
export interface CommittedBundle {
  csv: ClusterServiceVersion;
  /** All of manifests/, the CSV included. */
  manifests: Manifest[];
  annotations: Record<string, string>;
}

export async function committedBundle(): Promise<CommittedBundle> {
  const files = await readFiles(join(repositoryRoot(), 'bundle'));
  const manifests = [...files]
    .filter(([path]) => path.startsWith('manifests/'))
    .flatMap(([, text]) => parseManifests(text));
  const [metadata] = parseManifests(files.get('metadata/annotations.yaml') ?? '');
  return {
    csv: only(manifests, 'ClusterServiceVersion') as ClusterServiceVersion,
    manifests,
    annotations: (metadata as unknown as { annotations: Record<string, string> }).annotations,
  };
}

/** A file of the checkout. */
export function repositoryFile(...path: string[]): Promise<string> {
  return readFile(join(repositoryRoot(), ...path), 'utf8');
}

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { controlPlaneAssets } from '../control-plane/assets.js';
import { repositoryRoot } from '../repository.js';
import { parseManifests, type Manifest } from './manifest.js';

const run = promisify(execFile);

/**
 * What a folder of config/ makes. Always by the control plane's own kubectl, so that nobody's output depends on the
 * kustomize that they happen to have.
 * @throws Error with kustomize's own words
 */
export async function kustomize(folder: string): Promise<Manifest[]> {
  const kubectl = join(await controlPlaneAssets(), 'kubectl');
  const path = join(repositoryRoot(), 'config', folder);
  const { stdout } = await run(kubectl, ['kustomize', path], { maxBuffer: 64 * 1024 * 1024 });
  return parseManifests(stdout);
}

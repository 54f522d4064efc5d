import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { repositoryRoot } from '../../hack/repository.js';
import type { Kubectl } from './kubectl.js';

/**
 * The manifests that an overlay of components of config/components alone gives, as an administrator would build it.
 * @param resources Folders of config that the overlay has as well.
 * @param fields Of kustomization.yaml, beside these two.
 */
export async function buildComponents(
  kubectl: Kubectl,
  components: readonly string[],
  { resources = [], ...fields }: { resources?: readonly string[]; [field: string]: unknown } = {},
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'config-weaver-overlay-'));
  try {
    const overlay = join(folder, 'overlay');
    await mkdir(overlay);
    const fromHere = (path: string): string => relative(overlay, join(repositoryRoot(), 'config', path));
    const kustomization = {
      ...fields,
      resources: resources.map(fromHere),
      components: components.map((name) => fromHere(`components/${name}`)),
    };
    await writeFile(join(overlay, 'kustomization.yaml'), JSON.stringify(kustomization));
    return await kubectl(['kustomize', overlay]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { repositoryRoot } from '../../hack/repository.js';
import type { Kubectl } from './kubectl.js';

/** The manifests that an overlay of components of config/components alone gives, as an administrator would build it. */
export async function buildComponents(kubectl: Kubectl, ...components: string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'config-weaver-overlay-'));
  try {
    const overlay = join(folder, 'overlay');
    await mkdir(overlay);
    const paths = components.map((name) =>
      relative(overlay, join(repositoryRoot(), 'config/components', name)),
    );
    await writeFile(join(overlay, 'kustomization.yaml'), JSON.stringify({ components: paths }));
    return await kubectl(['kustomize', overlay]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

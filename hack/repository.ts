import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The checkout's root, found from where this file was compiled to: the folder of the nearest package.json upwards.
 * A linked package.json counts as the one it points to, so that output outside of the checkout finds it too.
 * @throws Error when there is none
 */
export function repositoryRoot(): string {
  for (let directory = import.meta.dirname; ; directory = dirname(directory)) {
    const manifest = join(directory, 'package.json');
    if (existsSync(manifest)) return dirname(realpathSync(manifest));
    if (directory === dirname(directory)) throw new Error(`no package.json above ${import.meta.dirname}`);
  }
}

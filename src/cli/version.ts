import { readFileSync } from 'node:fs';

/** Put in place by the bundler, because a bundle has no package.json beside it. */
declare const CONFIG_WEAVER_VERSION: string | undefined;

let known: string | undefined;

/**
 * This program's version: `X.Y.Z`, from the package.json of the package that this file is in.
 * @throws Error if there is none: an installation that is not whole
 */
export function version(): string {
  known ??= typeof CONFIG_WEAVER_VERSION === 'string' ? CONFIG_WEAVER_VERSION : readVersion();
  return known;
}

/** Looks upwards, since the compiler's output folder adds a level or two between this file and the package. */
function readVersion(): string {
  for (let folder = new URL('./', import.meta.url); ;) {
    const found = versionIn(new URL('package.json', folder));
    if (found !== undefined) return found;
    const parent = new URL('../', folder);
    if (parent.href === folder.href) throw new Error('no package.json of config-weaver above the program');
    folder = parent;
  }
}

function versionIn(file: URL): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const manifest = JSON.parse(text) as { name?: unknown; version?: unknown };
  return manifest.name === 'config-weaver' && typeof manifest.version === 'string'
    ? manifest.version
    : undefined;
}

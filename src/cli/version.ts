import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

/** Put in place by the bundler, because a bundle has no package.json beside it. */
declare const CONFIG_WEAVER_VERSION: string | undefined;

/**
 * This program's version: `X.Y.Z`, from the package.json of the package that this file is in.
 * @throws Error if there is none: an installation that is not whole
 */
export function version(): string {
  if (typeof CONFIG_WEAVER_VERSION === 'string') return CONFIG_WEAVER_VERSION;
  const file = findPackageJSON(import.meta.url);
  if (file === undefined) throw new Error('no package.json of config-weaver above the program');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const BUNDLE = fileURLToPath(new URL('../bundle/config-weaver.mjs', import.meta.url));
const COMPILED = fileURLToPath(new URL('../src/main.js', import.meta.url));

/**
 * How Node.js is told to run the operator: the bundle that is shipped, or what tsc made of the sources where nothing was
 * bundled. A small young generation costs a few more collections and saves tens of megabytes that would never be given back;
 * a signal shall not open a debugger, to which tokens are plain text.
 */
export function programArguments(): string[] {
  return ['--max-semi-space-size=4', '--disable-sigusr1', existsSync(BUNDLE) ? BUNDLE : COMPILED];
}

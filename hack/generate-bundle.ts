/**
 * Writes the OLM bundle to bundle/, or to --output. Without options it is that of package.json's version; the others make
 * the bundle of another release, which is how an upgrade is tried before there are two of them.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { version as ownVersion } from '../src/cli/version.js';
import { replaceFiles } from './bundle/files.js';
import { generateBundle } from './bundle/generate.js';
import { repositoryRoot } from './repository.js';

const { values } = parseArgs({
  options: {
    version: { type: 'string', default: ownVersion() },
    replaces: { type: 'string' },
    image: { type: 'string' },
    output: { type: 'string', default: resolve(repositoryRoot(), 'bundle') },
  },
});
const { version, replaces, image, output } = values;
await replaceFiles(resolve(output), await generateBundle({ version, replaces, image }));

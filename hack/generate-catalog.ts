/** Writes the file-based catalog to catalog/ from hack/bundle/catalog-template.yaml and from the bundle in bundle/. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { generateCatalog } from './bundle/generate.js';
import { readFiles, replaceFiles } from './bundle/files.js';
import { repositoryRoot } from './repository.js';

const root = repositoryRoot();
const { values } = parseArgs({
  options: {
    template: { type: 'string', default: join(root, 'hack/bundle/catalog-template.yaml') },
    bundle: { type: 'string', default: join(root, 'bundle') },
    output: { type: 'string', default: join(root, 'catalog') },
  },
});
const published = await readFiles(values.output);
const template = await readFile(values.template, 'utf8');
await replaceFiles(values.output, generateCatalog(template, await readFiles(values.bundle), published));

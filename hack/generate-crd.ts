/**
 * Writes the CustomResourceDefinition to config/crd/bases; `--check` writes nothing and fails when the file is
 * not what the models say.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { customResourceDefinitionYaml, FILE_NAME } from './crd/custom-resource-definition.js';
import { repositoryRoot } from './repository.js';

const path = join(repositoryRoot(), 'config', 'crd', 'bases', FILE_NAME);
const wanted = customResourceDefinitionYaml();
const [option, ...rest] = process.argv.slice(2);

if (rest.length > 0 || (option !== undefined && option !== '--check')) {
  process.stderr.write('usage: generate-crd [--check]\n');
  process.exitCode = 2;
} else if (option === '--check') {
  const found = await readFile(path, 'utf8').catch(() => '');
  if (found !== wanted) {
    process.stderr.write(`${path} is not what the models in src/api say: run "make manifests"\n`);
    process.exitCode = 1;
  }
} else {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, wanted);
}

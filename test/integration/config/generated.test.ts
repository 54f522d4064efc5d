import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { differences, readFiles } from '../../../hack/bundle/files.js';
import { generateBundle, generateCatalog } from '../../../hack/bundle/generate.js';
import { repositoryRoot } from '../../../hack/repository.js';
import { version } from '../../../src/cli/version.js';

const committed = (...path: string[]): string => join(repositoryRoot(), ...path);

/** Needs no API server, but the kubectl that comes with one. */
describe('what is generated for OLM', () => {
  it('is, for the bundle, what is committed: else run "make bundle"', async () => {
    const generated = await generateBundle({ version: version() });

    expect(differences(generated, await readFiles(committed('bundle')))).to.deep.equal([]);
  });

  it('is, for the catalog, what is committed: else run "make catalog"', async () => {
    const template = await readFile(committed('hack/bundle/catalog-template.yaml'), 'utf8');
    const published = await readFiles(committed('catalog'));

    const generated = generateCatalog(template, await readFiles(committed('bundle')), published);

    expect(differences(generated, published)).to.deep.equal([]);
  });
});

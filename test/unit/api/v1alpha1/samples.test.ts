import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { repositoryRoot } from '../../../../hack/repository.js';
import { parseConfigMapSync } from '../../../../src/api/v1alpha1/parse-config-map-sync.js';

describe('the sample in config/samples', () => {
  it('is a ConfigMapSync without a slip of the pen', async () => {
    const file = join(repositoryRoot(), 'config', 'samples', 'v1alpha1_configmapsync.yaml');

    const sync = parseConfigMapSync(parse(await readFile(file, 'utf8')));

    expect(sync.spec.syncToNamespaces).to.deep.equal(['foo', 'bar']);
  });
});

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { repositoryRoot } from '../../../hack/repository.js';

/** What may be shipped in an image under Apache-2.0 without more than naming it. */
const ALLOWED = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'PSF-2.0', 'Unlicense'];

interface LockFile {
  packages: Record<string, { dev?: boolean; license?: string }>;
}

describe('the packages that are shipped', () => {
  it('have a licence that lets us do that', async () => {
    const lock = JSON.parse(await readFile(join(repositoryRoot(), 'package-lock.json'), 'utf8')) as LockFile;
    const shipped = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true);
    expect(shipped).to.not.deep.equal([]);

    const others = shipped.filter(([, { license = '' }]) => !ALLOWED.includes(license));

    expect(others.map(([path, { license }]) => `${path}: ${license ?? 'none'}`)).to.deep.equal([]);
  });
});

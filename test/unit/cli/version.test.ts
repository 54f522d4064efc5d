import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { version } from '../../../src/cli/version.js';

describe('version', () => {
  it("is the package's own, found from wherever the compiled files are", () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

    expect(version()).to.equal(manifest.version);
  });
});

import { expect } from 'chai';
import { checkSelection, fromRoot, isEverything, narrow } from '../../../hack/test/selection.js';

const CONFIG = { spec: ['dist/test/unit/**/*.test.js'], timeout: 10_000 };
const THIS = 'test/unit/hack/selection.test.ts';

describe('a selection of tests', () => {
  it('of one file takes what was compiled from it in place of all files', () => {
    expect(narrow(CONFIG, { file: THIS })).to.deep.equal({
      spec: ['dist/test/unit/hack/selection.test.js'],
      timeout: 10_000,
      'fail-zero': true,
    });
  });

  it('of a folder takes all that is in it', () => {
    expect(narrow(CONFIG, { file: 'test/unit/hack' })).to.deep.include({
      spec: ['dist/test/unit/hack/**/*.test.js'],
    });
  });

  it('of a name takes the name for no pattern, and fails where no test has it', () => {
    expect(narrow(CONFIG, { name: 'adds (1+1)' })).to.deep.equal({
      ...CONFIG,
      fgrep: 'adds (1+1)',
      'fail-zero': true,
    });
  });

  it('names a file from the root of the checkout, however it was given', () => {
    expect(fromRoot(`./${THIS}`)).to.equal(THIS);
    expect(fromRoot(import.meta.filename.replace('/dist/', '/').replace(/\.js$/, '.ts'))).to.equal(THIS);
  });

  it('refuses a file of other tests, of none, and one that is not there', () => {
    expect(() => checkSelection({ file: THIS }, 'unit')).not.to.throw();
    expect(() => checkSelection({ file: THIS }, 'e2e')).to.throw('is no file of e2e tests');
    expect(() => checkSelection({ file: 'test/unit/hack' }, 'unit')).not.to.throw();
    expect(() => checkSelection({ file: 'test/unit/hack' }, 'integration')).to.throw(
      'is no file of integration',
    );
    expect(() => checkSelection({ file: 'test/support/plane.ts' }, 'unit')).to.throw(
      'is no file of unit tests',
    );
    expect(() => checkSelection({ file: 'test/unit/rig.ts' }, 'unit')).to.throw('is no file of unit tests');
    expect(() => checkSelection({ file: 'test/unit/none.test.ts' }, 'unit')).to.throw('there is no');
  });

  it('of nothing in particular is everything', () => {
    expect(isEverything({})).to.equal(true);
    expect(isEverything({ name: 'x' })).to.equal(false);
  });
});

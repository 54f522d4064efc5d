import { expect } from 'chai';
import { checked, describe as describeOutcome, sum } from '../../../hack/test/outcome.js';

describe('the sum of a test run', () => {
  it('adds the counts of all phases', () => {
    const total = sum([
      { passed: 3, failed: 0, skipped: 1, failures: [] },
      { passed: 4, failed: 2, skipped: 0, failures: ['a', 'b'] },
    ]);

    expect(total).to.deep.equal({ passed: 7, failed: 2, skipped: 1, failures: ['a', 'b'] });
  });

  it('counts a linter that complains as one failure, and one that is content not at all', () => {
    expect(sum([checked(false), checked(true)])).to.include({ passed: 0, failed: 1, skipped: 0 });
  });

  it('speaks of skipped tests only where there are any', () => {
    expect(describeOutcome({ passed: 7, failed: 0, skipped: 0 })).to.equal('7 passed, 0 failed');
    expect(describeOutcome({ passed: 7, failed: 2, skipped: 1 })).to.equal('7 passed, 2 failed, 1 skipped');
  });
});

import { expect } from 'chai';
import type { Figures } from '../../../hack/soak/figures.js';
import { growthOf, leftoversOf } from '../../../hack/soak/verdict.js';

const MEGABYTE = 1_000_000;

function figures(heapBytes: number, rest: Partial<Figures> = {}): Figures {
  return { residentBytes: 0, heapBytes, watches: 0, tokens: 0, series: [], resources: {}, ...rest };
}

const heaps = (...megabytes: number[]): Figures[] => megabytes.map((each) => figures(each * MEGABYTE));

describe('growthOf', () => {
  it('is silent where the heap goes up and down, and where the first round warms up', () => {
    expect(growthOf(heaps(20, 40, 36, 41, 38, 37))).to.deep.equal([]);
  });

  it('names a heap that grows with each round', () => {
    expect(growthOf(heaps(30, 34, 38, 42, 46, 50))).to.deep.equal([
      'the heap grew from 34000000 to 46000000 bytes',
    ]);
  });

  it('names timers and sockets that grow with each round', () => {
    const measured = [10, 20, 30, 40, 50, 60].map((Timeout) => figures(MEGABYTE, { resources: { Timeout } }));
    expect(growthOf(measured)[0]).to.match(/^timers and sockets grew from 20 to 50/);
  });

  it('says nothing of a single round', () => {
    expect(growthOf(heaps(30))).to.deep.equal([]);
  });
});

describe('leftoversOf', () => {
  it('is silent where nothing is held', () => {
    expect(leftoversOf(figures(MEGABYTE))).to.deep.equal([]);
  });

  it('names watches, tokens and each series', () => {
    const held = { watches: 2, tokens: 1, series: ['configweaver_targets{}'] };
    expect(leftoversOf(figures(MEGABYTE, held))).to.have.length(3);
  });
});

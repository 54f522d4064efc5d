import { expect } from 'chai';
import { inSlices, Turns } from '../../../../src/k8s/util/async.js';

describe('slices', () => {
  it('come to every item in order, and let others have a turn in between', async () => {
    const items = Array.from({ length: 250 }, (_, i) => i);
    const visited: number[] = [];
    const all = inSlices(items, (item) => visited.push(item));
    expect(visited).to.have.length(20);
    await new Promise(setImmediate);
    expect(visited.length).to.be.lessThan(items.length);
    await all;
    expect(visited).to.deep.equal(items);
  });

  it('end with what a visit throws', async () => {
    const visited: number[] = [];
    const failure: unknown = await inSlices([1, 2, 3], (item) => {
      if (item === 2) throw new Error('two');
      visited.push(item);
    }).catch((error: unknown) => error);

    expect(failure).to.have.property('message', 'two');
    expect(visited).to.deep.equal([1]);
  });
});

describe('turns', () => {
  it('let so many begin in each turn of the event loop, in their order, and others in between', async () => {
    const turns = new Turns(3);
    const begun: number[] = [];
    const all = Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        await turns.next();
        begun.push(i);
      }),
    );
    const counts: number[] = [begun.length];
    while (begun.length < 8) {
      await new Promise(setImmediate);
      counts.push(begun.length);
    }
    await all;

    expect(begun).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(counts[0]).to.equal(0);
    expect(counts.length).to.be.greaterThan(3);
    expect(Math.max(...counts.slice(1).map((count, i) => count - counts[i]!))).to.be.at.most(3);
  });
});

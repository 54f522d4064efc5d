import { expect } from 'chai';
import { inSlices, Turns } from '../../../../src/k8s/util/async.js';

describe('slices', () => {
  /** Takes the thread for so long, in milliseconds. */
  const busy = (milliseconds: number): void => {
    const end = performance.now() + milliseconds;
    while (performance.now() < end);
  };

  it('come to every item in order, and let others have a turn before a few milliseconds are over', async () => {
    const items = Array.from({ length: 50 }, (_, i) => i);
    const visited: number[] = [];
    const all = inSlices(items, (item) => {
      busy(1);
      visited.push(item);
    });
    expect(visited.length).to.be.at.most(3);
    let turns = 0;
    while (visited.length < items.length) {
      await new Promise(setImmediate);
      turns += 1;
    }
    await all;
    expect(visited).to.deep.equal(items);
    expect(turns).to.be.at.least(15);
  });

  it('take no longer in one turn where many go on at once', async () => {
    let visits = 0;
    const all = Array.from({ length: 20 }, () =>
      inSlices([1, 2, 3], () => {
        busy(1);
        visits += 1;
      }),
    );
    const perTurn = [visits];
    while (visits < 60) {
      const before = visits;
      await new Promise(setImmediate);
      perTurn.push(visits - before);
    }
    await Promise.all(all);
    // Two turns of ours may come between two of those that count.
    expect(Math.max(...perTurn)).to.be.at.most(6);
  });

  it('do without a turn where there is little to do', async () => {
    await new Promise(setImmediate);
    const visited: number[] = [];
    void inSlices([1, 2, 3], (item) => visited.push(item));
    expect(visited).to.deep.equal([1, 2, 3]);
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

import { expect } from 'chai';
import { inSlices } from '../../../../src/k8s/util/async.js';

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

import { expect } from 'chai';
import { inTurns } from '../../../src/controller/in-turns.js';
import { settle } from '../../support/fakes/fake-clock.js';

describe('taking turns', () => {
  const numbers = Array.from({ length: 200 }, (_, i) => i);

  it('gives what each gave, in order', async () => {
    expect(await inTurns(numbers, (n) => Promise.resolve(2 * n))).to.deep.equal(numbers.map((n) => 2 * n));
    expect(await inTurns([], () => Promise.resolve(1))).to.deep.equal([]);
  });

  it('has a bounded number under way, and one that hangs keeps no other from its turn', async () => {
    const begun: number[] = [];
    let finish = (): void => undefined;
    const hanging = new Promise<void>((resolve) => (finish = resolve));
    const all = inTurns(numbers, (n) => {
      begun.push(n);
      return n < 63 ? hanging : Promise.resolve();
    });
    await settle();
    expect(begun.length).to.be.at.least(64);
    while (begun.length < numbers.length) await settle();

    finish();
    await all;
    expect(begun).to.deep.equal(numbers);
  });

  it('lets others have a turn in between, even where nothing is waited for', async () => {
    let done = 0;
    const all = inTurns(numbers, () => Promise.resolve(void (done += 1)));
    await new Promise(setImmediate);
    expect(done).to.be.lessThan(numbers.length);
    await all;
    expect(done).to.equal(numbers.length);
  });

  it('fails as those that failed, but not before everything that was begun is over', async () => {
    let finish = (): void => undefined;
    const slow = new Promise<void>((resolve) => (finish = resolve));
    let failure: unknown;
    const task = (n: number): Promise<void> => (n === 0 ? slow : Promise.reject(new Error(`number ${n}`)));
    void inTurns([0, 1, 2], task).catch((error: unknown) => (failure = error));
    await settle();
    expect(failure).to.equal(undefined);

    finish();
    await settle();
    expect(failure).to.have.property('message', 'number 1');
  });
});

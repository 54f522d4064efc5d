import { expect } from 'chai';
import { allSettled } from '../../../src/controller/all-settled.js';
import { settle } from '../../support/fakes/fake-clock.js';

describe('waiting for all', () => {
  it('gives what they gave, in order', async () => {
    expect(await allSettled([Promise.resolve(1), Promise.resolve(2)])).to.deep.equal([1, 2]);
    expect(await allSettled([])).to.deep.equal([]);
  });

  it('fails as the first that failed, but not before the last is over', async () => {
    let finish = (): void => undefined;
    const slow = new Promise<void>((resolve) => (finish = resolve));
    let failure: unknown;
    void allSettled([slow, Promise.reject(new Error('one')), Promise.reject(new Error('two'))]).catch(
      (error: unknown) => (failure = error),
    );
    await settle();
    expect(failure).to.equal(undefined);

    finish();
    await settle();

    expect(failure).to.have.property('message', 'one');
  });
});

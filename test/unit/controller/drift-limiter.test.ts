import { expect } from 'chai';
import { DriftLimiter } from '../../../src/controller/drift-limiter.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';

const MINUTE = 60_000;

describe('the repair budget', () => {
  let clock: FakeClock;
  let budget: DriftLimiter;

  beforeEach(() => {
    clock = new FakeClock();
    budget = new DriftLimiter(clock);
  });

  function spendAll(target: string): void {
    for (let repair = 0; repair < 5; repair += 1) expect(budget.spend(target)).to.equal(0);
  }

  it('allows five repairs at once, then says how long to wait', () => {
    spendAll('prod');

    expect(budget.spend('prod')).to.equal(MINUTE);
  });

  it('allows one more a minute, when it said so and not before', async () => {
    spendAll('prod');
    await clock.advance(MINUTE / 2);
    expect(budget.spend('prod')).to.equal(MINUTE / 2);

    await clock.advance(MINUTE / 2);

    expect(budget.spend('prod')).to.equal(0);
    expect(budget.spend('prod')).to.equal(MINUTE);
  });

  it('is each target’s own', () => {
    spendAll('prod');

    expect(budget.spend('dev')).to.equal(0);
  });

  it('is whole again after five minutes of peace, and no more than whole', async () => {
    spendAll('prod');
    await clock.advance(60 * MINUTE);

    spendAll('prod');
    expect(budget.spend('prod')).to.be.greaterThan(0);
  });

  it('forgets nobody who is still in a fight, however many others come', async () => {
    spendAll('prod');
    for (let other = 0; other < 100; other += 1) budget.spend(`other-${other}`);
    await clock.advance(MINUTE / 4);

    expect(budget.spend('prod')).to.equal((MINUTE * 3) / 4);
  });
});

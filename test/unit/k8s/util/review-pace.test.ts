import { expect } from 'chai';
import { ReviewPace } from '../../../../src/k8s/util/review-pace.js';
import { FakeClock, settle } from '../../../support/fakes/fake-clock.js';

const PER_SECOND = 100;

describe('the pace of re-checks', () => {
  let clock: FakeClock;
  let pace: ReviewPace;
  let served: string[];
  const { signal } = new AbortController();

  beforeEach(() => {
    clock = new FakeClock();
    pace = new ReviewPace(clock);
    served = [];
  });

  function ask(tenant: string, count = 1): void {
    for (let asked = 0; asked < count; asked += 1) {
      void pace.turn(tenant, signal).then(() => served.push(tenant));
    }
  }

  it('keeps nobody waiting who asks now and then', async () => {
    for (let round = 0; round < 3; round += 1) {
      ask('a');
      await settle();
      expect(served).to.have.length(round + 1);
      await clock.advance(1000);
    }
  });

  it('lets a hundred through in a second, however many ask', async () => {
    ask('a', 1000);

    await clock.advance(5000);

    expect(served.length).to.be.within(5 * PER_SECOND - 2, 5 * PER_SECOND + 2);
  });

  it('lets no burst through after a time without any', async () => {
    await clock.advance(3_600_000);
    ask('a', 1000);
    await settle();

    expect(served.length).to.be.at.most(2);
  });

  it('lets a tenant with little through at once, however many of another wait', async () => {
    ask('greedy', 5000);
    await clock.advance(1000);
    ask('modest', 3);

    await clock.advance(60);

    expect(served.filter((tenant) => tenant === 'modest')).to.have.length(3);
  });

  it('gives up when the signal aborts, with its reason, and leaves no listener', async () => {
    const controller = new AbortController();
    let listeners = 0;
    const { signal: watched } = controller;
    const [add, remove] = [watched.addEventListener.bind(watched), watched.removeEventListener.bind(watched)];
    watched.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1;
      add(...args);
    };
    watched.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners -= 1;
      remove(...args);
    };
    await Promise.all([pace.turn('a', watched), pace.turn('a', watched)]);
    expect(listeners).to.equal(0);
    const waiting = pace.turn('a', watched).catch((error: unknown) => error);

    controller.abort(new Error('enough'));

    expect(await waiting).to.have.property('message', 'enough');
    expect(await pace.turn('a', watched).catch((error: unknown) => error)).to.have.property(
      'message',
      'enough',
    );
    ask('b', 3);
    await clock.advance(100);
    expect(served).to.have.length(3);
  });

  it('goes on as before when the clock is set back', async () => {
    let setBack = 0;
    pace = new ReviewPace({
      now: () => clock.now() - setBack,
      sleep: (milliseconds, until) => clock.sleep(milliseconds, until),
    });
    ask('a', 10);
    await clock.advance(1000);
    setBack = 3_600_000;

    ask('a', 10);
    await clock.advance(1000);

    expect(served).to.have.length(20);
  });

  it('sets no timer while nobody waits', async () => {
    let sleeps = 0;
    pace = new ReviewPace({
      now: () => clock.now(),
      sleep: (milliseconds, until) => {
        sleeps += 1;
        return clock.sleep(milliseconds, until);
      },
    });
    ask('a', 2);
    await clock.advance(10_000);
    expect(sleeps).to.equal(0);

    ask('a', 5);
    await clock.advance(10_000);
    expect(sleeps).to.be.at.most(3);
  });
});

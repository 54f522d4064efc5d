import { expect } from 'chai';
import fc from 'fast-check';

import { DelayingQueue } from '../../../../src/k8s/controller/delaying-queue.js';
import { type QueueObserver, WorkQueue } from '../../../../src/k8s/controller/work-queue.js';
import { FakeClock } from '../../../support/fakes/fake-clock.js';

describe('the work queue', () => {
  let clock: FakeClock;
  let queue: WorkQueue;
  const { signal } = new AbortController();

  beforeEach(() => {
    clock = new FakeClock();
    queue = new WorkQueue({ clock, random: () => 0 });
  });

  it('hands out each key once, in order, however often it was added', async () => {
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);

    expect([await queue.get(signal), await queue.get(signal), await queue.get(signal)]).to.deep.equal([
      'a',
      'b',
      'c',
    ]);
    expect(queue.length).to.equal(0);
  });

  it('gives a key to nobody else while somebody works on it, and again afterwards when it was added meanwhile', async () => {
    queue.add('a');
    await queue.get(signal);

    queue.add('a');
    queue.add('a');
    const whileWorking = queue.length;
    queue.done('a');

    expect(whileWorking).to.equal(0);
    expect(queue.length).to.equal(1);
    expect(await queue.get(signal)).to.equal('a');
    queue.done('a');
    expect(queue.length).to.equal(0);
  });

  it('hands a key to one of those who wait for it', async () => {
    const [first, second] = [queue.get(signal), queue.get(signal)];

    queue.add('a');
    queue.add('b');

    expect(await Promise.all([first, second])).to.deep.equal(['a', 'b']);
  });

  it('adds a key later, at the earliest of several times', async () => {
    queue.addAfter('a', 5000);
    queue.addAfter('a', 1000);
    queue.addAfter('a', 3000);
    await clock.advance(999);
    const before = queue.length;
    await clock.advance(1);
    const then = queue.length;
    await queue.get(signal);
    queue.done('a');
    await clock.advance(10_000);

    expect([before, then, queue.length]).to.deep.equal([0, 1, 0]);
  });

  it('waits twice as long after each failure, up to its maximum, and starts over when told to forget', async () => {
    queue = new WorkQueue({ clock, random: () => 0, baseDelayMs: 5, maxDelayMs: 30 });
    const waited: number[] = [];
    for (let failure = 0; failure < 5; failure++) {
      queue.addRateLimited('a');
      const startedAt = clock.now();
      while (queue.length === 0) await clock.advance(1);
      waited.push(clock.now() - startedAt);
      queue.done((await queue.get(signal))!);
    }
    queue.forget('a');
    queue.addRateLimited('a');
    await clock.advance(5);

    expect(waited).to.deep.equal([5, 10, 20, 30, 30]);
    expect(queue.length).to.equal(1);
  });

  it('has all that failed tried again at once, as if for the first time, when told to', async () => {
    for (let failure = 0; failure < 15; failure += 1) queue.addRateLimited('a');
    queue.addAfter('b', 10_000);
    await clock.advance(20);
    queue.done((await queue.get(signal))!);

    queue.retryFailed();
    const taken = await queue.get(signal);
    queue.done('a');
    queue.addRateLimited('a');
    await clock.advance(6);

    expect(taken).to.equal('a');
    expect(queue.length).to.equal(1);
  });

  it('lets those who wait go when it is shut down, and takes nothing more', async () => {
    const waiting = queue.get(signal);
    queue.addAfter('later', 1000);

    queue.shutDown();
    queue.add('a');
    await clock.advance(1000);

    expect(await waiting).to.equal(undefined);
    expect(await queue.get(signal)).to.equal(undefined);
    expect(queue.length).to.equal(0);
  });

  it('lets go whoever aborts, and gives the next key to the others', async () => {
    const controller = new AbortController();
    const impatient = queue.get(controller.signal);
    const patient = queue.get(signal);

    controller.abort();
    queue.add('a');

    expect(await impatient).to.equal(undefined);
    expect(await patient).to.equal('a');
  });

  describe('with groups', () => {
    const take = async (): Promise<string> => (await queue.get(signal))!;

    beforeEach(() => {
      queue = new WorkQueue({ clock, random: () => 0, groupOf: (key) => key.split('/')[0]! });
    });

    it('hands out the key of a group that just came before the backlog of another', async () => {
      for (let key = 0; key < 1000; key += 1) queue.add(`greedy/${key}`);
      queue.done(await take());
      for (let key = 0; key < 16; key += 1) queue.done(await take());
      queue.add('modest/1');

      expect(await take()).to.equal('modest/1');
    });

    it('hands out the keys of a group in order, each once', async () => {
      for (const key of ['a/1', 'b/1', 'a/2', 'a/1', 'b/2']) queue.add(key);
      const taken: string[] = [];
      while (queue.length > 0) taken.push(await take());

      expect(taken.filter((key) => key.startsWith('a'))).to.deep.equal(['a/1', 'a/2']);
      expect(taken.filter((key) => key.startsWith('b'))).to.deep.equal(['b/1', 'b/2']);
    });

    it('gives no group more than half of what is left to others, and the next when it gives one back', async () => {
      queue.capacity = 10;
      for (let key = 0; key < 20; key += 1) queue.add(`stuck/${key}`);
      const waiting = Array.from({ length: 10 }, () => queue.get(signal));
      const taken: string[] = [];
      for (const each of waiting) void each.then((key) => taken.push(key!));
      await clock.advance(0);
      expect(taken).to.deep.equal(['stuck/0', 'stuck/1', 'stuck/2', 'stuck/3']);

      queue.add('healthy/1');
      await clock.advance(0);
      expect(taken.slice(4)).to.deep.equal(['healthy/1']);

      queue.done('healthy/1');
      queue.done('stuck/0');
      await clock.advance(0);
      expect(taken.slice(5)).to.deep.equal(['stuck/4']);
    });
  });

  it("tells what client-go's metrics count", async () => {
    const told: string[] = [];
    const observer: QueueObserver = {
      depth: (length) => told.push(`depth ${length}`),
      added: () => told.push('added'),
      taken: (seconds) => told.push(`waited ${seconds}`),
      finished: (seconds) => told.push(`worked ${seconds}`),
      retried: () => told.push('retried'),
    };
    queue = new WorkQueue({ clock, observer });

    queue.add('a');
    queue.add('a');
    await clock.advance(2000);
    await queue.get(signal);
    await clock.advance(3000);
    const during = [queue.unfinishedWorkSeconds, queue.longestRunningProcessorSeconds];
    queue.done('a');
    queue.addRateLimited('a');

    expect(told).to.deep.equal(['added', 'depth 1', 'depth 0', 'waited 2', 'worked 3', 'retried']);
    expect(during).to.deep.equal([3, 3]);
    expect([queue.unfinishedWorkSeconds, queue.longestRunningProcessorSeconds]).to.deep.equal([0, 0]);
  });
});

describe('the delay queue', () => {
  it('gives out every key once, at the earliest time asked for, in the order of those times', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), fc.nat(1000))),
        async (added) => {
          const clock = new FakeClock(0);
          const given: [string, number][] = [];
          const delayed = new DelayingQueue<string>(clock, (key) => given.push([key, clock.now()]));
          const earliest = new Map<string, number>();
          for (const [key, delay] of added) {
            delayed.add(key, delay);
            earliest.set(key, Math.min(delay, earliest.get(key) ?? Infinity));
          }

          await clock.advance(1000);

          expect(new Map(given)).to.deep.equal(earliest);
          expect(given).to.have.length(earliest.size);
          const times = given.map(([, time]) => time);
          expect(times).to.deep.equal([...times].sort((a, b) => a - b));
        },
      ),
      { numRuns: 50 },
    );
  });
});

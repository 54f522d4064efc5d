import { expect } from 'chai';

import {
  Controller,
  type ReconcileObserver,
  type ReconcileResult,
} from '../../../../src/k8s/controller/controller.js';
import { RetryError } from '../../../../src/k8s/client/errors.js';
import { WorkQueue } from '../../../../src/k8s/controller/work-queue.js';
import { eventually } from '../../../support/eventually.js';
import { FakeClock, settle } from '../../../support/fakes/fake-clock.js';

describe('the controller', () => {
  let clock: FakeClock;
  let queue: WorkQueue;
  let stop: AbortController;
  let errors: [string, unknown][];

  beforeEach(() => {
    clock = new FakeClock();
    queue = new WorkQueue({ clock, random: () => 0, baseDelayMs: 100 });
    stop = new AbortController();
    errors = [];
  });

  function start(
    reconcile: (key: string, signal: AbortSignal) => Promise<ReconcileResult>,
    options: { workers?: number; observer?: ReconcileObserver } = {},
  ): Promise<void> {
    const controller = new Controller({
      queue,
      workers: options.workers ?? 1,
      reconcile,
      observer: options.observer,
      onError: (key, error) => errors.push([key, error]),
    });
    return controller.run(stop.signal);
  }

  it('works on as many keys at once as it has workers, and never twice on the same', async () => {
    const inFlight: string[] = [];
    let most = 0;
    const gate = Promise.withResolvers<undefined>();
    const running = start(
      async (key) => {
        inFlight.push(key);
        most = Math.max(most, inFlight.length);
        await gate.promise;
        inFlight.splice(inFlight.indexOf(key), 1);
        return {};
      },
      { workers: 2 },
    );
    for (const key of ['a', 'b', 'c', 'a']) queue.add(key);
    await settle();
    queue.add('a');
    await settle();
    const atOnce = [...inFlight];

    gate.resolve(undefined);
    await settle();
    stop.abort();
    await running;

    expect(atOnce).to.deep.equal(['a', 'b']);
    expect(most).to.equal(2);
  });

  it('tries again after an error, later each time, and tells of it', async () => {
    let visits = 0;
    const failure = new Error('not yet');
    const running = start(() => {
      visits++;
      return visits < 3 ? Promise.reject(failure) : Promise.resolve({});
    });
    queue.add('a');

    await clock.advance(100);
    await clock.advance(200);
    const afterBackoff = visits;
    await clock.advance(60_000);
    stop.abort();
    await running;

    expect(afterBackoff).to.equal(3);
    expect(visits).to.equal(3);
    expect(errors).to.deep.equal([
      ['a', failure],
      ['a', failure],
    ]);
  });

  it('comes back within the time that a failed reconcile asks for, however often it has failed', async () => {
    let visits = 0;
    const running = start(() => {
      visits++;
      return Promise.reject(new RetryError('not all', 5000));
    });
    queue.add('a');
    // By then the back-off alone has grown beyond any minute.
    await clock.advance(600_000);
    const before = visits;

    await clock.advance(60_000);
    stop.abort();
    await running;

    expect(visits - before).to.be.within(11, 13);
  });

  it('comes back when the reconcile asks for it', async () => {
    let visits = 0;
    const running = start(() => {
      visits++;
      return Promise.resolve({ requeueAfterMs: 5000 });
    });
    queue.add('a');

    await clock.advance(4999);
    const before = visits;
    await clock.advance(1);
    stop.abort();
    await running;

    expect([before, visits]).to.deep.equal([1, 2]);
  });

  it('ends after what is in flight, and takes nothing new', async () => {
    const gate = Promise.withResolvers<undefined>();
    const visited: string[] = [];
    const running = start(async (key) => {
      await gate.promise;
      visited.push(key);
      return {};
    });
    queue.add('a');
    queue.add('b');
    await settle();
    let ended = false;
    void running.then(() => (ended = true));

    stop.abort();
    await settle();
    const endedEarly = ended;
    gate.resolve(undefined);
    await running;

    expect(endedEarly).to.equal(false);
    expect(visited).to.deep.equal(['a']);
  });

  it('does not call it an error when the abort cuts a reconcile short', async () => {
    const running = start(
      (_key, signal) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        ),
    );
    queue.add('a');
    await settle();

    stop.abort();
    await running;

    expect(errors).to.deep.equal([]);
  });

  describe('gives a reconcile that takes long a stand-in', () => {
    let hanging: Map<string, () => void>;

    beforeEach(() => {
      hanging = new Map();
    });

    /** Keys that start with `hang` do so until they are let go. */
    function reconcileOf(visited: string[]): (key: string) => Promise<ReconcileResult> {
      return async (key) => {
        visited.push(key);
        if (key.includes('hang')) await new Promise<void>((resolve) => hanging.set(key, resolve));
        return {};
      };
    }

    async function letGo(): Promise<void> {
      stop.abort();
      while (hanging.size > 0) {
        for (const [key, end] of hanging) {
          hanging.delete(key);
          end();
        }
        await settle();
      }
    }

    it('so that the next key waits no longer than a moment', async () => {
      const visited: string[] = [];
      const running = start(reconcileOf(visited));
      queue.add('hang');
      queue.add('next');
      await settle();
      expect(visited).to.deep.equal(['hang']);

      await eventually(() => expect(visited).to.deep.equal(['hang', 'next']));
      await letGo();
      await running;
    });

    it('five at a time for each worker at most', async () => {
      const visited: string[] = [];
      let most = 0;
      const running = start(reconcileOf(visited), {
        observer: {
          started: () => undefined,
          active: (workers) => (most = Math.max(most, workers)),
          reconciled: () => undefined,
        },
      });
      for (let key = 0; key < 10; key += 1) queue.add(`hang-${key}`);
      await eventually(() => expect(visited).to.have.length(5));

      hanging.get('hang-0')!();
      hanging.delete('hang-0');
      await eventually(() => expect(visited).to.have.length(6));

      expect(most).to.equal(5);
      await letGo();
      await running;
    });

    it('and goes back to as many as there are workers when it is over', async () => {
      const visited: string[] = [];
      let active = 0;
      let most = 0;
      const running = start(reconcileOf(visited), {
        observer: {
          started: () => undefined,
          active: (workers) => {
            active = workers;
            most = Math.max(most, active);
          },
          reconciled: () => undefined,
        },
      });
      for (const key of ['hang-1', 'hang-2']) queue.add(key);
      await eventually(() => expect(visited).to.have.length(2));
      for (const end of hanging.values()) end();
      hanging.clear();
      await settle();
      most = 0;

      for (let key = 0; key < 20; key += 1) queue.add(`quick-${key}`);
      await eventually(() => expect(visited).to.have.length(22));

      expect(most).to.equal(1);
      await letGo();
      await running;
    });

    it('but not so many to one group that another waits', async () => {
      queue = new WorkQueue({ clock, groupOf: (key) => key.split('/')[0]! });
      const visited: string[] = [];
      const running = start(reconcileOf(visited), { workers: 2 });
      for (let key = 0; key < 50; key += 1) queue.add(`stuck/hang-${key}`);
      await eventually(() => expect(visited).to.have.length(4));

      queue.add('healthy/1');
      await eventually(() => expect(visited).to.include('healthy/1'));

      expect(visited).to.have.length(5);
      await letGo();
      await running;
    });

    it('which ends with the others', async () => {
      const visited: string[] = [];
      let ended = false;
      const running = start(reconcileOf(visited)).then(() => (ended = true));
      for (const key of ['hang-1', 'hang-2']) queue.add(key);
      await eventually(() => expect(visited).to.have.length(2));

      stop.abort();
      await settle();
      expect(ended).to.equal(false);
      await letGo();
      await running;
    });
  });

  it("tells what controller-runtime's metrics count", async () => {
    const told: string[] = [];
    const running = start(
      (key) => {
        if (key === 'error') return Promise.reject(new Error('x'));
        if (key === 'later') return Promise.resolve({ requeueAfterMs: 1000 });
        return Promise.resolve({});
      },
      {
        observer: {
          started: (workers) => told.push(`workers ${workers}`),
          active: (workers) => told.push(`active ${workers}`),
          reconciled: (result) => told.push(result),
        },
      },
    );

    for (const key of ['ok', 'error', 'later']) queue.add(key);
    await settle();
    stop.abort();
    await running;

    expect(told.filter((line) => !line.startsWith('active'))).to.deep.equal([
      'workers 1',
      'success',
      'error',
      'requeue_after',
    ]);
    expect(told.at(-1)).to.equal('active 0');
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { FairQueue, PRIORITIES, type Priority, type Task } from '../../../src/tenant/fair-queue.js';
import { FakeClock, settle } from '../../support/fakes/fake-clock.js';

interface Started {
  tenant: string;
  name: string;
  priority: Priority;
  leave: () => void;
}

const SLOW_MS = 250;

describe('the fair queue', () => {
  let clock: FakeClock;
  let started: Started[];

  beforeEach(() => {
    clock = new FakeClock();
    started = [];
  });

  function task(tenant: string, name = 'builder', priority: Priority = 'work', bytes = 0): Task {
    return {
      account: { namespace: tenant, name },
      priority,
      bytes,
      start: (leave) => started.push({ tenant, name, priority, leave }),
    };
  }

  function add(queue: FairQueue, count: number, tenant: string, name?: string, priority?: Priority): void {
    for (let added = 0; added < count; added += 1) queue.add(task(tenant, name, priority));
  }

  const tenants = (): string[] => started.map(({ tenant }) => tenant);
  const startedOf = (tenant: string): number => tenants().filter((each) => each === tenant).length;

  /** Ends the one that was started last, so often. Of a queue with one seat this tells the order. */
  function serve(times: number): void {
    for (let time = 0; time < times; time += 1) started.at(-1)!.leave();
  }

  const as = (namespace: string): { namespace: string; name: string } => ({ namespace, name: 'builder' });

  describe('is bounded', () => {
    it('by its seats: the next starts when one is given back', () => {
      const queue = new FairQueue(2, clock);
      add(queue, 3, 'a');
      expect(started).to.have.length(2);
      expect(queue.waiting).to.equal(1);

      started[0]!.leave();

      expect(started).to.have.length(3);
      expect(queue.waiting).to.equal(0);
    });

    it('and takes a seat back once, however often it is given back', () => {
      const queue = new FairQueue(1, clock);
      add(queue, 3, 'a');

      started[0]!.leave();
      started[0]!.leave();

      expect(started).to.have.length(2);
    });

    it('also where a task is over as soon as it starts, or adds another', () => {
      const queue = new FairQueue(1, clock);
      let ended = 0;
      const quick = (then: () => void): Task => ({
        ...task('a'),
        start: (leave) => {
          then();
          ended += 1;
          leave();
        },
      });
      queue.add(quick(() => queue.add(quick(() => undefined))));
      for (let added = 0; added < 20_000; added += 1) queue.add(quick(() => undefined));

      expect(ended).to.equal(20_002);
      add(queue, 2, 'a');
      expect(started).to.have.length(1);
    });
  });

  describe('is fair', () => {
    it('to a tenant that comes while another has thousands waiting', () => {
      const queue = new FairQueue(1, clock);
      add(queue, 5000, 'greedy');
      add(queue, 1, 'modest');

      serve(1);

      expect(tenants()).to.deep.equal(['greedy', 'modest']);
    });

    it('by tenant: many ServiceAccounts of one get no more than one of another', () => {
      const queue = new FairQueue(1, clock);
      for (let name = 0; name < 50; name += 1) add(queue, 20, 'many', `account-${name}`);
      add(queue, 1000, 'one');

      serve(640);

      expect(startedOf('many') - startedOf('one')).to.be.within(-17, 17);
    });

    it('to each ServiceAccount within its tenant', () => {
      const queue = new FairQueue(1, clock);
      add(queue, 5000, 'a', 'greedy');
      add(queue, 1, 'a', 'modest');

      serve(17);

      expect(started.map(({ name }) => name)).to.include('modest');
    });

    it('and first come, first served, within a ServiceAccount', () => {
      const queue = new FairQueue(1, clock);
      const order: number[] = [];
      for (let turn = 0; turn < 100; turn += 1) {
        queue.add({
          ...task('a'),
          start: (leave) => {
            order.push(turn);
            if (turn === 0) started.push({ tenant: 'a', name: '', priority: 'work', leave });
            else leave();
          },
        });
      }

      serve(1);

      expect(order).to.deep.equal(Array.from({ length: 100 }, (_, turn) => turn));
    });

    it('and gives a tenant a quarter of the seats while others come, and all of them 2 s later', async () => {
      const queue = new FairQueue(32, clock);
      add(queue, 1, 'modest');
      started[0]!.leave();
      add(queue, 40, 'greedy');
      expect(startedOf('greedy')).to.equal(8);

      await clock.advance(2001);
      add(queue, 1, 'greedy');
      expect(startedOf('greedy')).to.be.at.least(32);
    });

    it('and gives one tenant every seat while nobody else waits', () => {
      const queue = new FairQueue(32, clock);
      add(queue, 100, 'a');

      expect(started).to.have.length(32);
    });
  });

  describe('heeds priorities', () => {
    it('work before what is new, and that before the background, at all tenants', () => {
      const queue = new FairQueue(1, clock);
      add(queue, 1, 'first');
      add(queue, 1, 'a', 'x', 'background');
      add(queue, 1, 'b', 'x', 'new');
      add(queue, 1, 'c', 'x', 'work');

      serve(2);

      expect(tenants()).to.deep.equal(['first', 'c', 'b']);
    });

    for (const [waits, busy] of [
      ['background', ['work']],
      ['new', ['work']],
      ['background', ['work', 'new']],
      ['new', ['work', 'background']],
    ] as const) {
      it(`and lets ${waits} have a share however much ${busy.join(' and ')} waits`, () => {
        const queue = new FairQueue(1, clock);
        for (const priority of busy) add(queue, 1000, 'busy', 'x', priority);
        add(queue, 100, 'other', 'x', waits);

        serve(79);

        expect(startedOf('other')).to.be.at.least(10);
        expect(startedOf('busy')).to.be.at.least(40);
      });
    }

    it("and keeps a tenant's own background waiting until it has nothing new, and nobody else's", () => {
      const queue = new FairQueue(8, clock);
      add(queue, 1, 'a', 'x', 'new');
      add(queue, 1, 'a', 'x', 'background');
      add(queue, 1, 'b', 'x', 'background');
      expect(tenants()).to.deep.equal(['a', 'b']);

      started[0]!.leave();

      expect(tenants()).to.deep.equal(['a', 'b', 'a']);
    });

    it('and keeps seats for work that may come: the others never take all of them', () => {
      const queue = new FairQueue(32, clock);
      add(queue, 100, 'a', 'x', 'background');
      expect(started).to.have.length(8);
      add(queue, 100, 'a', 'x', 'new');
      expect(started).to.have.length(24);

      add(queue, 8, 'b', 'x', 'work');

      expect(startedOf('b')).to.equal(8);
    });
  });

  describe('bounds the bytes that are under way', () => {
    /** Of 320 in all. */
    const BYTES = 320_000;

    function queueOfBytes(): FairQueue {
      return new FairQueue(64, clock, undefined, BYTES);
    }

    function addLarge(queue: FairQueue, count: number, tenant: string, bytes: number): void {
      for (let added = 0; added < count; added += 1) queue.add(task(tenant, 'builder', 'work', bytes));
    }

    it('by seats: as many as its bytes are of the whole, also once it is slow', async () => {
      const queue = queueOfBytes();
      addLarge(queue, 100, 'large', 10_000);
      expect(started).to.have.length(7);

      await clock.advance(60_000);
      // One tenant gets no more than half of what is left to all.
      expect(started.length).to.be.within(10, 17);
      for (let tenant = 0; tenant < 10; tenant += 1) addLarge(queue, 100, `large-${tenant}`, 10_000);
      await clock.advance(60_000);

      expect(started.length).to.be.at.most(33);
    });

    it('and takes all seats back', () => {
      const queue = queueOfBytes();
      addLarge(queue, 7, 'large', 10_000);
      for (const { leave } of [...started]) leave();

      add(queue, 64, 'large');

      expect(started).to.have.length(7 + 64);
    });

    it('so that the small ones of another tenant pass', async () => {
      const queue = queueOfBytes();
      add(queue, 1, 'small');
      addLarge(queue, 1000, 'large', 10_000);
      expect(startedOf('large')).to.equal(2);

      add(queue, 15, 'small');
      expect(startedOf('small')).to.equal(16);
      await clock.advance(60_000);
      add(queue, 16, 'small');

      expect(startedOf('small')).to.equal(32);
    });

    it('but lets one pass that is larger than all may be, alone', async () => {
      const queue = queueOfBytes();
      addLarge(queue, 2, 'large', 2 * BYTES);
      expect(started).to.have.length(1);
      await clock.advance(60_000);
      expect(started).to.have.length(1);

      started[0]!.leave();

      expect(started).to.have.length(2);
    });
  });

  describe('gives the seat of what is slow to others', () => {
    it('after 250 ms, not before', async () => {
      const queue = new FairQueue(1, clock);
      add(queue, 1, 'slow');
      add(queue, 1, 'quick');
      await clock.advance(SLOW_MS - 1);
      expect(tenants()).to.deep.equal(['slow']);

      await clock.advance(2);

      expect(tenants()).to.deep.equal(['slow', 'quick']);
    });

    it('at once where it has been slow before anybody came', async () => {
      const queue = new FairQueue(1, clock);
      add(queue, 1, 'slow');
      await clock.advance(10_000);

      add(queue, 1, 'quick');

      expect(tenants()).to.deep.equal(['slow', 'quick']);
    });

    it('and takes nothing back when that ends', async () => {
      const queue = new FairQueue(1, clock);
      add(queue, 1, 'slow');
      await clock.advance(SLOW_MS);
      add(queue, 2, 'quick');

      started[0]!.leave();
      started[0]!.leave();
      expect(tenants()).to.deep.equal(['slow', 'quick']);

      started[1]!.leave();
      expect(tenants()).to.deep.equal(['slow', 'quick', 'quick']);
    });

    it('also where it has a lower priority', async () => {
      const queue = new FairQueue(4, clock);
      add(queue, 3, 'a', 'x', 'background');
      expect(started).to.have.length(1);

      await clock.advance(2 * (SLOW_MS + 1));

      expect(started).to.have.length(3);
    });

    it('so that a tenant with many slow ones waits for them alone', async () => {
      const queue = new FairQueue(32, clock);
      add(queue, 1000, 'stuck');
      await clock.advance(60_000);
      const stuck = started.length;
      expect(stuck).to.be.within(33, 80);

      add(queue, 32, 'healthy');
      expect(startedOf('healthy')).to.equal(32);
      expect(started).to.have.length(stuck + 32);

      started[0]!.leave();
      await clock.advance(1000);
      expect(startedOf('stuck'))
        .to.be.at.least(stuck + 1 - 32)
        .and.at.most(stuck + 1);
    });

    it('and lets that tenant go on as soon as its slow ones end', async () => {
      const queue = new FairQueue(2, clock);
      add(queue, 100, 'stuck');
      await clock.advance(60_000);
      const stuck = started.length;

      for (const { leave } of [...started]) leave();

      expect(started.length).to.be.above(stuck);
    });

    it('however many tenants have nothing but slow ones: the next still gets a seat at once', async () => {
      const queue = new FairQueue(32, clock);
      for (let tenant = 0; tenant < 6; tenant += 1) {
        add(queue, 1000, `stuck-${tenant}`);
        await clock.advance(10_000);
      }
      expect(started.length).to.be.at.most(5 * 32);

      add(queue, 4, 'healthy');

      expect(startedOf('healthy')).to.equal(4);
    });

    it('up to five times as many as there are seats, however many tenants there are', async () => {
      const queue = new FairQueue(4, clock);
      for (let tenant = 0; tenant < 100; tenant += 1) add(queue, 10, `stuck-${tenant}`);
      await clock.advance(60_000);
      expect(started).to.have.length(20);

      started[0]!.leave();
      await clock.advance(60_000);

      expect(started).to.have.length(21);
    });

    it('and does not look at the clock while nobody waits', async () => {
      let sleeps = 0;
      const watched = {
        now: () => clock.now(),
        sleep: (milliseconds: number) => {
          sleeps += 1;
          return clock.sleep(milliseconds);
        },
      };
      const queue = new FairQueue(2, watched);
      add(queue, 2, 'a');
      await clock.advance(10_000);
      expect(sleeps).to.equal(0);

      add(queue, 1, 'a');
      await clock.advance(10_000);
      started.at(-1)!.leave();
      await clock.advance(10_000);
      expect(sleeps).to.be.at.most(1);
    });
  });

  describe('forgets what is removed', () => {
    it('and says whether it was waiting', () => {
      const queue = new FairQueue(1, clock);
      const [running, waiting] = [task('a'), task('a', 'x', 'background')];
      queue.add(running);
      queue.add(waiting);

      expect(queue.remove(waiting)).to.equal(true);
      expect(queue.remove(waiting)).to.equal(false);
      expect(queue.remove(running)).to.equal(false);
      expect(queue.waiting).to.equal(0);
      serve(1);
      expect(started).to.have.length(1);
    });
  });

  describe('makes those wait who ask for a seat', () => {
    it('and gives up when the signal aborts, with its reason', async () => {
      const queue = new FairQueue(1, clock);
      const leave = await queue.acquire(as('a'), 'work');
      const controller = new AbortController();
      const waiting = [1, 2].map(() =>
        queue.acquire(as('b'), 'new', controller.signal).catch((error: unknown) => error),
      );

      controller.abort(new Error('enough'));

      for (const failure of await Promise.all(waiting)) expect(failure).to.have.property('message', 'enough');
      expect(queue.waiting).to.equal(0);
      leave();
      await queue.acquire(as('c'), 'work');
    });

    it('and does not even queue what was aborted before', async () => {
      const queue = new FairQueue(1, clock);
      const failure = await queue
        .acquire(as('a'), 'work', AbortSignal.abort(new Error('too late')))
        .catch((error: unknown) => error);

      expect(failure).to.have.property('message', 'too late');
      await queue.acquire(as('a'), 'work');
    });

    it('with one listener for all that wait with the same signal, and none in the end', async () => {
      const queue = new FairQueue(1, clock);
      const { signal } = new AbortController();
      const listeners = countListeners(signal);
      const leave = await queue.acquire(as('a'), 'work');
      const waiting = Array.from({ length: 500 }, () =>
        queue.run(as('a'), 'work', () => Promise.resolve(), signal),
      );
      await settle();
      expect(listeners.now()).to.equal(1);

      leave();
      await Promise.all(waiting);

      expect(listeners.now()).to.equal(0);
      expect(listeners.most()).to.equal(1);
    });

    it('and gives the seat back when the task fails', async () => {
      const queue = new FairQueue(1, clock);
      await queue.run(as('a'), 'work', () => Promise.reject(new Error('failed'))).catch(() => undefined);

      expect(await queue.run(as('a'), 'work', () => Promise.resolve('served'))).to.equal('served');
    });
  });

  it('loses no seat and hands out none twice, whatever comes, goes, is slow and gives up', async () => {
    const command = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant('ask' as const),
          tenant: fc.constantFrom('a', 'b', 'c'),
          name: fc.constantFrom('x', 'y'),
          priority: fc.constantFrom(...PRIORITIES),
        }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('leave' as const), which: fc.nat(20) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat(20) }) },
      {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 100, 300) }),
      },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(command, { maxLength: 60, size: 'max' }),
        async (seats, commands) => {
          const time = new FakeClock();
          const queue = new FairQueue(seats, time);
          const waiting = new Map<AbortController, { tenant: string; priority: Priority }>();
          const held: { since: number; leave: () => void }[] = [];
          for (const command of commands) {
            if (command.do === 'ask') {
              const { tenant, name, priority } = command;
              const controller = new AbortController();
              waiting.set(controller, { tenant, priority });
              void queue.acquire({ namespace: tenant, name }, priority, controller.signal).then(
                (leave) => {
                  waiting.delete(controller);
                  held.push({ since: time.now(), leave });
                },
                () => waiting.delete(controller),
              );
            } else if (command.do === 'leave') {
              held.splice(command.which, 1)[0]?.leave();
            } else if (command.do === 'abort') {
              [...waiting.keys()][command.which]?.abort(new Error('enough'));
            } else {
              await time.advance(command.ms);
            }
            await settle();
            const quick = held.filter(({ since }) => time.now() - since < SLOW_MS).length;
            expect(quick, 'not slow').to.be.at.most(seats);
            expect(held, 'in all').to.have.length.at.most(5 * seats);
            expect(queue.waiting).to.equal(waiting.size);
            // Any tenant may have two under way, and work may have every seat.
            const work = [...waiting.values()].filter(({ priority }) => priority === 'work');
            const idle = held.length < Math.min(seats, 2);
            expect(idle && work.length > 0, 'work waits though a seat is free').to.equal(false);
          }

          while (held.length > 0) {
            held.pop()!.leave();
            await settle();
          }
          expect(waiting.size, 'still waiting').to.equal(0);
          // Nobody else was served for long: a tenant that is alone has all seats.
          await time.advance(3000);
          const late = Array.from({ length: seats }, () => queue.acquire(as('late'), 'work'));
          await Promise.all(late);
        },
      ),
    );
  });
});

/** Listeners that the signal has: those added from now on and not taken off again. */
function countListeners(signal: AbortSignal): { now: () => number; most: () => number } {
  let count = 0;
  let most = 0;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    count += 1;
    most = Math.max(most, count);
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    count -= 1;
    remove(...args);
  };
  return { now: () => count, most: () => most };
}

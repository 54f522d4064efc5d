import { expect } from 'chai';
import fc from 'fast-check';
import { TargetQueue, type AttemptEnd } from '../../../../src/controller/work/target-queue.js';
import { FairQueue, type Priority } from '../../../../src/tenant/fair-queue.js';
import { FakeClock, settle } from '../../../support/fakes/fake-clock.js';

const account = { namespace: 'team-a', name: 'default' };

describe('the queue of targets', () => {
  let clock: FakeClock;
  let queue: TargetQueue;
  /** `uid namespace priority` of each attempt, in the order in which they began. */
  let attempts: string[];
  /** Those under way, by `uid namespace`, and how to end each. */
  let underWay: Map<string, (retry: AttemptEnd) => void>;

  function queueWith(seats: number): TargetQueue {
    return new TargetQueue({
      seats: new FairQueue(seats, clock),
      attempt: (uid, namespace, priority) => {
        attempts.push(`${uid} ${namespace} ${priority}`);
        const key = `${uid} ${namespace}`;
        expect(underWay.has(key), `${key} is attempted twice at a time`).to.equal(false);
        return new Promise((resolve) =>
          underWay.set(key, (retry) => {
            underWay.delete(key);
            resolve(retry);
          }),
        );
      },
      clock,
      random: () => 0,
    });
  }

  beforeEach(() => {
    clock = new FakeClock();
    attempts = [];
    underWay = new Map();
    queue = queueWith(8);
  });

  function submit(
    namespaces: string[],
    {
      uid = 'a',
      revision = '1',
      priority = 'work',
    }: { uid?: string; revision?: string; priority?: Priority } = {},
  ): void {
    const work = new Map(namespaces.map((namespace) => [namespace, priority]));
    queue.submit({ uid, account, bytes: 0, work, revision });
  }

  async function end(key: string, retry?: AttemptEnd): Promise<void> {
    const finish = underWay.get(key);
    if (finish === undefined) throw new Error(`${key} is not under way`);
    finish(retry);
    await settle();
  }

  it('attempts a target that waits for another plan when that is there, and counts its failures on', async () => {
    submit(['prod']);
    for (let failures = 0; failures < 12; failures += 1) {
      await end('a prod', 'backoff');
      await clock.advance(30_000);
    }
    const before = attempts.length;
    await end('a prod', 'replan');
    await clock.advance(600_000);
    expect(attempts).to.have.length(before);
    expect(queue.length).to.equal(0);

    submit(['prod']);
    expect(attempts).to.have.length(before + 1);
    await end('a prod', 'backoff');
    await clock.advance(15_000);

    expect(attempts).to.have.length(before + 1);
  });

  it('forgets a target that waits for another plan, and that one does not want', async () => {
    submit(['prod']);
    await end('a prod', 'replan');

    submit([]);
    submit(['prod']);

    expect(attempts).to.have.length(2);
  });

  it('attempts a target anew where another plan came while it found out that it needs one', async () => {
    submit(['prod']);
    submit(['prod']);

    await end('a prod', 'replan');

    expect(attempts).to.have.length(2);
  });

  it('attempts each target once, and forgets what is done', async () => {
    submit(['prod', 'dev']);
    expect(attempts).to.deep.equal(['a prod work', 'a dev work']);
    expect(queue.running('a')).to.deep.equal(['prod', 'dev']);
    expect(queue.length).to.equal(2);

    await end('a prod');
    await end('a dev');
    await clock.advance(600_000);

    expect(attempts).to.have.length(2);
    expect(queue.length).to.equal(0);
    expect(queue.running('a')).to.deep.equal([]);
  });

  it('is as long as what waits and what is under way', async () => {
    queue = queueWith(1);
    submit(['prod', 'dev', 'lab']);
    expect(queue.length).to.equal(3);
    expect(queue.running('a')).to.have.length(1);

    await end('a prod', 'backoff');
    expect(queue.length).to.equal(2);
    queue.cancel('a');
    expect(queue.length).to.equal(1);
    await end('a dev');
    expect(queue.length).to.equal(0);
  });

  describe('with a newer plan', () => {
    it('drops what only the older one wanted', async () => {
      queue = queueWith(1);
      submit(['prod', 'dev']);
      submit(['lab']);
      await end('a prod');
      await end('a lab');

      expect(attempts).to.deep.equal(['a prod work', 'a lab work']);
      expect(queue.length).to.equal(0);
    });

    it('attempts what is under way once more when it ends, and not before', async () => {
      submit(['prod']);
      submit(['prod']);
      submit(['prod']);
      expect(attempts).to.have.length(1);

      await end('a prod');
      expect(attempts).to.have.length(2);
      await end('a prod');
      expect(attempts).to.have.length(2);
    });

    it('lets what is under way and not wanted any more end by itself', async () => {
      submit(['prod']);
      submit(['dev']);
      expect(queue.running('a')).to.deep.equal(['prod', 'dev']);

      await end('a prod', 'backoff');
      await clock.advance(600_000);

      expect(attempts).to.deep.equal(['a prod work', 'a dev work']);
    });

    it('knows what is under way, where the older one wanted nothing else', async () => {
      submit(['prod']);
      await end('a prod', 'backoff');
      submit(['dev']);
      expect(queue.running('a')).to.deep.equal(['dev']);
      submit(['dev']);
      expect(attempts).to.deep.equal(['a prod work', 'a dev work']);

      await end('a dev');
      expect(attempts).to.deep.equal(['a prod work', 'a dev work', 'a dev work']);
      await end('a dev', 'backoff');
      await clock.advance(5);
      expect(attempts).to.have.length(4);
    });

    it('moves what waits to its new priority', async () => {
      queue = queueWith(1);
      submit(['first'], { uid: 'b' });
      submit(['prod', 'dev'], { priority: 'background' });
      queue.submit({
        uid: 'a',
        account,
        bytes: 0,
        work: new Map([
          ['prod', 'background'],
          ['dev', 'work'],
        ]),
        revision: '1',
      });
      await end('b first');

      expect(attempts.at(-1)).to.equal('a dev work');
      expect(queue.length).to.equal(2);
    });
  });

  describe('after a failure', () => {
    it('attempts that target again, later and later, and keeps no other', async () => {
      submit(['prod', 'dev']);
      const waits: number[] = [];
      for (let failure = 0; failure < 4; failure += 1) {
        await end('a prod', 'backoff');
        const since = clock.now();
        while (!underWay.has('a prod')) await clock.advance(1);
        waits.push(clock.now() - since);
      }

      expect(waits).to.deep.equal([5, 10, 20, 40]);
      expect(underWay.has('a dev')).to.equal(true);
    });

    it('waits five minutes at the most', async () => {
      submit(['prod']);
      for (let failure = 0; failure < 20; failure += 1) {
        await end('a prod', 'backoff');
        await clock.advance(300_000);
        expect(underWay.has('a prod'), `after ${failure + 1}`).to.equal(true);
      }
    });

    it('begins anew after a success', async () => {
      submit(['prod']);
      for (let failure = 0; failure < 6; failure += 1) {
        await end('a prod', 'backoff');
        await clock.advance(1_000);
      }
      submit(['prod']);
      await end('a prod');
      await end('a prod', 'backoff');
      await clock.advance(5);

      expect(underWay.has('a prod')).to.equal(true);
    });

    async function failOften(): Promise<void> {
      submit(['prod']);
      for (let failure = 0; failure < 10; failure += 1) {
        await end('a prod', 'backoff');
        await clock.advance(failure < 9 ? 10_000 : 0);
      }
      expect(underWay.size).to.equal(0);
    }

    it('backs off on where a plan wants the same again', async () => {
      await failOften();
      submit(['prod']);
      await clock.advance(2_000);
      expect(underWay.size).to.equal(0);

      await clock.advance(1_000);
      expect(underWay.has('a prod')).to.equal(true);
    });

    it('backs off no more when all that failed is to be tried again, but heeds what a server asked for', async () => {
      submit(['prod', 'dev']);
      for (let failures = 0; failures < 10; failures += 1) {
        await end('a prod', 'backoff');
        if (failures < 9) await clock.advance(10_000);
      }
      await end('a dev', { holdMs: 60_000 });
      const before = attempts.length;

      queue.retryFailed();
      await settle();

      expect(attempts.slice(before)).to.have.length(1);
      expect(queue.running('a')).to.deep.equal(['prod']);
    });

    it('backs off no more where a plan wants something else', async () => {
      await failOften();
      submit(['prod'], { revision: '2' });

      expect(underWay.has('a prod')).to.equal(true);
    });

    it('backs off on where the same was wanted again while it was under way', async () => {
      await failOften();
      await clock.advance(10_000);
      submit(['prod']);
      await end('a prod', 'backoff');
      await clock.advance(1_000);

      expect(underWay.size).to.equal(0);
    });

    it('is soon back where something else was wanted while it was under way', async () => {
      await failOften();
      await clock.advance(10_000);
      submit(['prod'], { revision: '2' });
      await end('a prod', 'backoff');
      await clock.advance(5);

      expect(underWay.has('a prod')).to.equal(true);
    });
  });

  describe('where the server says when to come back', () => {
    beforeEach(async () => {
      submit(['prod', 'dev']);
      await end('a prod', { holdMs: 60_000 });
    });

    it('comes back then, to that target', async () => {
      expect(underWay.has('a dev')).to.equal(true);
      await clock.advance(59_999);
      expect(underWay.has('a prod')).to.equal(false);
      await clock.advance(1);

      expect(underWay.has('a prod')).to.equal(true);
    });

    it('does not come back earlier, whatever is planned, dropped or cancelled meanwhile', async () => {
      submit(['prod', 'dev'], { revision: '2' });
      submit(['dev'], { revision: '3' });
      submit(['prod'], { revision: '4' });
      queue.cancel('a');
      submit(['prod'], { revision: '5' });
      await clock.advance(59_999);
      expect(underWay.has('a prod')).to.equal(false);
      await clock.advance(1);

      expect(underWay.has('a prod')).to.equal(true);
    });

    it('does not come back at all where nobody wants it any more', async () => {
      submit(['dev']);
      await end('a dev');
      await clock.advance(600_000);

      expect(attempts.filter((attempt) => attempt.startsWith('a prod'))).to.have.length(1);
    });
  });

  it('attempts in the background what is to come later, after what is in better health', async () => {
    queue = queueWith(1);
    submit(['prod', 'dev'], { priority: 'new' });
    await end('a prod', 'later');
    expect(attempts.at(-1)).to.equal('a dev new');
    await end('a dev');

    expect(attempts.at(-1)).to.equal('a prod background');
  });

  describe('that is cancelled', () => {
    it('starts nothing more for that ConfigMapSync, and nothing again', async () => {
      queue = queueWith(1);
      submit(['prod', 'dev']);
      submit(['other'], { uid: 'b' });
      queue.cancel('a');
      await end('a prod', 'backoff');
      await clock.advance(600_000);

      expect(attempts).to.deep.equal(['a prod work', 'b other work']);
    });

    it('still attempts nothing twice at a time, where it is wanted again', async () => {
      submit(['prod']);
      queue.cancel('a');
      submit(['prod']);
      expect(attempts).to.have.length(1);

      await end('a prod');

      expect(attempts).to.have.length(2);
    });
  });

  it('is drained when all that could be done at once is done, and comes back to nothing', async () => {
    queue = queueWith(1);
    submit(['prod', 'dev']);
    let drained = false;
    const draining = queue.drain().then(() => (drained = true));
    await end('a prod', 'backoff');
    expect(drained).to.equal(false);

    await end('a dev');
    await draining;
    await clock.advance(600_000);

    expect(attempts).to.deep.equal(['a prod work', 'a dev work']);
  });

  it('loses nothing and does nothing twice, whatever comes in whatever order', async () => {
    const namespaces = fc.subarray(['a', 'b', 'c', 'd']);
    const revision = fc.constantFrom('1', '2');
    const retry = fc.constantFrom<AttemptEnd>(undefined, 'later', 'backoff', { holdMs: 50 }, { waitMs: 50 });
    const step = fc.oneof(
      fc.record({
        submit: namespaces,
        revision,
        priority: fc.constantFrom<Priority>('work', 'new', 'background'),
      }),
      fc.record({ end: fc.nat(), retry }),
      fc.record({ pass: fc.integer({ min: 1, max: 60 }) }),
      fc.constant('cancel' as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), namespaces, async (steps, last) => {
        attempts = [];
        underWay = new Map();
        clock = new FakeClock();
        queue = queueWith(2);
        for (const each of steps) {
          if (each === 'cancel') queue.cancel('a');
          else if ('submit' in each) submit(each.submit, each);
          else if ('pass' in each) await clock.advance(each.pass);
          else if (underWay.size > 0) await end([...underWay.keys()][each.end % underWay.size]!, each.retry);
        }
        const since = attempts.length;
        submit(last, { revision: '3' });
        for (let round = 0; round < 10; round += 1) {
          for (const key of [...underWay.keys()]) await end(key);
          await clock.advance(1_000);
        }

        const attempted = attempts.slice(since).map((attempt) => attempt.split(' ')[1]);
        expect(attempted.sort()).to.deep.equal(last);
        expect(queue.length).to.equal(0);
        expect(queue.running('a')).to.deep.equal([]);
      }),
      { numRuns: 200 },
    );
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { EventQueue, type EventLimits } from '../../../../src/k8s/events/event-queue.js';
import { EventSeries } from '../../../../src/k8s/events/event-series.js';

const LIMITS: EventLimits = {
  object: { burst: 3, periodMs: 50, waiting: 4 },
  namespace: { burst: 6, periodMs: 20, waiting: 8 },
  all: { burst: 2, periodMs: 2 },
};

/** `team-a/x prod` is about namespace prod and regards object x of team-a; `team-a/x` regards x as a whole. */
function series(text: string): EventSeries {
  const [, namespace = '', name = '', related] = /^(.*)\/(\S+)(?: (.*))?$/.exec(text) ?? [];
  const regarding = { apiVersion: 'v1', kind: 'Thing', namespace, name, uid: `${namespace}/${name}` };
  const to = related === undefined ? {} : { related: { apiVersion: 'v1', kind: 'Namespace', name: related } };
  return new EventSeries({ regarding, ...to, type: 'Warning', reason: 'R', action: 'A', note: text }, 0);
}

const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix} n${index}`);

describe('EventQueue', () => {
  let queue: EventQueue;
  const unlimited = { burst: 1000, periodMs: 1 };

  function make(limits: Partial<EventLimits> = {}): void {
    queue = new EventQueue({ ...LIMITS, ...limits }, 0);
  }

  const offer = (texts: string[]): boolean[] => texts.map((text) => queue.offer(series(text), 0));

  /** All that may be sent at a time, in order. */
  function drain(now: number): string[] {
    const notes: string[] = [];
    for (let next = queue.take(now); typeof next !== 'number'; next = queue.take(now)) {
      notes.push(next.event.note);
      queue.done(next);
    }
    return notes;
  }

  it('takes namespaces in turns, then objects in turns, then in order', () => {
    make({ all: unlimited });
    offer([...names('a/x', 3), ...names('a/y', 2), ...names('b/z', 2)]);

    expect(drain(0)).to.deep.equal(['a/x n0', 'b/z n0', 'a/y n0', 'b/z n1', 'a/x n1', 'a/y n1', 'a/x n2']);
  });

  it('takes first what regards an object as a whole', () => {
    make({ all: unlimited });
    offer(['a/x n0', 'a/x n1', 'a/x']);

    expect(drain(0)).to.deep.equal(['a/x', 'a/x n0', 'a/x n1']);
  });

  it('keeps to the rates of an object, of a namespace and of all', () => {
    make();
    offer([...names('a/x', 4), ...names('a/y', 4)]);

    const sent = Array.from({ length: 201 }, (_, now) => drain(now).length);

    const until = (ms: number): number => sent.slice(0, ms + 1).reduce((sum, count) => sum + count, 0);
    expect([until(0), until(2), until(8), until(50), until(200)]).to.deep.equal([2, 3, 6, 8, 8]);
  });

  it('says when to ask again', () => {
    make({ all: unlimited });
    expect(queue.take(0)).to.equal(Infinity);
    offer(names('a/x', 4));
    drain(0);

    expect(queue.take(0)).to.equal(50);
    expect(queue.take(20)).to.equal(50);
  });

  it('sends one of a namespace at a time', () => {
    make();
    offer(names('a/x', 2));
    const first = queue.take(0) as EventSeries;

    expect(queue.take(0)).to.equal(Infinity);
    queue.done(first);
    expect(queue.take(0)).to.be.instanceOf(EventSeries);
  });

  it('refuses what exceeds the bound of an object, and keeps room for what regards it as a whole', () => {
    make();

    expect(offer(names('a/x', 5))).to.deep.equal([true, true, true, true, false]);
    expect(offer(Array.from({ length: 5 }, () => 'a/x'))).to.deep.equal([true, true, true, true, false]);
  });

  it('refuses what exceeds the bound of a namespace, but not the first of an object', () => {
    make();
    offer([...names('a/x', 4), ...names('a/y', 4)]);

    expect(offer(['a/z n0', 'a/z n1', 'b/z n0', 'b/z n1'])).to.deep.equal([true, false, true, true]);
    const first = Array.from({ length: 10 }, (_, index) => `a/o${index} n`);
    expect(offer(first).filter(Boolean)).to.have.length(7);
  });

  it('takes again what it has, and what is added, however many wait', () => {
    make();
    const known = series('a/x n0');
    queue.offer(known, 0);
    offer(names('a/x', 4));

    expect(queue.offer(known, 0)).to.equal(true);
    const failed = series('a/x failed');
    queue.add(failed, 0);
    expect(queue.has(failed)).to.equal(true);
  });

  it('never refuses, and soon takes, what a namespace has within its rate, whatever others do', () => {
    const attack = fc.record({
      after: fc.nat({ max: 30 }),
      namespace: fc.constantFrom('b', 'c', 'd'),
      object: fc.nat({ max: 20 }),
      count: fc.integer({ min: 1, max: 40 }),
      whole: fc.boolean(),
    });
    const everyMs = LIMITS.object.periodMs;
    // All that the others have a right to at once, and what they get meanwhile.
    const soonMs = 4 * LIMITS.namespace.burst * LIMITS.all.periodMs * 2;
    fc.assert(
      fc.property(fc.array(attack, { maxLength: 40 }), fc.infiniteStream(fc.boolean()), (attacks, hangs) => {
        make();
        const due = attacks.map((each) => ({ ...each, at: 0 }));
        due.reduce((at, each) => (each.at = at + each.after), 0);
        const waitingSince = new Map<EventSeries, number>();
        for (let now = 0; now < 800; now += 1) {
          for (const { at, namespace, object, count, whole } of due) {
            if (at !== now) continue;
            const prefix = `${namespace}/o${object}`;
            for (const text of names(prefix, count)) queue.offer(series(whole ? prefix : text), now);
          }
          if (now % everyMs === 0) {
            const own = series(`a/x n${now}`);
            expect(queue.offer(own, now), 'accepted').to.equal(true);
            waitingSince.set(own, now);
          }
          for (let next = queue.take(now); typeof next !== 'number'; next = queue.take(now)) {
            waitingSince.delete(next);
            if (next.namespace === 'a' || hangs.next().value === false) queue.done(next);
          }
          for (const since of waitingSince.values()) expect(now - since).to.be.at.most(soonMs);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('forgets what was not used for as long as its burst takes', () => {
    make({ all: unlimited });
    offer(names('a/x', 4));
    drain(0);
    drain(50);
    queue.prune(1000);

    expect(offer(names('a/x', 4))).to.deep.equal([true, true, true, true]);
    expect(drain(1000)).to.have.length(3);
  });
});

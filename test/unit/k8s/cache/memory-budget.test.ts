import { expect } from 'chai';
import fc from 'fast-check';
import { heapBytes, MemoryBudget } from '../../../../src/k8s/cache/memory-budget.js';

const LIMIT = 1000;
const weight = (bytes: number, generation = 1, isLeaving = false) => ({ bytes, generation, isLeaving });

describe('MemoryBudget', () => {
  let budget: MemoryBudget;
  let displaced: string[];
  const next = (): string | undefined => budget.next(() => true);

  beforeEach(() => {
    displaced = [];
    budget = new MemoryBudget(LIMIT, (key) => displaced.push(key));
  });

  /** Four namespaces that use all there is, in five objects each. */
  function fill(): void {
    for (const name of ['1', '2', '3', '4', '5'])
      for (const namespace of ['a', 'b', 'c', 'd'])
        expect(budget.admit(`${namespace}/${name}`, weight(50))).to.equal(true);
  }

  it('gives all of it to one that is alone, and no more', () => {
    expect(budget.admit('a/one', weight(600))).to.equal(true);
    expect(budget.admit('a/two', weight(401))).to.equal(false);
    expect(budget.admit('a/three', weight(400))).to.equal(true);
    expect(budget.usage('a')).to.deep.equal({ used: 1000, allowed: 1000 });
    expect(budget.refused).to.deep.equal(new Map([['a', 1]]));
  });

  it('makes room for a newcomer up to its share, by what those who have most got last', () => {
    fill();

    expect(budget.admit('new/small', weight(150))).to.equal(true);
    expect(budget.admit('new/large', weight(60))).to.equal(false);

    expect(displaced).to.deep.equal(['a/5', 'b/5', 'c/5']);
    expect(['a', 'b', 'c', 'd', 'new'].map((each) => budget.usage(each).used)).to.deep.equal([
      200, 200, 200, 250, 150,
    ]);
  });

  it('displaces nothing of a namespace that has no more than its share', () => {
    budget.admit('small/one', weight(100));
    budget.admit('large/one', weight(900));
    for (let i = 0; i < 8; i += 1) expect(budget.admit(`new-${i}/one`, weight(90))).to.equal(true);

    expect(displaced).to.deep.equal(['large/one']);
    expect(budget.usage('small').used).to.equal(100);
  });

  it('keeps what it holds as long as it does not grow', () => {
    fill();

    expect(budget.admit('a/1', weight(50, 2))).to.equal(true);
    expect(budget.admit('a/1', weight(49, 3, true))).to.equal(true);
    expect(budget.admit('a/1', weight(60))).to.equal(false);
    expect(displaced).to.deep.equal([]);
  });

  it('weighs an object anew when it changes', () => {
    expect(budget.admit('a/one', weight(200))).to.equal(true);
    expect(budget.admit('a/one', weight(1000))).to.equal(true);
    expect(budget.admit('a/one', weight(1001))).to.equal(false);
    expect(budget.usage('a').used).to.equal(0);
  });

  it('names what was refused or displaced once there is room, and only what is there', () => {
    budget.admit('a/one', weight(800));
    budget.admit('a/two', weight(800));
    budget.admit('b/one', weight(400));
    expect(displaced).to.deep.equal(['a/one']);
    expect(next()).to.equal(undefined);

    budget.release('b/one');

    expect(next()).to.equal('a/one');
    expect(budget.next((key) => key !== 'a/one')).to.equal('a/two');
    expect(budget.admit('a/two', weight(800))).to.equal(true);
    expect(next()).to.equal(undefined);
  });

  it('remembers how heavy a refused object was found, until its spec changes', () => {
    budget.admit('a/one', weight(900));
    expect(budget.admit('a/two', weight(200))).to.equal(false);

    expect(budget.admit('a/two', weight(50))).to.equal(false);
    expect(budget.admit('a/two', weight(50, 2))).to.equal(true);
  });

  it('admits what is being deleted beyond that, one of a namespace at a time, up to a bound', () => {
    fill();
    const leaving = (bytes: number) => weight(bytes, 1, true);

    expect(budget.admit('a/first', leaving(200))).to.equal(true);
    expect(budget.admit('a/second', leaving(20))).to.equal(false);
    expect(next()).to.equal(undefined);
    expect(budget.admit('b/first', leaving(51))).to.equal(false);
    expect(budget.admit('b/first', weight(50, 2, true))).to.equal(true);
    expect(budget.admit('a/first', leaving(200))).to.equal(true);
    expect(displaced).to.deep.equal([]);

    budget.release('a/first');
    expect(next()).to.equal('a/second');
  });

  it('never holds more than its size, and keeps to every namespace what is no more than its share', () => {
    const step = fc.record({
      namespace: fc.integer({ min: 0, max: 12 }),
      name: fc.integer({ min: 0, max: 5 }),
      bytes: fc.integer({ min: 1, max: 400 }),
      goes: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const held = new Map<string, number>();
        const usedBy = (namespace: number): number =>
          [...held].reduce((sum, [key, bytes]) => (key.startsWith(`${namespace}/`) ? sum + bytes : sum), 0);
        const present = new Set<string>();
        const share = (): number => LIMIT / new Set([...present].map((key) => key.split('/')[0])).size;
        budget = new MemoryBudget(LIMIT, (key) => {
          expect(usedBy(Number(key.split('/')[0]))).to.be.above(share());
          held.delete(key);
        });
        for (const [generation, { namespace, name, bytes, goes }] of steps.entries()) {
          const key = `${namespace}/${name}`;
          held.delete(key);
          if (goes) {
            budget.release(key);
            present.delete(key);
            continue;
          }
          present.add(key);
          const isWithinShare = usedBy(namespace) + bytes <= share();
          const isHeld = budget.admit(key, weight(bytes, generation));
          if (isHeld) held.set(key, bytes);
          if (isWithinShare) expect(isHeld).to.equal(true);
          for (let i = 0; i <= 12; i += 1) expect(budget.usage(String(i)).used).to.equal(usedBy(i));
          expect([...held.values()].reduce((a, b) => a + b, 0)).to.be.at.most(LIMIT);
        }
      }),
    );
  });
});

describe('heapBytes', () => {
  it('grows with what a value holds', () => {
    expect(heapBytes('abc')).to.equal(27);
    expect(heapBytes('äbc')).to.equal(27);
    expect(heapBytes('€bc')).to.equal(30);
    expect(heapBytes(['abc', 1, null])).to.equal(40 + 3 * 8 + 27);
    expect(heapBytes({ a: 'abc', b: true })).to.equal(32 + 2 * 8 + 27);
  });

  it('counts the names of a map of many', () => {
    const map = Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`name-${i + 10}`, 1]));

    expect(heapBytes(map)).to.equal(32 + 21 * (48 + 7));
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { FairList } from '../../../../src/k8s/util/fair-list.js';

/** So many items of a group are served in its turn. */
const QUANTUM = 16;

/** `a-0`, `a-1`, …, of group `a`. */
function add(list: FairList<string>, group: string, count: number): void {
  for (let item = 0; item < count; item += 1) list.add([group], `${group}-${item}`);
}

function takeAll(list: FairList<string>, most = Infinity): string[] {
  const taken: string[] = [];
  for (let item = list.take(); item !== undefined && taken.length < most; item = list.take())
    taken.push(item);
  return taken;
}

/** Empties the list, so that none of these groups counts as one that just came. */
function settleIn(list: FairList<string>, ...groups: string[]): void {
  for (const group of groups) list.add([group], `${group} came`);
  takeAll(list);
}

describe('the fair list', () => {
  it('gives out the items of a group in the order in which they came, each once', () => {
    const list = new FairList<string>();
    add(list, 'a', 100);
    list.add(['a'], 'a-50');

    expect(list.size).to.equal(100);
    expect(takeAll(list)).to.deep.equal(Array.from({ length: 100 }, (_, item) => `a-${item}`));
    expect(list.size).to.equal(0);
    expect(list.take()).to.equal(undefined);
  });

  it('goes on with what comes after it was empty', () => {
    const list = new FairList<string>();
    for (let round = 0; round < 3; round += 1) {
      add(list, 'a', 2);
      expect(takeAll(list)).to.deep.equal(['a-0', 'a-1']);
    }
  });

  it('serves a newcomer before the backlog of a group that was there', () => {
    const list = new FairList<string>();
    add(list, 'greedy', 5000);
    takeAll(list, QUANTUM);
    add(list, 'modest', 3);

    expect([list.take(), list.take(), list.take()]).to.deep.equal(['modest-0', 'modest-1', 'modest-2']);
  });

  it('serves each of many newcomers before any backlog goes on', () => {
    const list = new FairList<string>();
    add(list, 'greedy', 5000);
    takeAll(list, QUANTUM);
    for (let group = 0; group < 100; group += 1) list.add([`new-${group}`], `new-${group}`);

    const taken = Array.from({ length: 100 }, () => list.take());

    expect(taken).not.to.include('greedy-17');
    expect(new Set(taken)).to.have.length(100);
  });

  it('serves groups in turns', () => {
    const list = new FairList<string>();
    settleIn(list, 'a', 'b', 'c');
    for (const group of ['a', 'b', 'c']) add(list, group, 1000);

    const taken = Array.from({ length: 6 * QUANTUM }, () => list.take()?.slice(0, 1));

    for (const group of ['a', 'b', 'c']) {
      expect(taken.filter((each) => each === group)).to.have.length(2 * QUANTUM);
      expect(taken.slice(0, 3 * QUANTUM).filter((each) => each === group)).to.have.length(QUANTUM);
    }
  });

  it('gives groups that come and go no more than one that stays', () => {
    const list = new FairList<string>();
    add(list, 'stays', 5000);
    const served = new Map<string, number>();
    for (let time = 0; time < 2000; time += 1) {
      // As much as goes first, again as soon as it has been served.
      if (time % QUANTUM === 0) {
        for (const group of ['comes', 'goes']) {
          for (let item = 0; item < QUANTUM; item += 1) list.add([group], `${group}-${time}-${item}`);
        }
      }
      const group = list.take()?.split('-')[0] ?? '';
      served.set(group, (served.get(group) ?? 0) + 1);
    }

    expect(served.get('stays')).to.be.at.least(2000 / 3 - 2 * QUANTUM);
  });

  it('serves only groups that may be, and the others when they may', () => {
    const list = new FairList<string>();
    add(list, 'blocked', 2);
    add(list, 'free', 1);

    expect(list.take((group) => group !== 'blocked')).to.equal('free-0');
    expect(list.take((group) => group !== 'blocked')).to.equal(undefined);
    expect(list.size).to.equal(2);
    expect(takeAll(list)).to.deep.equal(['blocked-0', 'blocked-1']);
  });

  it('forgets what is removed, and says whether it was waiting', () => {
    const list = new FairList<string>();
    add(list, 'a', 3);

    expect(list.remove(['a'], 'a-1')).to.equal(true);
    expect(list.remove(['a'], 'a-1')).to.equal(false);
    expect(list.remove(['b'], 'a-0')).to.equal(false);
    expect(list.size).to.equal(2);
    expect(takeAll(list)).to.deep.equal(['a-0', 'a-2']);
  });

  it('takes turns within a group as well', () => {
    const list = new FairList<string>(2);
    for (let item = 0; item < 1000; item += 1) list.add(['tenant', 'greedy'], `greedy-${item}`);
    list.take();
    list.add(['tenant', 'modest'], 'modest');
    list.add(['other', 'any'], 'other');

    const taken = Array.from({ length: 2 * QUANTUM }, () => list.take());

    expect(taken).to.include('other');
    expect(taken).to.include('modest');
  });

  it('takes two hundred thousand items in no time', () => {
    const list = new FairList<string>();
    add(list, 'a', 200_000);
    const startedAt = performance.now();

    takeAll(list);

    // What grows with the square of their number takes ten seconds.
    expect(performance.now() - startedAt).to.be.below(3000);
  });

  /* The model: a list of items for each group, from which the first one goes when its group is served. */
  it('loses nothing, serves nothing twice and keeps nobody waiting for long, whatever comes and goes', () => {
    const group = fc.constantFrom('a', 'b', 'c', 'd');
    const inner = fc.constantFrom('x', 'y');
    const command = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant('add' as const),
          group,
          inner,
          count: fc.integer({ min: 1, max: 40 }),
        }),
      },
      {
        weight: 5,
        arbitrary: fc.record({ do: fc.constant('take' as const), count: fc.integer({ min: 1, max: 40 }) }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('take from' as const), group }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), which: fc.nat(100) }) },
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40, size: 'max' }), (commands) => {
        interface Item {
          path: readonly [string, string];
          turn: number;
        }
        const list = new FairList<Item>(2);
        const waiting = new Set<Item>();
        /** How often others were served since a group was, or came. */
        const passedOver = new Map<string, number>();
        let turn = 0;
        const check = (item: Item | undefined, may: (group: string) => boolean): void => {
          const eligible = [...waiting].filter(({ path }) => may(path[0]));
          if (item === undefined) {
            expect(eligible, 'waits though it may be served').to.deep.equal([]);
            return;
          }
          expect(waiting.has(item), 'served, though it does not wait').to.equal(true);
          const before = eligible.find(({ path }) => path.join() === item.path.join());
          expect(before, 'first come').to.equal(item);
          waiting.delete(item);
        };
        for (const command of commands) {
          if (command.do === 'add') {
            for (let added = 0; added < command.count; added += 1) {
              const item: Item = { path: [command.group, command.inner], turn: (turn += 1) };
              if (![...waiting].some(({ path }) => path[0] === command.group))
                passedOver.set(command.group, 0);
              list.add(item.path, item);
              waiting.add(item);
            }
          } else if (command.do === 'take') {
            for (let taken = 0; taken < command.count; taken += 1) {
              const item = list.take();
              check(item, () => true);
              for (const each of new Set([...waiting].map(({ path }) => path[0]))) {
                const times = each === item?.path[0] ? 0 : (passedOver.get(each) ?? 0) + 1;
                passedOver.set(each, times);
                // Three others, each with the rest of a turn or a turn as a newcomer and one in the rotation.
                expect(times, `turns of others before ${each}`).to.be.at.most(2 * 3 * QUANTUM);
              }
            }
          } else if (command.do === 'take from') {
            const may = (each: string): boolean => each === command.group;
            const item = list.take(may);
            check(item, may);
          } else {
            const item = [...waiting][command.which];
            if (item !== undefined) {
              expect(list.remove(item.path, item)).to.equal(true);
              expect(list.remove(item.path, item)).to.equal(false);
              waiting.delete(item);
            }
          }
          expect(list.size).to.equal(waiting.size);
        }
        while (waiting.size > 0) check(list.take(), () => true);
        expect(list.take()).to.equal(undefined);
      }),
      { numRuns: 60 },
    );
  });
});

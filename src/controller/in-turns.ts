import { setImmediate } from 'node:timers/promises';
import { allSettled } from './all-settled.js';

/**
 * Twice the default of `--max-concurrent-requests`, so that there is always somebody to take a place. More would only be
 * set up to wait: a thousand at once hold the event loop, garbage collection included, for tens of milliseconds.
 */
const AT_A_TIME = 64;

/**
 * As Promise.all over `task` of each item, but with a bounded number of them under way, and with a turn for everybody else
 * between any two that come after those.
 * @throws as allSettled does: what is under way is over by then; what was not begun may be left out.
 */
export async function inTurns<T, R>(items: readonly T[], task: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length);
  const queue = items.entries();
  const work = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (index >= AT_A_TIME) await setImmediate();
      results[index] = await task(item);
    }
  };
  await allSettled(Array.from({ length: Math.min(AT_A_TIME, items.length) }, work));
  return results;
}

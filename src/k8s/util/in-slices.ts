import { setImmediate } from 'node:timers/promises';

/** What is done for so many items takes a millisecond or two at the most. */
const SLICE = 20;

/**
 * Calls `visit` for each item, in their order, and lets everybody else have the event loop after every twenty of them.
 * @throws what `visit` throws, at once: the items after that one are not visited.
 */
export async function inSlices<T>(items: Iterable<T>, visit: (item: T) => void): Promise<void> {
  let visited = 0;
  for (const item of items) {
    if (visited > 0 && visited % SLICE === 0) await setImmediate();
    visit(item);
    visited += 1;
  }
}

import { setImmediate } from 'node:timers/promises';

/**
 * Waits for what cannot itself be aborted, no longer than the signal allows. The work goes on, and its failure after that
 * is nobody's.
 *
 * @throws the signal's reason.
 */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) {
    return work;
  }
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) {
      onAbort();
    }
  });
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    work.catch(() => undefined);
  }
}

/** A signal that aborts with its parent or when time is up, whichever comes first. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Whether it was the time that ran out, not the parent that aborted. */
  readonly expired: boolean;
  /** Takes the time away; the parent may abort as before. */
  lift(): void;
  /** Lets go of the parent and the timer. Without it a long-lived parent would gather listeners. */
  clear(): void;
}

/**
 * `AbortSignal.any` with `AbortSignal.timeout` says the same, but leaves what it made hanging on a parent that lives as
 * long as the process; this lets go at once.
 */
export function deadline(parent: AbortSignal | undefined, milliseconds: number): Deadline {
  const controller = new AbortController();
  let expired = false;
  const onAbort = (): void => controller.abort(parent?.reason);
  const timer = setTimeout(() => {
    expired = true;
    controller.abort(new DOMException('the deadline has passed', 'TimeoutError'));
  }, milliseconds);
  if (parent?.aborted) {
    onAbort();
  } else {
    parent?.addEventListener('abort', onAbort, { once: true });
  }
  return {
    signal: controller.signal,
    get expired() {
      return expired;
    },
    lift() {
      clearTimeout(timer);
    },
    clear() {
      clearTimeout(timer);
      parent?.removeEventListener('abort', onAbort);
    },
  };
}

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

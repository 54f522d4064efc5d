import { setTimeout as sleep } from 'node:timers/promises';

export interface PollOptions {
  /** Completes "timed out waiting for …", or makes what is thrown in its place. */
  what: string | (() => unknown);
  timeoutMilliseconds: number;
  /** Default: 25. */
  intervalMilliseconds?: number;
  /** Says why waiting on makes no sense, or undefined. */
  giveUp?: () => Promise<string | undefined>;
}

/**
 * Looks until there is something, and returns what that is; rejects after the deadline, or as soon as `giveUp` has a
 * reason.
 */
export async function waitUntil<T>(
  look: () => Promise<T | false | undefined> | T | false | undefined,
  { what, timeoutMilliseconds, intervalMilliseconds = 25, giveUp }: PollOptions,
): Promise<T> {
  const deadline = performance.now() + timeoutMilliseconds;
  for (;;) {
    const found = await look();
    if (found !== false && found !== undefined) return found;
    const reason = await giveUp?.();
    if (reason !== undefined) throw new Error(reason);
    if (performance.now() > deadline) {
      if (typeof what === 'function') throw what();
      throw new Error(`timed out waiting for ${what} (${timeoutMilliseconds / 1000} s)`);
    }
    await sleep(intervalMilliseconds);
  }
}

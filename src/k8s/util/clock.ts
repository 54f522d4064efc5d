import { setTimeout } from 'node:timers/promises';

/** Time as a dependency, so that what waits can be tested without waiting. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `milliseconds`; rejects with the signal's reason as soon as it aborts. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds, signal) =>
    setTimeout(milliseconds, undefined, { signal }).catch(() => signal?.throwIfAborted()),
};

/**
 * Never jumps, whatever is done to the machine's clock: for what measures and waits, such as a lease or a queue. Its
 * milliseconds since the epoch are as right as the machine's clock was at the start of the process.
 */
export const steadyClock: Clock = {
  ...systemClock,
  now: () => performance.timeOrigin + performance.now(),
};

/** metav1.MicroTime of a time in milliseconds since the epoch. The API server takes six digits, no more and no fewer. */
export function microTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/Z$/, '000Z');
}

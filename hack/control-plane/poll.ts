import { setTimeout as sleep } from 'node:timers/promises';

export interface PollOptions {
  /** Completes "timed out waiting for …". */
  what: string;
  timeoutMilliseconds: number;
  intervalMilliseconds?: number;
  /** Says why waiting on makes no sense, or undefined. */
  giveUp?: () => Promise<string | undefined>;
}

/** Asks until the answer is yes; rejects after the deadline, or as soon as `giveUp` has a reason. */
export async function waitUntil(condition: () => Promise<boolean>, options: PollOptions): Promise<void> {
  const deadline = performance.now() + options.timeoutMilliseconds;
  while (!(await condition())) {
    const reason = await options.giveUp?.();
    if (reason !== undefined) throw new Error(reason);
    if (performance.now() > deadline) {
      throw new Error(`timed out waiting for ${options.what} (${options.timeoutMilliseconds / 1000} s)`);
    }
    await sleep(options.intervalMilliseconds ?? 25);
  }
}

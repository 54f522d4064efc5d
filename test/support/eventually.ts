import { setTimeout as sleep } from 'node:timers/promises';

export interface EventuallyOptions {
  /** Default 15 s. */
  timeoutMs?: number;
  /** Default 50 ms. */
  intervalMs?: number;
}

/**
 * Runs the assertions until they hold and returns what they return. After the deadline their last failure is thrown
 * as it is, so that the report shows the assertion and not the waiting.
 */
export async function eventually<T>(
  assertions: () => Promise<T> | T,
  { timeoutMs = 15_000, intervalMs = 50 }: EventuallyOptions = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await assertions();
    } catch (error) {
      if (performance.now() >= deadline) throw error;
    }
    await sleep(intervalMs);
  }
}

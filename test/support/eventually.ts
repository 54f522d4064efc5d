import { waitUntil } from '../../hack/control-plane/poll.js';

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
  let failure: unknown;
  const attempt = async (): Promise<{ value: T } | undefined> => {
    try {
      return { value: await assertions() };
    } catch (error) {
      failure = error;
      return undefined;
    }
  };
  const { value } = await waitUntil(attempt, {
    what: () => failure,
    timeoutMilliseconds: timeoutMs,
    intervalMilliseconds: intervalMs,
  });
  return value;
}

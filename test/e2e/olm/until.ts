import { waitUntil } from '../../../hack/control-plane/poll.js';

/** Polls by kubectl, which takes a moment each time; rejects with what was waited for. A look that fails is a no. */
export async function until(what: string, seconds: number, condition: () => Promise<boolean>): Promise<void> {
  await waitUntil(() => condition().catch(() => false), {
    what,
    timeoutMilliseconds: seconds * 1000,
    intervalMilliseconds: 400,
  });
}

import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Waits for what cannot be aborted, no longer than the signal allows. The work goes on; its failure after that is nobody's.
 * @throws the signal's reason.
 */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    work.catch(() => undefined);
  }
}

/**
 * Aborts `controller` when `parent` does, until the returned function is called: a parent that lives as long as the process
 * would gather listeners, as it does with `AbortSignal.any`.
 */
export function follow(parent: AbortSignal | undefined, controller: AbortController): () => void {
  const onAbort = (): void => controller.abort(parent?.reason);
  if (parent?.aborted) onAbort();
  parent?.addEventListener('abort', onAbort, { once: true });
  return () => parent?.removeEventListener('abort', onAbort);
}

/**
 * A signal that aborts with its parent or, for `reason`, when time is up: `AbortSignal.any` with `AbortSignal.timeout`, but
 * without listeners that gather at a long-lived parent.
 */
export function deadline(
  parent: AbortSignal | undefined,
  milliseconds: number,
  reason = (): Error => new DOMException('the deadline has passed', 'TimeoutError'),
) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(reason()), milliseconds);
  const unfollow = follow(parent, controller);
  return {
    signal: controller.signal,
    /** Takes the time away; the parent may abort as before. */
    lift: () => clearTimeout(timer),
    /** Lets go of the parent and the timer. */
    clear: () => {
      clearTimeout(timer);
      unfollow();
    },
  };
}

/** Lets only so many begin in one turn of the event loop: see docs/design/0005-fairness-by-tenant.md. */
export class Turns {
  readonly #perTurn: number;
  #begun = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(perTurn: number) {
    this.#perTurn = perTurn;
  }

  /** Resolves in the turn in which the caller may begin, never in this one. */
  next(): Promise<void> {
    if (this.#begun % this.#perTurn === 0) this.#turn = this.#turn.then(() => nextTurn());
    this.#begun += 1;
    return this.#turn;
  }
}

/** What all sliced work together may take in one turn of the event loop, in milliseconds. */
const SLICE_MS = 2;
const slices = new Turns(1);
let sliceEnd: number | undefined;

/**
 * Calls `visit` for each item, in their order. Others have the event loop in between, as soon as slices have had their time.
 * @throws what `visit` throws, at once: the items after that one are not visited.
 */
export async function inSlices<T>(items: Iterable<T>, visit: (item: T) => void): Promise<void> {
  for (const item of items) {
    if (sliceEnd === undefined) {
      sliceEnd = performance.now() + SLICE_MS;
      setImmediate(() => (sliceEnd = undefined));
    }
    if (performance.now() > sliceEnd) await slices.next();
    visit(item);
  }
}

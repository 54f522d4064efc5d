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

/** Aborts when somebody presses Ctrl-C, or asks the process to end, for the first time. */
export function interruptSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stop.abort(new Error(`interrupted by ${signal}`)));
  }
  return stop.signal;
}

/** What a phase of the tests adds to the sum. */
export interface Outcome {
  passed: number;
  failed: number;
  skipped: number;
  /** What failed, in a few lines for each: the last thing that is printed, for whom only the end of the output is kept. */
  failures: readonly string[];
}

export const NOTHING: Outcome = { passed: 0, failed: 0, skipped: 0, failures: [] };

/** A check that counts no tests: silent when it holds, one failure when it does not. */
export function checked(holds: boolean): Outcome {
  return holds ? NOTHING : { ...NOTHING, failed: 1 };
}

export function sum(outcomes: readonly Outcome[]): Outcome {
  return outcomes.reduce(
    (total, outcome) => ({
      passed: total.passed + outcome.passed,
      failed: total.failed + outcome.failed,
      skipped: total.skipped + outcome.skipped,
      failures: [...total.failures, ...outcome.failures],
    }),
    NOTHING,
  );
}

/** `12 passed, 0 failed`, with `, 3 skipped` where there are any. */
export function describe({ passed, failed, skipped }: Omit<Outcome, 'failures'>): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

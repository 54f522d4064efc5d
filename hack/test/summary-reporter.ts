import { writeFileSync } from 'node:fs';
import { reporters, type MochaOptions, type Runner } from 'mocha';

/** What {@link SummaryReporter} leaves as JSON. */
export interface Summary {
  stats: Mocha.Stats;
  /** Full name of each test that failed, and below it what it said. */
  failures: string[];
}

/** So much of an error's message tells what went wrong; all of it stands in the report above. */
const MESSAGE_LINES = 6;

/** Mocha's readable report, and a {@link Summary} in the file that `--reporter-option output=FILE` names. */
class SummaryReporter extends reporters.Spec {
  constructor(runner: Runner, options: MochaOptions) {
    super(runner, options);
    const { output } = options.reporterOptions as { output: string };
    runner.once('end', () => {
      const failures = this.failures.map((test) => {
        const message = test.err?.message.split('\n').slice(0, MESSAGE_LINES) ?? [];
        return [test.fullTitle(), ...message].join('\n');
      });
      writeFileSync(output, JSON.stringify({ stats: this.stats, failures } satisfies Summary));
    });
  }
}

// Mocha loads reporters with require(), which takes an export of this name for the module itself.
export { SummaryReporter as 'module.exports' };

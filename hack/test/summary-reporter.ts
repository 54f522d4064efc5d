import { writeFileSync } from 'node:fs';
import { reporters, type MochaOptions, type Runner } from 'mocha';

/**
 * Mocha's readable report, and its counts as JSON in the file that `--reporter-option output=FILE` names:
 * how {@link Mocha.Stats} of several runs become one sum.
 */
class SummaryReporter extends reporters.Spec {
  constructor(runner: Runner, options: MochaOptions) {
    super(runner, options);
    const { output } = options.reporterOptions as { output: string };
    runner.once('end', () => {
      writeFileSync(output, JSON.stringify(this.stats));
    });
  }
}

// Mocha loads reporters with require(), which takes an export of this name for the module itself.
export { SummaryReporter as 'module.exports' };

import { parseArgs } from 'node:util';
import { NOTHING, describe, sum, type Outcome } from './outcome.js';
import { PHASES, type Phase } from './phases.js';
import { checkSelection, fromRoot, isEverything, type Selection } from './selection.js';

/**
 * Runs the phases that are named on the command line, or all of them. A phase that fails hides none of the later ones;
 * the last line is the sum of all. `--file FILE` and `--name NAME` select among the tests of one phase.
 */
function readArguments(): { phases: readonly Phase[]; selection: Selection } {
  const { values, positionals } = parseArgs({
    options: { file: { type: 'string' }, name: { type: 'string' } },
    allowPositionals: true,
  });
  const unknown = positionals.filter((name) => !PHASES.some((phase) => phase.name === name));
  if (unknown.length > 0) {
    throw new Error(
      `no such phase: ${unknown.join(', ')}; there are ${PHASES.map(({ name }) => name).join(', ')}`,
    );
  }
  const phases = PHASES.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const selection: Selection = {
    ...(values.file !== undefined && { file: fromRoot(values.file) }),
    ...(values.name !== undefined && { name: values.name }),
  };
  if (!isEverything(selection)) {
    const [phase] = phases;
    if (phases.length !== 1 || phase?.tests !== true) {
      throw new Error('--file and --name go with one phase: unit, integration or e2e');
    }
    checkSelection(selection, phase.name);
  }
  return { phases, selection };
}

async function run(): Promise<void> {
  const { phases, selection } = readArguments();
  const outcomes: Outcome[] = [NOTHING];
  const failed: string[] = [];
  for (const phase of phases) {
    console.log(`\n=== ${phase.name}`);
    const started = performance.now();
    const outcome = await phase.run(selection);
    outcomes.push(outcome);
    if (outcome.failed > 0) failed.push(phase.name);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`=== ${phase.name}: ${outcome.failed > 0 ? 'FAILED' : 'ok'} (${seconds} s)`);
  }

  const total = sum(outcomes);
  console.log(failed.length > 0 ? `\nfailed: ${failed.join(', ')}` : '');
  for (const failure of total.failures) console.log(`  ${failure.replaceAll('\n', '\n    ')}`);
  console.log(describe(total));
  process.exitCode = total.failed > 0 ? 1 : 0;
}

try {
  await run();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}

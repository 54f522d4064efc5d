import { NOTHING, describe, sum, type Outcome } from './outcome.js';
import { PHASES } from './phases.js';

/**
 * Runs the phases that are named on the command line, or all of them. A phase that fails hides none of the later ones;
 * the last line is the sum of all.
 */
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !PHASES.some((phase) => phase.name === name));
if (unknown.length > 0) {
  console.error(
    `no such phase: ${unknown.join(', ')}; there are ${PHASES.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}

const outcomes: Outcome[] = [NOTHING];
const failed: string[] = [];
for (const phase of PHASES.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  console.log(`\n=== ${phase.name}`);
  const started = performance.now();
  const outcome = await phase.run();
  outcomes.push(outcome);
  if (outcome.failed > 0) failed.push(phase.name);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`=== ${phase.name}: ${outcome.failed > 0 ? 'FAILED' : 'ok'} (${seconds} s)`);
}

const total = sum(outcomes);
console.log(failed.length > 0 ? `\nfailed: ${failed.join(', ')}` : '');
console.log(describe(total));
process.exitCode = total.failed > 0 ? 1 : 0;

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { prometheusBinaries, type PrometheusProgram } from '../../../hack/prometheus/binaries.js';

/** Paths of Prometheus' programs; where they cannot be had, the tests of the suite are skipped, the reason in their titles. */
export async function prometheusOrSkip<P extends PrometheusProgram>(
  context: Mocha.Context,
  ...programs: readonly P[]
): Promise<Record<P, string>> {
  try {
    const paths = await prometheusBinaries(...programs);
    return Object.fromEntries(programs.map((name, index) => [name, paths[index]])) as Record<P, string>;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    for (const test of context.test?.parent?.tests ?? []) test.title += ` (skipped: ${reason})`;
    context.skip();
  }
}

/** Runs promtool to its end; `output` is all that it printed. */
export async function runPromtool(
  promtool: string,
  args: readonly string[],
  options: { directory?: string; input?: string } = {},
): Promise<{ code: number | null; output: string }> {
  const child = spawn(promtool, args, { cwd: options.directory, stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  // It may end without having read its input.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

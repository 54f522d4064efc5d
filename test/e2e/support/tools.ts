import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { findTools, ToolAbsent, type Tool } from '../../../hack/tools/tools.js';
import { skip } from './skip.js';

/** Paths of tools; skips where one is not to be had on a machine like this one, and fails where it should have been. */
export async function toolsOrSkip<T extends Tool>(
  context: Mocha.Context,
  ...names: readonly T[]
): Promise<Record<T, string>> {
  try {
    return await findTools(...names);
  } catch (error) {
    if (error instanceof ToolAbsent) skip(context, error.message);
    throw error;
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

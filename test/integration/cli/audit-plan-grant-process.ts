import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { plane } from '../../support/plane.js';

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

const MAIN = fileURLToPath(new URL('../../../src/main.js', import.meta.url));

/** Runs the program to its end, as the administrator of the shared plane unless another kubeconfig is given. */
export async function configWeaver(
  args: readonly string[],
  options: { kubeconfig?: string; input?: string } = {},
): Promise<Outcome> {
  const kubeconfig = options.kubeconfig ?? (await plane()).kubeconfig;
  return execute(
    [process.execPath, MAIN, ...args],
    { KUBECONFIG: kubeconfig, HOME: '/nonexistent' },
    options.input,
  );
}

/** Runs any command with just this environment. */
export async function execute(
  [command = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
  input = '',
): Promise<Outcome> {
  const child = spawn(command, args, { env: { PATH: process.env.PATH, ...env }, stdio: 'pipe' });
  const code = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  // A command that does not read its input may be gone before it is written.
  child.stdin.on('error', () => undefined).end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
  milliseconds: number;
}

const MAIN = fileURLToPath(new URL('../../../src/main.js', import.meta.url));

function execute(args: string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [MAIN, ...args], { env }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr, milliseconds: performance.now() - started });
    });
  });
}

describe('the program', () => {
  it('prints its version without loading the operator', async () => {
    const outcome = await execute(['--version']);

    expect(outcome).to.deep.include({ code: 0, stderr: '' });
    expect(outcome.stdout).to.match(/^\d+\.\d+\.\d+\S*\n$/);
    expect(outcome.milliseconds).to.be.below(1000);
  });

  it('exits 2 with one line for a flag that it does not know', async () => {
    const outcome = await execute(['run', '--no-such-flag']);

    expect(outcome).to.deep.include({ code: 2, stdout: '' });
    expect(outcome.stderr).to.match(/^config-weaver: unknown option '--no-such-flag'[^\n]*\n$/);
  });

  it('exits 1 with one line that names what it looked for when there is no kubeconfig', async () => {
    const outcome = await execute([], { HOME: '/nonexistent' });

    expect(outcome).to.deep.include({ code: 1, stdout: '' });
    expect(outcome.stderr).to.match(/^config-weaver: [^\n]*KUBECONFIG[^\n]*\n$/);
  });

  it('exits 1 with one line for a kubeconfig that is not there', async () => {
    const outcome = await execute(['--kubeconfig=/nonexistent/kubeconfig']);

    expect(outcome).to.deep.include({ code: 1, stdout: '' });
    expect(outcome.stderr).to.match(/^config-weaver: [^\n]*\/nonexistent\/kubeconfig[^\n]*\n$/);
  });
});

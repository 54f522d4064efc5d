import { spawn } from 'node:child_process';
import { waitUntil } from './poll.js';

/** Runs kubectl as the administrator and returns what it printed; `input` goes to its standard input. */
export type Kubectl = (args: readonly string[], input?: string) => Promise<string>;

export interface KubectlOptions {
  /** Path of the binary, or its name to be found on PATH. */
  binary: string;
  kubeconfig: string;
  /** Written to its standard input, for `-f -`. */
  input?: string | undefined;
  /** Where kubectl keeps what it learned of the API; without it, ~/.kube/cache fills with servers that are gone. */
  cacheDirectory?: string | undefined;
}

/** kubectl ended with an exit code other than 0. */
export class KubectlError extends Error {
  override readonly name = 'KubectlError';
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;

  constructor(args: readonly string[], exitCode: number, stdout: string, stderr: string) {
    super(`kubectl ${args.join(' ')}: exit code ${exitCode}: ${stderr.trim() || stdout.trim()}`);
    this.exitCode = exitCode;
    this.stdout = stdout;
    this.stderr = stderr;
  }
}

/** Runs kubectl to its end and returns what it printed; rejects with a {@link KubectlError}. */
export function runKubectl(args: readonly string[], options: KubectlOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(options.binary, ['--kubeconfig', options.kubeconfig, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...(options.cacheDirectory === undefined ? {} : { KUBECACHEDIR: options.cacheDirectory }),
      },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(stdout);
      else reject(new KubectlError(args, code ?? -1, stdout, stderr));
    });
    // kubectl may end without having read its input, for instance on a bad flag.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

/** Applies the CRDs of a file or folder and waits until the API server serves them. */
export async function applyCrd(kubectl: Kubectl, path: string): Promise<void> {
  await kubectl(['apply', '--server-side', '--force-conflicts', '-f', path]);
  // kubectl wait gives up at once on one that has no conditions yet.
  await waitUntil(async () => isEstablished(await kubectl(['get', '-o', 'json', '-f', path])), {
    what: `the API server to serve ${path}`,
    timeoutMilliseconds: 30_000,
    intervalMilliseconds: 100,
  });
}

interface Definition {
  status?: { conditions?: { type: string; status: string }[] };
}

/** @param json One object, or a List of them. */
function isEstablished(json: string): boolean {
  const object = JSON.parse(json) as Definition & { items?: Definition[] };
  return (object.items ?? [object]).every(({ status }) =>
    status?.conditions?.some((condition) => condition.type === 'Established' && condition.status === 'True'),
  );
}

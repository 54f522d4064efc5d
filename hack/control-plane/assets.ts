import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { repositoryRoot } from '../repository.js';

/**
 * The folder that holds etcd, kube-apiserver, kube-controller-manager and kubectl. Gets them first if need be, which may
 * take minutes; progress goes to standard error.
 * @throws Error when they cannot be had; the reason was printed
 */
export function controlPlaneAssets(): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(repositoryRoot(), 'hack/control-plane/get'), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(stdout.trim());
      else reject(new Error('the control plane binaries are not to be had: see the messages above'));
    });
  });
}

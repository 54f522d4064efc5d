import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { repositoryRoot } from '../repository.js';

export type PrometheusProgram = 'prometheus' | 'promtool' | 'alertmanager';

/**
 * Finds programs of Prometheus, or fetches them into our cache, which takes seconds (hack/prometheus/get says from where).
 * @returns the path of each, in the order of `programs`
 * @throws Error whose message is the reason why they cannot be had
 */
export function prometheusBinaries(...programs: readonly PrometheusProgram[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const get = join(repositoryRoot(), 'hack/prometheus/get');
    const child = spawn(get, programs, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(stdout.trim().split('\n'));
      else reject(new Error(stderr.trim().split('\n').at(-1) ?? ''));
    });
  });
}

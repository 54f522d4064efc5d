import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { repositoryRoot } from '../repository.js';

export const TOOLS = ['buildah', 'chromium', 'prometheus', 'promtool', 'alertmanager'] as const;

export type Tool = (typeof TOOLS)[number];

/** What hack/tools/get exits with where a tool is not to be had on a machine like this one. */
const ABSENT = 3;

/** No tool, and nobody's fault: the message says what it would take. */
export class ToolAbsent extends Error {}

/**
 * Paths of tools, which are fetched into our cache first if need be: that may take minutes (hack/tools/get says from where).
 * @throws ToolAbsent where one is not to be had on a machine like this one
 * @throws Error where one should have been, but could not be fetched, or does not work
 */
export async function findTools<T extends Tool>(...names: readonly T[]): Promise<Record<T, string>> {
  const { code, stdout, stderr } = await get(names);
  const reason = stderr.trim().split('\n').at(-1) ?? '';
  if (code === ABSENT) throw new ToolAbsent(reason);
  if (code !== 0) throw new Error(reason);
  const paths = stdout.trim().split('\n');
  return Object.fromEntries(names.map((name, index) => [name, paths[index]])) as Record<T, string>;
}

function get(names: readonly Tool[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const script = join(repositoryRoot(), 'hack/tools/get');
    const child = spawn(script, names, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      process.stderr.write(text);
    });
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
}

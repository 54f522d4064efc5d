import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Runs kubectl as the administrator and returns what it printed; `input` goes to its standard input. */
export type Kubectl = (args: string[], input?: string) => Promise<string>;

/** The part of an object that every test reads; the rest is for the test to describe. */
export interface AnyObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid: string;
    resourceVersion: string;
    generation?: number;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    finalizers?: string[];
  };
}

/** Applies objects given as values. */
export async function apply(kubectl: Kubectl, ...objects: object[]): Promise<void> {
  // A List in JSON needs no quoting and no separators.
  await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
}

/** The object, or undefined where there is none. */
export async function getObject<T extends AnyObject>(
  kubectl: Kubectl,
  resource: string,
  name: string,
  namespace?: string,
): Promise<T | undefined> {
  const output = await kubectl([
    ...['get', resource, name, '--ignore-not-found', '-o', 'json'],
    ...(namespace === undefined ? [] : ['-n', namespace]),
  ]);
  return output.trim() === '' ? undefined : (JSON.parse(output) as T);
}

/** Objects of a namespace, or of all with `namespace` undefined. */
export async function listObjects<T extends AnyObject>(
  kubectl: Kubectl,
  resource: string,
  namespace?: string,
  selector?: string,
): Promise<T[]> {
  const output = await kubectl([
    ...['get', resource, '-o', 'json'],
    ...(namespace === undefined ? ['-A'] : ['-n', namespace]),
    ...(selector === undefined ? [] : ['-l', selector]),
  ]);
  return (JSON.parse(output) as { items: T[] }).items;
}

/**
 * Writes a kubeconfig for the same server into the directory, that acts as a ServiceAccount, with a token that is valid for a day.
 * @returns its path
 */
export async function serviceAccountKubeconfig(
  kubectl: Kubectl,
  directory: string,
  namespace: string,
  name: string,
): Promise<string> {
  const [token, view] = await Promise.all([
    kubectl(['create', 'token', name, '-n', namespace, '--duration=24h']),
    kubectl(['config', 'view', '--raw', '--minify', '--flatten', '-o', 'json']),
  ]);
  const kubeconfig = JSON.parse(view) as { users: { name: string; user: object }[] };
  for (const entry of kubeconfig.users) entry.user = { token: token.trim() };
  const path = join(directory, `${namespace}.${name}.kubeconfig`);
  await writeFile(path, JSON.stringify(kubeconfig), { mode: 0o600 });
  return path;
}

import type { Kubectl } from '../../hack/control-plane/kubectl.js';

export type { Kubectl };

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

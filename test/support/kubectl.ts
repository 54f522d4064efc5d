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

/** Lets a user do in `namespace` what a new Role of these rules, or a ClusterRole that there is, allows. */
export async function allowUser(
  kubectl: Kubectl,
  user: string,
  { namespace, name }: { namespace: string; name: string },
  rulesOrClusterRole: readonly object[] | string,
): Promise<void> {
  const metadata = { name, namespace };
  const apiGroup = 'rbac.authorization.k8s.io';
  const custom = typeof rulesOrClusterRole !== 'string';
  if (custom) {
    await apply(kubectl, { apiVersion: `${apiGroup}/v1`, kind: 'Role', metadata, rules: rulesOrClusterRole });
  }
  await apply(kubectl, {
    apiVersion: `${apiGroup}/v1`,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup, kind: custom ? 'Role' : 'ClusterRole', name: custom ? name : rulesOrClusterRole },
    subjects: [{ apiGroup, kind: 'User', name: user }],
  });
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

/** Kubernetes' own types that every layer speaks of, declared once. This file imports nothing, so that all may import it. */

/** The part of metav1.ObjectMeta that is read here. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  /** '' in an object that was never sent to the API server. */
  uid: string;
  /** '' in an object that was never sent to the API server. */
  resourceVersion: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
}

/** Names one object of a namespaced resource. */
export interface NamespacedName {
  namespace: string;
  name: string;
}

export function namespacedNameKey({ namespace, name }: NamespacedName): string {
  return `${namespace}/${name}`;
}

export function sameNamespacedName(a: NamespacedName, b: NamespacedName): boolean {
  return a.namespace === b.namespace && a.name === b.name;
}

/** A tenant's identity: a ServiceAccount in the namespace of the ConfigMapSync that names it. */
export type ServiceAccount = NamespacedName;

/** The user name that the API server gives a token of this ServiceAccount. */
export function serviceAccountUsername({ namespace, name }: ServiceAccount): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

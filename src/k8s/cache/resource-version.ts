import type { KubernetesObject } from '../client/objects.js';

/**
 * The newer of two states of one object. Kubernetes 1.35 promises what etcd always gave: resourceVersions of one
 * resource are decimal numbers that grow. Where they are no numbers, `b` wins.
 */
export function newerOf<T extends KubernetesObject>(a: T, b: T): T {
  const [left, right] = [a.metadata.resourceVersion, b.metadata.resourceVersion];
  if (!/^\d+$/.test(left) || !/^\d+$/.test(right)) return b;
  return BigInt(left) > BigInt(right) ? a : b;
}

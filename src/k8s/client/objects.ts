import type { NamespacedName, ObjectMeta } from '../../api/kubernetes.js';

/** The parts of Kubernetes' own types that this runtime touches; everything else stays `unknown` to it. */
export interface KubernetesObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

export interface ObjectList<T extends KubernetesObject> {
  metadata: { resourceVersion: string; continue?: string };
  /** null in an empty list of metadata only: the API server's own way to write it. */
  items: T[] | null;
}

/** Names an object in an Event: core/v1 ObjectReference. */
export interface ObjectReference {
  apiVersion: string;
  kind: string;
  namespace?: string;
  name: string;
  uid?: string;
}

export interface WatchEvent<T extends KubernetesObject> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  object: T;
}

/** `namespace/name`, or `name` alone for a cluster-scoped object: the key of stores and work queues. */
export function objectKey(object: KubernetesObject): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** Splits what {@link objectKey} made; `namespace` is '' for a cluster-scoped object. */
export function splitKey(key: string): NamespacedName {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, Math.max(slash, 0)), name: key.slice(slash + 1) };
}

/** Metadata-only representations: the API server leaves out everything but `metadata`. */
export const METADATA_ONLY = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
export const METADATA_ONLY_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

/**
 * The newer of two states of one object. Kubernetes 1.35 promises what etcd always gave: resourceVersions of one
 * resource are decimal numbers that grow. Where they are no numbers, `b` wins.
 */
export function newerOf<T extends KubernetesObject>(a: T, b: T): T {
  const [left, right] = [a.metadata.resourceVersion, b.metadata.resourceVersion];
  if (!/^\d+$/.test(left) || !/^\d+$/.test(right)) return b;
  return BigInt(left) > BigInt(right) ? a : b;
}

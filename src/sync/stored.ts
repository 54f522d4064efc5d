import type { ObjectMeta } from '../api/kubernetes.js';
import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import { FINALIZER } from '../api/v1alpha1/well-known.js';

/** Reason of Ready where a ConfigMapSync is withheld. */
export const TOO_MANY_OBJECTS = 'TooManyObjects';

/** Without managed fields, which nobody reads; the API server leaves them out itself where an object would be too large. */
export function storedMetadata(metadata: ObjectMeta): ObjectMeta {
  const stored: ObjectMeta & { managedFields?: unknown } = { ...metadata };
  delete stored.managedFields;
  return stored;
}

/** Of a ConfigMapSync that is not kept in memory: that it is there, and whether its status says so. */
export function withheld({ apiVersion, kind, metadata, spec, status }: ConfigMapSync): ConfigMapSync {
  const finalizers = metadata.finalizers?.filter((each) => each === FINALIZER || each === 'orphan') ?? [];
  const conditions = (status?.conditions ?? []).filter(({ type }) => type === 'Ready');
  const empty = { labels: {}, annotations: {}, ownerReferences: [], finalizers };
  // A name that no object has: nothing can be done for it by mistake.
  const nothing = { source: { name: '' }, serviceAccount: spec.serviceAccount, suspend: true };
  return {
    ...{ apiVersion, kind, metadata: Object.assign({}, metadata, empty) },
    spec: nothing as ConfigMapSync['spec'],
    status: { conditions: conditions.map((each) => Object.assign({}, each, { message: '' })) },
  };
}

export function isWithheld({ spec }: Pick<ConfigMapSync, 'spec'>): boolean {
  return spec.source.name === '';
}

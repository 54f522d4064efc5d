import {
  CONTENT_HASH_ANNOTATION,
  MANAGED_BY_LABEL,
  MANAGED_BY,
  OWNER_NAME_ANNOTATION,
  OWNER_NAMESPACE_ANNOTATION,
  OWNER_UID_LABEL,
  SERVICE_ACCOUNT_ANNOTATION,
  SOURCE_ANNOTATION,
  SOURCE_RESOURCE_VERSION_ANNOTATION,
} from '../api/v1alpha1/well-known.js';
import type { ConfigMapMetadata } from './config-map.js';

/** The ConfigMapSync that copies belong to. */
export interface Owner {
  uid: string;
  namespace: string;
  name: string;
}

/**
 * Tells whether a ConfigMapSync lives. It must answer true where it cannot know (a namespace that is not watched):
 * a living owner's copy is never taken.
 */
export type IsLiving = (owner: Owner) => boolean;

/**
 * Whose a ConfigMap is, as seen by one ConfigMapSync:
 * `own`: it carries our uid. `heir`: its owner is gone and was this ConfigMapSync's predecessor of the same name,
 * namespace and source. `other`: a living ConfigMapSync's. `foreign`: nobody's that we know.
 */
export type Ownership = 'own' | 'heir' | 'other' | 'foreign';

export function ownershipOf(
  metadata: ConfigMapMetadata,
  owner: Owner,
  source: string,
  isLiving: IsLiving,
): Ownership {
  const marked = markedOwner(metadata);
  if (marked === undefined) return 'foreign';
  if (marked.uid === owner.uid) return 'own';
  if (isLiving(marked)) return 'other';
  const inherited =
    marked.name === owner.name &&
    marked.namespace === owner.namespace &&
    metadata.annotations?.[SOURCE_ANNOTATION] === source;
  return inherited ? 'heir' : 'foreign';
}

/** Removal asks for more than the label, which anybody may forge: uid, name and namespace must all be ours. */
export function mayRemove(metadata: ConfigMapMetadata, owner: Owner): boolean {
  const marked = markedOwner(metadata);
  return marked?.uid === owner.uid && marked.name === owner.name && marked.namespace === owner.namespace;
}

/** The owner that a ConfigMap's marks name; undefined where it has none. */
export function markedOwner(metadata: ConfigMapMetadata): Owner | undefined {
  const uid = metadata.labels?.[OWNER_UID_LABEL];
  if (uid === undefined) return undefined;
  return {
    uid,
    namespace: metadata.annotations?.[OWNER_NAMESPACE_ANNOTATION] ?? '',
    name: metadata.annotations?.[OWNER_NAME_ANNOTATION] ?? '',
  };
}

/** Remembers which labels and annotations `spec.target` put on a copy, so that they can be taken off again. */
export const TARGET_METADATA_ANNOTATION = 'configmapsync.io/target-metadata';

const OUR_LABELS = [OWNER_UID_LABEL];
const OUR_ANNOTATIONS = [
  OWNER_NAME_ANNOTATION,
  OWNER_NAMESPACE_ANNOTATION,
  SOURCE_ANNOTATION,
  SOURCE_RESOURCE_VERSION_ANNOTATION,
  CONTENT_HASH_ANNOTATION,
  SERVICE_ACCOUNT_ANNOTATION,
  TARGET_METADATA_ANNOTATION,
];

/** `metadata` as an orphan: what `spec.target` added stays, our marks go. */
export function withoutMarks<T extends ConfigMapMetadata>(metadata: T): T {
  const ours = metadata.labels?.[MANAGED_BY_LABEL] === MANAGED_BY ? [MANAGED_BY_LABEL] : [];
  return {
    ...metadata,
    labels: omit(metadata.labels, [...OUR_LABELS, ...ours]),
    annotations: omit(metadata.annotations, OUR_ANNOTATIONS),
  };
}

export function omit(
  values: Record<string, string> | undefined,
  keys: readonly string[],
): Record<string, string> {
  return Object.fromEntries(Object.entries(values ?? {}).filter(([key]) => !keys.includes(key)));
}

import { sameNamespacedName, type NamespacedName } from '../api/kubernetes.js';
import type { CopyReference } from '../api/v1alpha1/config-map-sync-status.js';
import {
  OWNER_NAME_ANNOTATION,
  OWNER_NAMESPACE_ANNOTATION,
  OWNER_UID_LABEL,
  SOURCE_ANNOTATION,
} from '../api/v1alpha1/well-known.js';
import type { ConfigMapMetadata } from './config-map.js';

/** The ConfigMapSync that copies belong to. */
export interface Owner extends NamespacedName {
  uid: string;
  /** RFC 3339, by the API server's clock; undefined for one that was never created. */
  creationTimestamp?: string | undefined;
}

/** What is known of the copies of one ConfigMapSync in one namespace. */
export interface CopyRecord {
  /** Confirmed by the API server. */
  readonly copies: readonly CopyReference[];
  /** There may be a copy that is not recorded: a status was lost, or a create went unanswered. */
  readonly lost: boolean;
  /** They were stored without our marks, or with others, when they were written: nobody took these off. */
  readonly altered?: boolean;
}

/**
 * Returns whether a ConfigMapSync lives. It must answer true where it cannot know (a namespace that is not watched):
 * a living owner's copy is never taken.
 */
export type IsLiving = (owner: Owner) => boolean;

/**
 * Who owns a ConfigMap, as seen by one ConfigMapSync:
 * `own`: a copy of ours. `unrecorded`: it carries our uid, which anybody with `update` may write, and is not recorded.
 * `heir`: its owner is gone and was this ConfigMapSync's predecessor of the same name, namespace and source.
 * `other`: a living ConfigMapSync's. `foreign`: of no owner that we know.
 */
export type Ownership = 'own' | 'unrecorded' | 'heir' | 'other' | 'foreign';

export interface OwnershipContext {
  owner: Owner;
  /** `namespace/name` of the source. */
  source: string;
  record: CopyRecord;
  isLiving: IsLiving;
}

export function ownershipOf(
  metadata: ConfigMapMetadata,
  { owner, source, record, isLiving }: OwnershipContext,
): Ownership {
  if (isOwnCopy(metadata, { owner, record, isLiving })) return 'own';
  const marked = markedOwner(metadata);
  if (marked === undefined) return 'foreign';
  if (marked.uid === owner.uid) return 'unrecorded';
  if (isLiving(marked)) return 'other';
  const sameSource = metadata.annotations?.[SOURCE_ANNOTATION] === source;
  return sameSource && sameNamespacedName(marked, owner) ? 'heir' : 'foreign';
}

/** Carries our uid and is recorded, or may be ours where the record was lost: see docs/design/0003-ownership-by-record.md. */
export function isOwnCopy(
  metadata: ConfigMapMetadata,
  { owner, record, isLiving }: Omit<OwnershipContext, 'source'>,
): boolean {
  const { copies, lost, altered = false } = record;
  const isRecorded = copies.some(({ name, uid }) => name === metadata.name && uid === metadata.uid);
  const marked = markedOwner(metadata);
  if (marked?.uid === owner.uid) return isRecorded || (lost && mayBeCopy(metadata, owner));
  return isRecorded && altered && (marked === undefined || !isLiving(marked));
}

/** True where nothing but the record tells a ConfigMap from a copy of ours. */
export function mayBeCopy(metadata: ConfigMapMetadata, owner: Owner): boolean {
  const marked = markedOwner(metadata);
  if (marked?.uid !== owner.uid || !sameNamespacedName(marked, owner)) return false;
  // Times have whole seconds: a copy may be made in the very second in which its owner was.
  return Date.parse(metadata.creationTimestamp ?? '') >= Date.parse(owner.creationTimestamp ?? '');
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

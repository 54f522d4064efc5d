/**
 * The marks that say whose a copy is. Only the operator sets them: {@link RESERVED_PREFIX} and
 * {@link MANAGED_BY_LABEL} are refused in `target.labels` and `target.annotations`.
 */
export const RESERVED_PREFIX = 'configmapsync.io/';

/** Holds a deleted ConfigMapSync back until its copies are dealt with. */
export const FINALIZER = `${RESERVED_PREFIX}finalizer`;

export const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by';
/** Value of {@link MANAGED_BY_LABEL} on every copy. */
export const MANAGED_BY = 'config-weaver';
/** uid of the ConfigMapSync that a copy belongs to. */
export const OWNER_UID_LABEL = `${RESERVED_PREFIX}owner-uid`;

// Names may be 253 characters long, label values only 63: these have to be annotations.
export const OWNER_NAME_ANNOTATION = `${RESERVED_PREFIX}owner-name`;
export const OWNER_NAMESPACE_ANNOTATION = `${RESERVED_PREFIX}owner-namespace`;
/** `namespace/name` of the source. */
export const SOURCE_ANNOTATION = `${RESERVED_PREFIX}source`;
export const SOURCE_RESOURCE_VERSION_ANNOTATION = `${RESERVED_PREFIX}source-resource-version`;
export const CONTENT_HASH_ANNOTATION = `${RESERVED_PREFIX}content-hash`;
/** Under whose rights the copy was written last: the ServiceAccount's name. */
export const SERVICE_ACCOUNT_ANNOTATION = `${RESERVED_PREFIX}service-account`;

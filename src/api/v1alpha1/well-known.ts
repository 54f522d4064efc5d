/** Where the API server serves the kind, and by which names people call it. */
export const GROUP = 'weaver.example.com';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}` as const;
export const KIND = 'ConfigMapSync';
export const LIST_KIND = `${KIND}List`;
export const PLURAL = 'configmapsyncs';
export const SINGULAR = 'configmapsync';
export const SHORT_NAMES = ['cms', 'cmsync'] as const;

/** What the kind is for, in the words of `kubectl explain`. */
export const DESCRIPTION =
  "Copies a ConfigMap to other namespaces and keeps the copies in step with it. Everything is read and written with the rights of a ServiceAccount of the ConfigMapSync's own namespace, never with the operator's.";

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

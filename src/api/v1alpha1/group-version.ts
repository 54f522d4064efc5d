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

import type { ConfigMapSyncSpec } from '../../src/api/v1alpha1/config-map-sync-spec.js';
import type { ConfigMapSyncStatus } from '../../src/api/v1alpha1/config-map-sync-status.js';
import type { ConfigMapSync } from '../../src/api/v1alpha1/config-map-sync.js';
import { FINALIZER } from '../../src/api/v1alpha1/well-known.js';
import type { ObjectMeta } from '../../src/api/kubernetes.js';

/** A spec as the API server gives it: with every default. */
export function syncSpec(overrides: Partial<ConfigMapSyncSpec> = {}): ConfigMapSyncSpec {
  return {
    source: { name: 'shared' },
    serviceAccount: { name: 'default' },
    conflictPolicy: 'Fail',
    deletionPolicy: 'Delete',
    sourceDeletionPolicy: 'Retain',
    suspend: false,
    ...overrides,
  };
}

/** ConfigMapSync team-a/share, uid-share, of generation 1. */
export function syncObject(
  overrides: {
    metadata?: Partial<ObjectMeta>;
    spec?: Partial<ConfigMapSyncSpec>;
    status?: ConfigMapSyncStatus;
  } = {},
): ConfigMapSync {
  return {
    apiVersion: 'weaver.example.com/v1alpha1',
    kind: 'ConfigMapSync',
    metadata: {
      name: 'share',
      namespace: 'team-a',
      uid: 'uid-share',
      resourceVersion: '10',
      generation: 1,
      finalizers: [FINALIZER],
      ...overrides.metadata,
    },
    spec: syncSpec(overrides.spec),
    ...(overrides.status && { status: overrides.status }),
  };
}

import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { Verb } from '../api/v1alpha1/config-map-sync-status.js';

/** What the ServiceAccount needs in each target namespace; `delete` is not needed where copies are meant to stay. */
export function requiredVerbs({ spec }: Pick<ConfigMapSync, 'spec'>): readonly Verb[] {
  return spec.deletionPolicy === 'Orphan'
    ? ['get', 'create', 'update']
    : ['get', 'create', 'update', 'delete'];
}

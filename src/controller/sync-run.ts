import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { Verb } from '../api/v1alpha1/config-map-sync-status.js';
import type { IsLiving } from '../sync/ownership.js';
import type { Session } from '../tenant/tenancy.js';
import type { NamespaceLister } from './namespace-lister.js';
import type { Pass } from './pass.js';
import type { DriftLimiter } from './drift-limiter.js';

export type Operation = 'create' | 'update' | 'delete';
export type OperationResult = 'success' | 'denied' | 'conflict' | 'error';

/** A pass that has an identity to act with. */
export interface SyncRun extends Pass {
  session: Session;
  namespaces: NamespaceLister;
  isLiving: IsLiving;
  repairs: DriftLimiter;
  /** Every write that was tried, for the metrics. */
  onOperation: (operation: Operation, result: OperationResult) => void;
}

/** `delete` is not needed where copies are meant to stay. */
export function neededVerbs({ spec }: ConfigMapSync): readonly Verb[] {
  return spec.deletionPolicy === 'Orphan'
    ? ['get', 'create', 'update']
    : ['get', 'create', 'update', 'delete'];
}

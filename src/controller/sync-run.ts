import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { Verb } from '../api/v1alpha1/verb.js';
import type { IsLiving } from '../sync/ownership.js';
import type { Session } from '../tenancy/tenancy.js';
import type { NamespaceDirectory } from './namespace-directory.js';
import type { Pass } from './pass.js';
import type { RepairBudget } from './repair-budget.js';

export type Operation = 'create' | 'update' | 'delete';
export type OperationResult = 'success' | 'denied' | 'conflict' | 'error';

/** A pass that has an identity to act with. */
export interface SyncRun extends Pass {
  session: Session;
  namespaces: NamespaceDirectory;
  isLiving: IsLiving;
  repairs: RepairBudget;
  /** Every write that was tried, for the metrics. */
  onOperation: (operation: Operation, result: OperationResult) => void;
}

/** `delete` is not needed where copies are meant to stay. */
export function neededVerbs({ spec }: ConfigMapSync): readonly Verb[] {
  return spec.deletionPolicy === 'Orphan'
    ? ['get', 'create', 'update']
    : ['get', 'create', 'update', 'delete'];
}

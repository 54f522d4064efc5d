import type { Verb } from '../api/v1alpha1/config-map-sync-status.js';
import type { NamespacedName } from '../api/kubernetes.js';

/** What one reconcile did to copies, and what it could not undo. */
export interface SyncWork {
  created: number;
  updated: number;
  deleted: number;
  /** Copies that should be gone and are not. */
  leftovers: Leftover[];
}

export interface Leftover extends NamespacedName {
  /** Why it is still there. */
  message: string;
  /** The verb whose lack is the reason, where that is so. */
  missingVerb?: Verb;
}

export function noWork(): SyncWork {
  return { created: 0, updated: 0, deleted: 0, leftovers: [] };
}

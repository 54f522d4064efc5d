import type { TargetState, TargetStatus, Verb } from '../api/v1alpha1/config-map-sync-status.js';

/** How one target stands at the end of a reconcile. */
export interface TargetOutcome {
  state: TargetState;
  reason: string;
  message?: string;
  missingVerbs?: Verb[];
  /** True where trying again soon may help and nothing will tell us when. */
  retry?: boolean;
  /** Nothing is to be tried before this many milliseconds have passed. */
  retryAfterMs?: number;
}

/** Reason of a `Failed` target that somebody else keeps changing. */
export const CONTENDED = 'Contended';

export const SYNCED: TargetOutcome = { state: 'Synced', reason: 'ConfigMapSynced' };

export function deniedOutcome(
  username: string,
  namespace: string,
  missingVerbs: Verb[],
  copyIsThere: boolean,
): TargetOutcome {
  return {
    state: copyIsThere ? 'Stale' : 'Denied',
    reason: 'MissingPermissions',
    message: `${username} may not ${missingVerbs.join(', ')} configmaps in namespace "${namespace}"`,
    missingVerbs,
  };
}

/** Reason of a `Conflict` target whose copy would go round in a circle: it stays as it is, if it is there already. */
export const LOOP = 'Loop';

/** Reason of a `Pending` target whose copy stays as it is, because there is nothing to bring it in step with. */
export const COPY_KEPT = 'CopyKept';

/** True where a copy of ours may be there, as far as the last status tells. */
export function mayHoldCopy({ state, reason }: TargetStatus): boolean {
  switch (state) {
    case 'Synced':
    case 'Stale':
    case 'Failed':
      return true;
    case 'Pending':
      return reason === COPY_KEPT;
    case 'Conflict':
      return reason === LOOP;
    case 'Denied':
    case 'NamespaceNotFound':
    case 'Terminating':
    case 'Skipped':
      return false;
  }
}

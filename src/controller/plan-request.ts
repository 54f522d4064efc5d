import type { ServiceAccount } from '../api/kubernetes.js';
import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { CycleDetector } from '../sync/cycle-detector.js';
import type { SyncPlan } from '../sync/result.js';
import type { IdentityError } from '../tenant/errors.js';
import type { Session } from '../tenant/tenancy.js';
import type { SyncState } from './sync-state.js';

/** A plan, and the means to carry it out. */
export interface Planned {
  plan: SyncPlan;
  /** Undefined where there is no identity. */
  session?: Session;
  cycles?: CycleDetector;
  /** Why there is no identity. */
  refusal?: IdentityError;
}

export interface PlanRequest {
  sync: ConfigMapSync;
  /** What is known of its targets; not changed by planning. */
  known: SyncState;
  /** Namespaces where something is under way; asked when the plan is made, not before. */
  running: () => Iterable<string>;
  /** True: everything is read again, whatever watches say. */
  recheck: boolean;
  /** True at the very first plan: nothing can be left over from earlier ones. */
  fresh: boolean;
  since: number;
  signal: AbortSignal;
}

export function accountOf({ metadata, spec }: ConfigMapSync): ServiceAccount {
  return { namespace: metadata.namespace ?? '', name: spec.serviceAccount.name };
}

import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { ConfigMapSyncStatus } from '../api/v1alpha1/config-map-sync-status.js';
import type { TargetStatus } from '../api/v1alpha1/target-status.js';
import type { Verb } from '../api/v1alpha1/verb.js';

/** One namespace that one ConfigMapSync may not work in: what every report renders. */
export interface Denial {
  /** The ConfigMapSync. */
  namespace: string;
  name: string;
  /** The ServiceAccount's name; its namespace is the ConfigMapSync's. */
  serviceAccount: string;
  targetNamespace: string;
  /** A `Stale` target has a copy from earlier, a `Denied` one has none. */
  state: 'Denied' | 'Stale';
  reason: string;
  missingVerbs: Verb[];
  /** RFC 3339: when the target came into this state. */
  since: string;
}

export function isDenied(target: TargetStatus): target is TargetStatus & { state: Denial['state'] } {
  return target.state === 'Denied' || target.state === 'Stale';
}

/** The denials that `status` holds, in the order of its targets. */
export function denialsOf(sync: ConfigMapSync, status: ConfigMapSyncStatus | undefined): Denial[] {
  return (status?.targets ?? []).filter(isDenied).map((target) => ({
    namespace: sync.metadata.namespace ?? '',
    name: sync.metadata.name,
    serviceAccount: sync.spec.serviceAccount.name,
    targetNamespace: target.namespace,
    state: target.state,
    reason: target.reason ?? '',
    missingVerbs: target.missingVerbs ?? [],
    since: target.lastTransitionTime,
  }));
}

import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { TargetState, TargetStatus, Verb } from '../api/v1alpha1/config-map-sync-status.js';

/** How one ConfigMapSync stands in one namespace: what every report renders. */
export interface TargetFinding {
  /** The ConfigMapSync. */
  namespace: string;
  name: string;
  /** The ServiceAccount's name; its namespace is the ConfigMapSync's. */
  serviceAccount: string;
  targetNamespace: string;
  state: TargetState;
  reason: string;
  missingVerbs: Verb[];
  /** RFC 3339: when the target came into this state. */
  since: string;
}

/** What the status of one target says, in the words of a report. */
export function findingOf(sync: ConfigMapSync, target: TargetStatus): TargetFinding {
  return {
    namespace: sync.metadata.namespace ?? '',
    name: sync.metadata.name,
    serviceAccount: sync.spec.serviceAccount.name,
    targetNamespace: target.namespace,
    state: target.state,
    reason: target.reason ?? '',
    missingVerbs: target.missingVerbs ?? [],
    since: target.lastTransitionTime,
  };
}

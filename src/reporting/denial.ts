import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type {
  ConfigMapSyncStatus,
  TargetState,
  TargetStatus,
  Verb,
} from '../api/v1alpha1/config-map-sync-status.js';
import { isDenied } from '../sync/outcomes.js';

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

/** One namespace that one ConfigMapSync may not work in: a `Stale` target has a copy from earlier, a `Denied` one has none. */
export type Denial = TargetFinding & { state: 'Denied' | 'Stale' };

/** The denials that `status` holds, in the order of its targets. */
export function denialsOf(sync: ConfigMapSync, status: ConfigMapSyncStatus | undefined): Denial[] {
  return (status?.targets ?? []).map((target) => findingOf(sync, target)).filter(isDenied);
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

/** All denials of now, by ConfigMapSync: the source of the metric `configweaver_namespace_denied`. */
export class DenialRegister {
  readonly #denials = new Map<string, Denial[]>();

  set(sync: string, denials: Denial[]): void {
    if (denials.length === 0) this.#denials.delete(sync);
    else this.#denials.set(sync, denials);
  }

  /**
   * At most `limit` denials, shared fairly: tenants (namespaces) give one after the other in turns, so that one with
   * thousands never hides another's few. The choice is stable while the denials are. `dropped`: how many are beyond the limit.
   */
  series(limit: number): { series: Denial[]; dropped: number } {
    const all = [...this.#denials.keys()].sort().flatMap((sync) => this.#denials.get(sync) ?? []);
    const byTenant = Map.groupBy(all, ({ namespace }) => namespace);
    const series: Denial[] = [];
    for (let turn = 0; series.length < Math.min(limit, all.length); turn += 1) {
      for (const denials of byTenant.values()) {
        const denial = denials[turn];
        if (denial !== undefined && series.length < limit) series.push(denial);
      }
    }
    return { series, dropped: all.length - series.length };
  }
}

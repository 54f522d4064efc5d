import type { Denial } from './denial.js';

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

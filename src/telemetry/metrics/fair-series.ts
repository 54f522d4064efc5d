import { isDeepStrictEqual } from 'node:util';

/** Labels and the value. */
type Series<L extends string> = readonly [Readonly<Record<L, string>>, number];

/**
 * Series of what tenants (namespaces) own: all are kept, and up to `limit` of them are exposed. Tenants get theirs in turns: one
 * that is within its share loses none to others. The choice is stable while the series are. A counter is counted on while it is
 * not exposed, so that it never goes backwards.
 */
export class FairSeries<L extends string> {
  readonly #limit: number;
  /** By tenant, then by owner. Kept in order, since a scrape must not sort what tenants multiply. */
  readonly #tenants = new Sorted<Sorted<readonly Series<L>[]>>();
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many series are not exposed. */
  get dropped(): number {
    return Math.max(0, this.#size - this.#limit);
  }

  has(tenant: string): boolean {
    return this.#tenants.get(tenant) !== undefined;
  }

  /** Replaces the series of an owner. */
  set(tenant: string, owner: string, series: readonly Series<L>[]): void {
    const owners = this.#tenants.get(tenant) ?? new Sorted();
    this.#size += series.length - (owners.get(owner)?.length ?? 0);
    owners.set(owner, series.length > 0 ? series : undefined);
    this.#tenants.set(tenant, owners.size > 0 ? owners : undefined);
  }

  /** Adds to one series of an owner; there are few of one. */
  inc(tenant: string, owner: string, labels: Series<L>[0], by = 1): void {
    const series = this.#tenants.get(tenant)?.get(owner) ?? [];
    const known = series.findIndex(([each]) => isDeepStrictEqual(each, labels));
    const counted = [labels, (series[known]?.[1] ?? 0) + by] as const;
    this.set(tenant, owner, known === -1 ? [...series, counted] : series.with(known, counted));
  }

  /** Takes as long as there are series to expose, and tenants, however many series these have. */
  exposed(): Series<L>[] {
    const exposed: Series<L>[] = [];
    let waiting = Array.from(this.#tenants.values(), inOrder);
    while (waiting.length > 0) {
      waiting = waiting.filter((series) => {
        const next = exposed.length < this.#limit ? series.next() : undefined;
        if (next === undefined || next.done === true) return false;
        exposed.push(next.value);
        return true;
      });
    }
    return exposed;
  }
}

function* inOrder<L extends string>(owners: Sorted<readonly Series<L>[]>): Generator<Series<L>, undefined> {
  for (const series of owners.values()) yield* series;
}

/** Values in the order of their keys. */
class Sorted<V> {
  readonly #entries: { key: string; value: V }[] = [];

  get size(): number {
    return this.#entries.length;
  }

  get(key: string): V | undefined {
    const entry = this.#entries[this.#indexOf(key)];
    return entry?.key === key ? entry.value : undefined;
  }

  /** @param value Where it is undefined, there is none from now on. */
  set(key: string, value: V | undefined): void {
    const index = this.#indexOf(key);
    const isThere = this.#entries[index]?.key === key;
    this.#entries.splice(index, isThere ? 1 : 0, ...(value === undefined ? [] : [{ key, value }]));
  }

  *values(): Generator<V, undefined> {
    for (const { value } of this.#entries) yield value;
  }

  /** Where that key is, or would be. */
  #indexOf(key: string): number {
    let [low, high] = [0, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.key ?? '') < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

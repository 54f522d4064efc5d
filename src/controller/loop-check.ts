import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import { placeKey, type Place } from '../sync/config-map.js';
import { copyName, sourcePlace } from '../sync/target-selection.js';

/**
 * Finds copies that would go round in a circle: A to B while B, perhaps by way of others, is copied to A. The youngest
 * ConfigMapSync of a circle gives way, so that nobody can stop what works by closing a circle on it.
 */
export class LoopCheck {
  readonly #bySource: ReadonlyMap<string, ConfigMapSync[]>;

  constructor(syncs: readonly ConfigMapSync[]) {
    this.#bySource = Map.groupBy(syncs, ({ spec, metadata }) =>
      placeKey(sourcePlace(spec, metadata.namespace ?? '')),
    );
  }

  /** The older ConfigMapSync through which what `sync` writes to `target` would come back to its source. */
  closedBy(sync: ConfigMapSync, target: Place): ConfigMapSync | undefined {
    const source = placeKey(sourcePlace(sync.spec, sync.metadata.namespace ?? ''));
    const seen = new Set<string>();
    const open = [placeKey(target)];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      if (seen.has(place)) continue;
      seen.add(place);
      for (const next of this.#bySource.get(place) ?? []) {
        if (!isOlder(next, sync)) continue;
        const copies = copiesOf(next);
        if (copies.includes(source)) return next;
        open.push(...copies);
      }
    }
    return undefined;
  }
}

function copiesOf({ spec, status }: ConfigMapSync): string[] {
  return (status?.targets ?? [])
    .filter(({ state }) => state === 'Synced')
    .map(({ namespace }) => placeKey({ namespace, name: copyName(spec) }));
}

function isOlder(a: ConfigMapSync, b: ConfigMapSync): boolean {
  const [left, right] = [a.metadata, b.metadata].map(
    ({ creationTimestamp = '', uid }) => `${creationTimestamp} ${uid}`,
  );
  return (left ?? '') < (right ?? '');
}

import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import { sameNamespacedName, type NamespacedName } from '../api/kubernetes.js';
import type { ConfigMapMetadata } from './config-map.js';
import { markedOwner } from './ownership.js';
import { copyName, sourceOf } from './targets.js';

/** How other ConfigMapSyncs are found. */
export interface SyncLookup {
  byUid(uid: string): ConfigMapSync | undefined;
  /** Those whose spec or status names this namespace. */
  naming(namespace: string): readonly ConfigMapSync[];
}

interface Ancestor {
  /** Where a copy comes from that our source comes from. */
  place: NamespacedName;
  /** Whose copy that is. */
  sync: ConfigMapSync;
}

/** Where a source that is itself a copy comes from; a copy there would close a cycle: see docs/design/0018-cycles.md. */
export class CycleDetector {
  readonly #sync: ConfigMapSync;
  readonly #ancestors: readonly Ancestor[];

  /**
   * @param source Metadata of the source of `sync`.
   * @param syncs Those that are known; only copies that are there count.
   */
  constructor(sync: ConfigMapSync, source: ConfigMapMetadata, syncs: SyncLookup) {
    this.#sync = sync;
    this.#ancestors = ancestorsOf(source, syncs);
  }

  /** False where no copy anywhere would close a cycle: the source is nobody's copy. */
  get mayCycle(): boolean {
    return this.#ancestors.length > 0;
  }

  /**
   * The ConfigMapSync through which a copy at `place` would end up in its own source; undefined where there is none.
   * @param held True where the copy is there already: then only the youngest of the loop gives way, or all would.
   */
  cycleThrough(place: NamespacedName, held: boolean): ConfigMapSync | undefined {
    const end = this.#ancestors.findIndex((ancestor) => sameNamespacedName(ancestor.place, place));
    const loop = this.#ancestors.slice(0, end + 1).map(({ sync }) => sync);
    if (held && loop.some((other) => isYounger(other, this.#sync))) return undefined;
    return loop[0];
  }
}

function ancestorsOf(source: ConfigMapMetadata, syncs: SyncLookup): Ancestor[] {
  const uid = markedOwner(source)?.uid;
  const ancestors: Ancestor[] = [];
  // Most sources are nobody's copy, and nothing needs to be looked through.
  let holder = uid === undefined ? undefined : syncs.byUid(uid);
  while (holder !== undefined && !ancestors.some(({ sync }) => sync === holder)) {
    const place = sourceOf(holder.spec, holder.metadata.namespace ?? '');
    ancestors.push({ place, sync: holder });
    holder = syncs.naming(place.namespace).find((sync) => holdsCopy(sync, place));
  }
  return ancestors;
}

function holdsCopy({ spec, status }: ConfigMapSync, { namespace, name }: NamespacedName): boolean {
  const target = status?.targets?.find((each) => each.namespace === namespace);
  return copyName(spec) === name && (target?.state === 'Synced' || target?.state === 'Stale');
}

function isYounger(a: ConfigMapSync, b: ConfigMapSync): boolean {
  const [ofA, ofB] = [a, b].map(({ metadata }) => `${metadata.creationTimestamp ?? ''} ${metadata.uid}`);
  return (ofA ?? '') > (ofB ?? '');
}

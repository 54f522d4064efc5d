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

export interface Ancestor {
  /** Where a copy comes from that our source comes from. */
  place: NamespacedName;
  /** Whose copy that is. */
  sync: ConfigMapSync;
}

/** Where a source that is itself a copy comes from; a copy there would close a cycle: see docs/design/0018-cycles.md. */
export class CycleDetector {
  readonly #sync: ConfigMapSync;
  readonly #ancestors: Ancestor[] = [];

  constructor(sync: ConfigMapSync) {
    this.#sync = sync;
  }

  /** Takes what {@link ancestorsOf} the source gives, in that order. */
  add(ancestor: Ancestor): void {
    this.#ancestors.push(ancestor);
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

/**
 * Where a source comes from, one step at a time: chains have no bound, so whoever plans takes the steps in slices.
 * @param source Its metadata.
 * @param syncs Those that are known; only copies that are there count.
 */
export function* ancestorsOf(source: ConfigMapMetadata, syncs: SyncLookup): Generator<Ancestor> {
  const uid = markedOwner(source)?.uid;
  const seen = new Set<ConfigMapSync>();
  /** By namespace, then by the name of their copies: a long chain in one namespace looks through it once. */
  const found = new Map<string, Map<string, ConfigMapSync[]>>();
  // Most sources are nobody's copy, and nothing needs to be looked through.
  let holder = uid === undefined ? undefined : syncs.byUid(uid);
  while (holder !== undefined && !seen.has(holder)) {
    const place = sourceOf(holder.spec, holder.metadata.namespace ?? '');
    seen.add(holder);
    yield { place, sync: holder };
    const { namespace, name } = place;
    const naming = found.get(namespace) ?? Map.groupBy(syncs.naming(namespace), ({ spec }) => copyName(spec));
    found.set(namespace, naming);
    holder = naming.get(name)?.find((sync) => holdsCopy(sync, namespace));
  }
}

function holdsCopy({ status }: ConfigMapSync, namespace: string): boolean {
  const state = status?.targets?.find((each) => each.namespace === namespace)?.state;
  return state === 'Synced' || state === 'Stale';
}

function isYounger(a: ConfigMapSync, b: ConfigMapSync): boolean {
  const [ofA, ofB] = [a, b].map(({ metadata }) => `${metadata.creationTimestamp ?? ''} ${metadata.uid}`);
  return (ofA ?? '') > (ofB ?? '');
}

import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import type { ConfigMapObject } from '../../support/tenant.js';
import { copyNameOf, isHeirOf, marksOf } from './meaning.js';

/**
 * Every ConfigMap that is not the operator's to write: sources, strangers, what was released, copies of the suspended.
 * None may change but by the story itself.
 */
export class Strangers {
  readonly #seen = new Map<string, ConfigMapObject>();
  /** Every ConfigMapSync, in each version, that there was since the last look. */
  #versions: ConfigMapSync[] = [];
  /** Deleted since the last look: what is written there in the meantime goes too. */
  readonly #going = new Set<string>();

  specWritten(sync: ConfigMapSync): void {
    this.#versions.push(sync);
  }

  /** What the story itself wrote; `known` are those that may own something. */
  wrote(configMap: ConfigMapObject, known: readonly ConfigMapSync[]): void {
    const stays = !this.#going.has(configMap.metadata.namespace);
    if (stays && this.#isStranger(configMap, known)) this.#seen.set(keyOf(configMap), configMap);
    else this.#seen.delete(keyOf(configMap));
  }

  deleted(namespace: string, name: string): void {
    this.#seen.delete(`${namespace}/${name}`);
  }

  namespaceGone(namespace: string): void {
    this.#going.add(namespace);
    for (const key of this.#seen.keys()) if (key.startsWith(`${namespace}/`)) this.#seen.delete(key);
  }

  /** Strangers that are not as they were left, although nobody was allowed to take them over. */
  problems(configMaps: readonly ConfigMapObject[]): string[] {
    return [...this.#seen.values()].flatMap((before) => {
      const { namespace, name, uid, resourceVersion } = before.metadata;
      const now = configMaps.find(
        ({ metadata }) => metadata.namespace === namespace && metadata.name === name,
      );
      const same = now?.metadata.uid === uid && now.metadata.resourceVersion === resourceVersion;
      if (same || this.#versions.some((sync) => mayTake(before, sync))) return [];
      return [`${namespace}/${name} is not ours and was ${now === undefined ? 'deleted' : 'changed'}`];
    });
  }

  /** All is well: from here on this is what must not change. */
  settled(configMaps: readonly ConfigMapObject[], syncs: readonly ConfigMapSync[]): void {
    this.#versions = [...syncs];
    this.#seen.clear();
    this.#going.clear();
    for (const configMap of configMaps) this.wrote(configMap, syncs);
  }

  #isStranger(configMap: ConfigMapObject, known: readonly ConfigMapSync[]): boolean {
    const { uid, living, complete } = marksOf(configMap, known);
    if (!living || !complete) return true;
    return known.findLast(({ metadata }) => metadata.uid === uid)?.spec.suspend === true;
  }
}

/** Coarse in namespaces, which come and go: a stranger of another name, or without a policy that says so, is safe. */
function mayTake(configMap: ConfigMapObject, sync: ConfigMapSync): boolean {
  const { spec, metadata } = sync;
  if (spec.suspend && metadata.deletionTimestamp === undefined) return false;
  const { uid, complete } = marksOf(configMap, [sync]);
  if (uid === metadata.uid && complete) return true;
  const { namespace, name } = configMap.metadata;
  const reachable = (spec.syncToNamespaces ?? []).includes(namespace) || spec.namespaceSelector !== undefined;
  if (copyNameOf(sync) !== name || !reachable) return false;
  return spec.conflictPolicy === 'Overwrite' || uid === metadata.uid || isHeirOf(configMap, sync);
}

function keyOf({ metadata }: ConfigMapObject): string {
  return `${metadata.namespace}/${metadata.name}`;
}

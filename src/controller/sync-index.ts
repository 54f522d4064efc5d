import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import { objectKey } from '../k8s/client/objects.js';
import type { ReadableStore } from '../k8s/cache/store.js';

/** Finds ConfigMapSyncs without looking through all of them. */
export class SyncIndex {
  readonly #syncs: ReadableStore<ConfigMapSync>;
  /** Keys by uid, by namespace that a spec or status names, and of all with a selector. */
  readonly #keys = new Map<string, string>();
  readonly #naming = new Map<string, Set<string>>();
  readonly #selecting = new Set<string>();

  constructor(syncs: ReadableStore<ConfigMapSync>) {
    this.#syncs = syncs;
  }

  /** Follows the store from now on. It has to be the first that does, for others ask it about what they are told. */
  start(): () => void {
    for (const sync of this.#syncs.list()) this.#add(sync);
    return this.#syncs.subscribe(({ type, object, previous }) => {
      if (previous !== undefined) this.#remove(previous);
      if (type === 'deleted') this.#remove(object);
      else this.#add(object);
    });
  }

  byUid(uid: string): ConfigMapSync | undefined {
    const key = this.#keys.get(uid);
    return key === undefined ? undefined : this.#syncs.get(key);
  }

  /** Those whose spec or status names this namespace, that have their source there, or that are in it. */
  naming(namespace: string): ConfigMapSync[] {
    return this.#resolve(this.#naming.get(namespace) ?? []);
  }

  /** Those with a namespaceSelector. */
  selecting(): ConfigMapSync[] {
    return this.#resolve(this.#selecting);
  }

  #resolve(keys: Iterable<string>): ConfigMapSync[] {
    return [...keys].flatMap((key) => this.#syncs.get(key) ?? []);
  }

  #add(sync: ConfigMapSync): void {
    const key = objectKey(sync);
    this.#keys.set(sync.metadata.uid, key);
    if (sync.spec.namespaceSelector !== undefined) this.#selecting.add(key);
    for (const namespace of namespacesOf(sync)) {
      this.#naming.set(namespace, (this.#naming.get(namespace) ?? new Set()).add(key));
    }
  }

  #remove(sync: ConfigMapSync): void {
    const key = objectKey(sync);
    this.#keys.delete(sync.metadata.uid);
    this.#selecting.delete(key);
    for (const namespace of namespacesOf(sync)) {
      const keys = this.#naming.get(namespace);
      keys?.delete(key);
      if (keys?.size === 0) this.#naming.delete(namespace);
    }
  }
}

function namespacesOf({ metadata, spec, status }: ConfigMapSync): Set<string> {
  return new Set([
    metadata.namespace ?? '',
    spec.source.namespace ?? '',
    ...(spec.syncToNamespaces ?? []),
    ...(status?.targets ?? []).map(({ namespace }) => namespace),
  ]);
}

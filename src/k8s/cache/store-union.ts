import { splitKey, type KubernetesObject } from '../client/objects.js';
import type { Store, StoreListener } from './store.js';

/** What those who only read need of a store. */
export type ReadableStore<T extends KubernetesObject> = Pick<Store<T>, 'get' | 'list' | 'subscribe'>;

/** Several stores of one kind, each of a namespace of its own, as one: for those who may not watch all namespaces. */
export class StoreUnion<T extends KubernetesObject> implements ReadableStore<T> {
  readonly #stores: ReadonlyMap<string, Store<T>>;

  /** @param stores By namespace. */
  constructor(stores: ReadonlyMap<string, Store<T>>) {
    this.#stores = stores;
  }

  get(key: string): T | undefined {
    return this.#stores.get(splitKey(key).namespace)?.get(key);
  }

  list(): T[] {
    return [...this.#stores.values()].flatMap((store) => store.list());
  }

  subscribe(listener: StoreListener<T>): () => void {
    const ends = [...this.#stores.values()].map((store) => store.subscribe(listener));
    return () => {
      for (const end of ends) end();
    };
  }
}

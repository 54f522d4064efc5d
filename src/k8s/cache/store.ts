import { type KubernetesObject, objectKey, splitKey } from '../client/objects.js';

export interface StoreChange<T extends KubernetesObject> {
  type: 'added' | 'updated' | 'deleted';
  /** For `deleted` the last state known. */
  object: T;
  /** For `updated` and `deleted` what was stored before. */
  previous?: T;
}

export type StoreListener<T extends KubernetesObject> = (change: StoreChange<T>) => void;

/**
 * The objects that a reflector has seen, by {@link objectKey}. Treat them as read-only: everybody gets the same ones.
 * A state that is known already, by its uid and resourceVersion, is no change; resourceVersions are not compared otherwise.
 */
export class Store<T extends KubernetesObject> {
  readonly #objects = new Map<string, T>();
  readonly #listeners = new Set<StoreListener<T>>();

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  /** Makes `items` everything there is, in `namespace` where one is given: what is not among them is deleted. */
  replace(items: readonly T[], namespace?: string): void {
    const isOurs = (key: string): boolean => namespace === undefined || splitKey(key).namespace === namespace;
    const gone = new Set([...this.#objects.keys()].filter(isOurs));
    for (const item of items) gone.delete(objectKey(item));
    // Deletions first, so that a listener never sees more than there ever was.
    for (const key of gone) this.#delete(key);
    for (const item of items) {
      const known = this.#objects.get(objectKey(item));
      // It may have been put in another form since this list began.
      if (known === undefined || !sameVersion(known, item)) this.upsert(item);
    }
  }

  /** @param anew True: a change even where that state is known already. */
  upsert(object: T, anew = false): void {
    const key = objectKey(object);
    const previous = this.#objects.get(key);
    this.#objects.set(key, object);
    if (previous === undefined) this.#notify({ type: 'added', object });
    else if (anew || !sameVersion(previous, object)) this.#notify({ type: 'updated', object, previous });
  }

  /** `object` is the last state, which a DELETED event carries. Does nothing for one that is not known. */
  remove(object: T): void {
    this.#delete(objectKey(object), object);
  }

  /** Tells of every change from now on, not of what is there. Returns what ends it. */
  subscribe(listener: StoreListener<T>): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #delete(key: string, last?: T): void {
    const previous = this.#objects.get(key);
    if (previous === undefined) return;
    this.#objects.delete(key);
    this.#notify({ type: 'deleted', object: last ?? previous, previous });
  }

  #notify(change: StoreChange<T>): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(change);
      } catch (error) {
        // The other listeners and the watch go on.
        process.emitWarning(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }
}

export function sameVersion({ metadata: a }: KubernetesObject, { metadata: b }: KubernetesObject): boolean {
  return a.uid === b.uid && a.resourceVersion === b.resourceVersion;
}

/** What those who only read need of a store. */
export type ReadableStore<T extends KubernetesObject> = Pick<Store<T>, 'get' | 'list' | 'subscribe'>;

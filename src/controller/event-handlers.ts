import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import { FINALIZER } from '../api/v1alpha1/well-known.js';
import { objectKey, type KubernetesObject } from '../k8s/client/objects.js';
import type { ReadableStore } from '../k8s/cache/store.js';
import type { WorkQueue } from '../k8s/controller/work-queue.js';
import { selectorReaches } from '../sync/target-selection.js';
import type { Cause } from '../tenant/namespace-watch.js';
import type { SyncMemory } from './sync-memory.js';
import { mayHoldCopy } from './target-outcome.js';

/** Watches that open one after the other are one reason to look, not many. */
const SETTLE_MS = 250;

/** Turns what the watches tell into the ConfigMapSyncs to reconcile; what there is to do, the reconcile finds out. */
export class EventHandlers {
  readonly #syncs: ReadableStore<ConfigMapSync>;
  readonly #queue: WorkQueue;
  readonly #memory: SyncMemory;
  readonly #now: () => number;

  constructor(options: {
    syncs: ReadableStore<ConfigMapSync>;
    namespaces: ReadableStore<KubernetesObject>;
    queue: WorkQueue;
    memory: SyncMemory;
    now: () => number;
  }) {
    this.#syncs = options.syncs;
    this.#queue = options.queue;
    this.#memory = options.memory;
    this.#now = options.now;
    options.syncs.subscribe(({ type, object, previous }) => {
      if (type === 'deleted') this.#syncDeleted(object);
      else this.#syncChanged(object, previous);
    });
    options.namespaces.subscribe(({ object, previous }) => this.#namespaceChanged(object, previous));
  }

  /** The tenant's side: a watch, or a re-check of its rights, told something about a ConfigMapSync. */
  notify(key: string, cause: Cause): void {
    if (cause === 'covered') {
      this.#queue.addAfter(key, SETTLE_MS);
      return;
    }
    const sync = this.#syncs.get(key);
    if (cause === 'changed' && sync !== undefined) this.#memory.of(sync).changedAt ??= this.#now();
    this.#queue.add(key);
  }

  #syncChanged(sync: ConfigMapSync, previous: ConfigMapSync | undefined): void {
    if (previous !== undefined) this.#wakeRivals(freedBetween(previous, sync));
    const { deletionTimestamp, finalizers = [] } = sync.metadata;
    // The garbage collector takes this finalizer off again within moments: it must be seen while it is there.
    if (deletionTimestamp !== undefined && finalizers.includes('orphan'))
      this.#memory.of(sync).orphaned = true;
    if (previous === undefined || specOrLifeChanged(sync, previous) || !this.#memory.isEcho(sync)) {
      this.#queue.add(objectKey(sync));
    }
  }

  #syncDeleted(sync: ConfigMapSync): void {
    const { deletionTimestamp, finalizers } = sync.metadata;
    if (deletionTimestamp === undefined && finalizers?.includes(FINALIZER) === true) {
      this.#memory.lose(sync, new Date(this.#now()).toISOString());
    }
    this.#queue.add(objectKey(sync));
    this.#wakeRivals((sync.status?.targets ?? []).map(({ namespace }) => namespace));
  }

  /** What was held in these namespaces is free for those that wanted the same place. */
  #wakeRivals(namespaces: readonly string[]): void {
    if (namespaces.length === 0) return;
    const freed = new Set(namespaces);
    for (const other of this.#syncs.list()) {
      const waits = other.status?.targets?.some(
        ({ state, namespace }) => state === 'Conflict' && freed.has(namespace),
      );
      if (waits) this.#queue.add(objectKey(other));
    }
  }

  #namespaceChanged(namespace: KubernetesObject, previous: KubernetesObject | undefined): void {
    const { name } = namespace.metadata;
    const labels = namespace.metadata.labels ?? {};
    const labelsBefore = previous === undefined ? labels : (previous.metadata.labels ?? {});
    const lifeChanged =
      previous?.metadata.uid !== namespace.metadata.uid ||
      previous.metadata.deletionTimestamp !== namespace.metadata.deletionTimestamp;
    for (const sync of this.#syncs.list()) {
      const { spec } = sync;
      const reaches = selectorReaches(spec, name, labels);
      const concerned =
        reaches !== selectorReaches(spec, name, labelsBefore) ||
        (lifeChanged &&
          (reaches ||
            spec.syncToNamespaces?.includes(name) === true ||
            [spec.source.namespace, sync.metadata.namespace].includes(name) ||
            sync.status?.targets?.some((target) => target.namespace === name) === true));
      if (concerned) this.#queue.add(objectKey(sync));
    }
  }
}

/** Namespaces where a copy may have gone, or got another name, from one status to the next. */
function freedBetween(previous: ConfigMapSync, sync: ConfigMapSync): string[] {
  const held = (previous.status?.targets ?? []).filter(mayHoldCopy).map(({ namespace }) => namespace);
  if (previous.status?.observedGeneration !== sync.status?.observedGeneration) return held;
  const still = new Set((sync.status?.targets ?? []).filter(mayHoldCopy).map(({ namespace }) => namespace));
  return held.filter((namespace) => !still.has(namespace));
}

function specOrLifeChanged(sync: ConfigMapSync, previous: ConfigMapSync): boolean {
  const [now, before] = [sync.metadata, previous.metadata];
  return (
    now.uid !== before.uid ||
    now.generation !== before.generation ||
    now.deletionTimestamp !== before.deletionTimestamp ||
    now.finalizers?.includes(FINALIZER) !== before.finalizers?.includes(FINALIZER)
  );
}

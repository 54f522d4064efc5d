import { isDeepStrictEqual } from 'node:util';
import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { TargetState } from '../api/v1alpha1/config-map-sync-status.js';
import { objectKey, type KubernetesObject } from '../k8s/client/objects.js';
import type { ReadableStore } from '../k8s/cache/store.js';
import type { WorkQueue } from '../k8s/controller/work-queue.js';
import { inSlices } from '../k8s/util/async.js';
import { isWithheld } from '../sync/stored.js';
import { selectorOf } from '../sync/targets.js';
import type { Cause } from '../tenant/namespace-watch.js';
import type { SyncIndex } from './sync-index.js';
import { hasFinalizer } from './sync-state.js';
import type { SyncStates } from './sync-states.js';

/** Watches that open one after the other are one reason to look, not many. */
const SETTLE_MS = 250;

export interface EventHandlersOptions {
  syncs: ReadableStore<ConfigMapSync>;
  namespaces: ReadableStore<KubernetesObject>;
  index: SyncIndex;
  queue: WorkQueue;
  states: SyncStates;
  now: () => number;
}

/** Turns what watches report into the ConfigMapSyncs to reconcile; what there is to do, the reconcile finds out. */
export class EventHandlers {
  readonly #options: EventHandlersOptions;
  /** What is looked through in slices, one change after the other. */
  #looking: Promise<void> = Promise.resolve();

  constructor(options: EventHandlersOptions) {
    this.#options = options;
  }

  /** Follows the watches from now on; ends with the function that is returned. */
  start(): () => void {
    const { syncs, namespaces, index } = this.#options;
    const ends = [
      // First of all: the others ask it about what they are told.
      index.start(),
      syncs.subscribe(({ type, object, previous }) => {
        if (type === 'deleted') this.#syncDeleted(object);
        else this.#syncChanged(object, previous);
      }),
      namespaces.subscribe(({ type, object, previous }) =>
        this.#namespaceChanged(object, type === 'deleted' ? undefined : previous),
      ),
    ];
    return () => {
      for (const end of ends) end();
    };
  }

  /** The tenant's side: a watch, or a re-check of its rights, told something about a ConfigMapSync. */
  notify(key: string, cause: Cause): void {
    if (cause === 'covered') {
      this.#options.queue.addAfter(key, SETTLE_MS);
      return;
    }
    const sync = this.#options.syncs.get(key);
    if (cause === 'changed' && sync !== undefined && !isWithheld(sync))
      this.#options.states.of(sync).changedAt ??= this.#options.now();
    this.#options.queue.add(key);
  }

  #syncChanged(sync: ConfigMapSync, previous: ConfigMapSync | undefined): void {
    if (previous !== undefined) this.#wakeRivals(freedBetween(previous, sync));
    const { deletionTimestamp, finalizers = [] } = sync.metadata;
    // The garbage collector takes this finalizer off again within moments: it must be seen while it is there.
    if (deletionTimestamp !== undefined && finalizers.includes('orphan'))
      this.#options.states.of(sync).orphaned = true;
    if (previous === undefined || specOrLifeChanged(sync, previous) || !this.#options.states.isEcho(sync)) {
      this.#options.queue.add(objectKey(sync));
    }
  }

  #syncDeleted(sync: ConfigMapSync): void {
    const { deletionTimestamp } = sync.metadata;
    if (deletionTimestamp === undefined && hasFinalizer(sync)) this.#options.states.lose(sync);
    this.#options.queue.add(objectKey(sync));
    this.#wakeRivals((sync.status?.targets ?? []).map(({ namespace }) => namespace));
  }

  /** What was held in these namespaces is free for those that are in conflict there. */
  #wakeRivals(namespaces: readonly string[]): void {
    const { index, queue } = this.#options;
    this.#look(namespaces, (namespace) => {
      for (const other of index.naming(namespace)) {
        if (this.#stateOf(other, namespace) === 'Conflict') queue.add(objectKey(other));
      }
    });
  }

  #look<T>(items: readonly T[], visit: (item: T) => void): void {
    this.#looking = this.#looking.then(() => inSlices(items, visit));
  }

  #stateOf({ metadata, status }: ConfigMapSync, namespace: string): TargetState | undefined {
    const stored = status?.targets?.find((target) => target.namespace === namespace);
    return this.#options.states.get(metadata.uid)?.stateOf(namespace) ?? stored?.state;
  }

  /** Whether something may happen because this namespace came or went. Without permission there, nobody may see that it did. */
  #maySee(sync: ConfigMapSync, namespace: string): boolean {
    if (namespace === sync.metadata.namespace) return true;
    const source = sync.status?.conditions?.find(({ type }) => type === 'SourceConfigMapFound');
    if (namespace === sync.spec.source.namespace && source?.reason === 'SourceDenied') return false;
    return this.#stateOf(sync, namespace) !== 'Denied';
  }

  /** @param previous Undefined where it came or went. */
  #namespaceChanged({ metadata }: KubernetesObject, previous: KubernetesObject | undefined): void {
    const before = (previous ?? { metadata }).metadata;
    const lifeChanged =
      before === metadata ||
      before.uid !== metadata.uid ||
      before.deletionTimestamp !== metadata.deletionTimestamp;
    if (!lifeChanged && isDeepStrictEqual(metadata.labels, before.labels)) return;
    const { index, queue } = this.#options;
    this.#look(lifeChanged ? index.naming(metadata.name) : [], (sync) => {
      if (this.#maySee(sync, metadata.name)) queue.add(objectKey(sync));
    });
    this.#look(index.selecting(), (sync) => {
      const reaches = selectorOf(sync.spec);
      const now = reaches?.(metadata);
      if (now !== reaches?.(before) || (lifeChanged && now)) queue.add(objectKey(sync));
    });
  }
}

/** Namespaces where a recorded copy has gone from one status to the next. */
function freedBetween(previous: ConfigMapSync, sync: ConfigMapSync): string[] {
  if (isWithheld(sync)) return [];
  const copies = (sync.status?.targets ?? []).flatMap((target) => target.copies ?? []);
  const recorded = new Set(copies.map(({ uid }) => uid));
  return (previous.status?.targets ?? [])
    .filter(({ copies = [] }) => copies.some(({ uid }) => !recorded.has(uid)))
    .map(({ namespace }) => namespace);
}

function specOrLifeChanged(sync: ConfigMapSync, previous: ConfigMapSync): boolean {
  const [now, before] = [sync.metadata, previous.metadata];
  return (
    now.uid !== before.uid ||
    now.generation !== before.generation ||
    now.deletionTimestamp !== before.deletionTimestamp ||
    hasFinalizer(sync) !== hasFinalizer(previous) ||
    !isDeepStrictEqual(now.annotations, before.annotations)
  );
}

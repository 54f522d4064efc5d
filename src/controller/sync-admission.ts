import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import { heapBytes, type MemoryBudget } from '../k8s/cache/memory-budget.js';
import { sameVersion, type Store } from '../k8s/cache/store.js';
import { objectKey } from '../k8s/client/objects.js';
import type { Requester } from '../k8s/client/rest-client.js';
import type { Clock } from '../k8s/util/clock.js';
import { isWithheld, storedMetadata, withheld } from '../sync/stored.js';
import { pathOf } from './config-map-sync-client.js';
import { hasFinalizer } from './sync-state.js';

/** Bytes of heap beside the text of an object, as measured: docs/design/0026-memory-budget.md. */
const PRICES = { object: 8 * 1024, unreadTarget: 2 * 1024, target: 16 * 1024 };
/** Weights are rounded up to these, so that a status of other words is no growth. */
const STEP = 8 * 1024;
/** How often to look whether there is room for what is withheld, and the pause between two that are read; milliseconds. */
const LOOK_MS = 1_000;
const PACE_MS = 20;

export interface SyncAdmissionOptions {
  store: Store<ConfigMapSync>;
  budget: MemoryBudget;
  client: Requester;
  clock: Clock;
}

/** Keeps ConfigMapSyncs out of memory for which there is no room: the store has outlines of them, until there is. */
export class SyncAdmission {
  readonly #options: SyncAdmissionOptions;

  constructor(options: SyncAdmissionOptions) {
    this.#options = options;
  }

  /** Makes of what a list or watch brought what is to be stored. */
  admit(sent: ConfigMapSync, isGone: boolean): ConfigMapSync {
    const { store, budget } = this.#options;
    const sync = { ...sent, metadata: storedMetadata(sent.metadata) };
    if (isGone) {
      budget.release(objectKey(sent));
      return sync;
    }
    const known = store.get(objectKey(sent));
    if (known !== undefined && sameVersion(known, sent)) return known;
    const { uid, generation } = sync.metadata;
    const isSameSpec = known?.metadata.uid === uid && known.metadata.generation === generation;
    if (isSameSpec && !isWithheld(known)) sync.spec = known.spec;
    return this.#fits(sync) ? sync : withheld(sync);
  }

  /** Weighs a ConfigMapSync with so many targets. False where there is no room: it is withheld from now on. */
  hasRoomFor(sync: ConfigMapSync, targets: number): boolean {
    const { store } = this.#options;
    const known = store.get(objectKey(sync));
    // Gone or withheld while it was planned.
    if (known === undefined || isWithheld(known)) return false;
    const fits = this.#fits(sync, targets);
    if (!fits) this.withhold(objectKey(sync));
    return fits;
  }

  /** Others need its room: it is withheld from now on. */
  withhold(key: string): void {
    const { store } = this.#options;
    const known = store.get(key);
    if (known !== undefined && !isWithheld(known)) store.upsert(withheld(known), true);
  }

  /** Why ConfigMapSyncs of this namespace are withheld, and what can be done. */
  message(namespace: string): string {
    const { used, allowed } = this.#options.budget.usage(namespace);
    const inMiB = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
    return `nothing is done for this ConfigMapSync, and its copies stay as they are, since it does not fit into memory: the ConfigMapSyncs of namespace "${namespace}" use ${inMiB(used)} of the ${inMiB(allowed)} that they may use. Delete some of them, or make them smaller; an administrator may limit their number with a ResourceQuota, or raise the operator's memory limit`;
  }

  /** Has what is withheld read again when there is room; to be called before the store is filled. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, budget, clock } = this.#options;
    store.subscribe(({ type, object }) => {
      if (type === 'deleted') budget.release(objectKey(object));
    });
    for (;;) {
      const outline = store.get(budget.next((key) => store.get(key) !== undefined) ?? '');
      const isDone = outline !== undefined && (await this.#readAgain(outline, signal).catch(() => false));
      await clock.sleep(isDone ? PACE_MS : LOOK_MS, signal);
    }
  }

  /** False where the watch is about to say more. */
  async #readAgain(outline: ConfigMapSync, signal: AbortSignal): Promise<boolean> {
    const request = { method: 'GET', path: pathOf(outline), signal } as const;
    const { store, client } = this.#options;
    const { body: sent } = await client.request<ConfigMapSync>(request);
    const known = store.get(objectKey(outline));
    if (known === undefined || !sameVersion(known, sent)) return false;
    const sync = { ...sent, metadata: storedMetadata(sent.metadata) };
    store.upsert(this.#fits(sync) ? sync : withheld(sync), true);
    return true;
  }

  #fits(sync: ConfigMapSync, selected = 0): boolean {
    const { metadata, spec, status } = sync;
    const known = status?.targets ?? [];
    // Without get, nothing is watched there.
    const costly = known.filter(({ missingVerbs = [] }) => !missingVerbs.includes('get')).length;
    const targets = Math.max(selected, spec.syncToNamespaces?.length ?? 0, known.length);
    const ofTargets = PRICES.target * costly + PRICES.unreadTarget * (targets - costly);
    return this.#options.budget.admit(objectKey(sync), {
      bytes: Math.ceil((heapBytes(sync) + PRICES.object + ofTargets) / STEP) * STEP,
      generation: metadata.generation,
      isLeaving: metadata.deletionTimestamp !== undefined && hasFinalizer(sync),
    });
  }
}

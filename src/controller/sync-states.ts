import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { ReadableStore } from '../k8s/cache/store.js';
import { newerOf, objectKey } from '../k8s/client/objects.js';
import { sameStatus } from '../sync/status.js';
import { SyncState } from './sync-state.js';

/** The states of all ConfigMapSyncs that are known. */
export class SyncStates {
  readonly #syncs: ReadableStore<ConfigMapSync>;
  readonly #now: () => number;
  readonly #states = new Map<string, SyncState>();
  /** uids by key: a successor of the same name may be there before the last one is forgotten. */
  readonly #uids = new Map<string, Set<string>>();
  /** Those that went in spite of our finalizer, with copies left; by uid. */
  readonly #lost = new Map<string, ConfigMapSync>();

  constructor(syncs: ReadableStore<ConfigMapSync>, now: () => number) {
    this.#syncs = syncs;
    this.#now = now;
  }

  /** The newest state known of the object; undefined where it is gone. */
  current(key: string): ConfigMapSync | undefined {
    const stored = this.#syncs.get(key);
    if (stored === undefined) return undefined;
    const state = this.#states.get(stored.metadata.uid);
    // Once the watch has caught up, it would only be a second copy.
    if (state?.written !== undefined && newerOf(state.written, stored) === stored) state.written = undefined;
    return state?.written ?? stored;
  }

  of(sync: ConfigMapSync): SyncState {
    const { uid } = sync.metadata;
    const known = this.#states.get(uid);
    if (known !== undefined) return known;
    const state = new SyncState(sync, this.#now());
    this.#states.set(uid, state);
    this.#uids.set(state.key, (this.#uids.get(state.key) ?? new Set()).add(uid));
    return state;
  }

  all(): SyncState[] {
    return [...this.#states.values()];
  }

  get(uid: string): SyncState | undefined {
    return this.#states.get(uid);
  }

  /** True where the object's status is just what we sent: its echo is no news. */
  isEcho(sync: ConfigMapSync): boolean {
    const state = this.#states.get(sync.metadata.uid);
    if (state?.sent === undefined || !sameStatus(state.sent, sync.status)) return false;
    state.stored(sync.status);
    if (state.written?.metadata.resourceVersion === sync.metadata.resourceVersion) state.written = undefined;
    return true;
  }

  /** The object went although our finalizer was on it (docs/design/0015-finalizer-race.md): its copies are still to be removed. */
  lose(sync: ConfigMapSync): void {
    const deletionTimestamp = new Date(this.#now()).toISOString();
    this.of(sync);
    this.#lost.set(sync.metadata.uid, { ...sync, metadata: { ...sync.metadata, deletionTimestamp } });
  }

  /** Those of this key that went with copies left, as if they were being deleted. */
  lost(key: string): ConfigMapSync[] {
    return [...this.#lost.values()].filter((sync) => objectKey(sync) === key);
  }

  isLost(uid: string): boolean {
    return this.#lost.has(uid);
  }

  forget({ uid, key }: SyncState): void {
    this.#states.delete(uid);
    this.#lost.delete(uid);
    const uids = this.#uids.get(key);
    uids?.delete(uid);
    if (uids?.size === 0) this.#uids.delete(key);
  }

  /** What is known of objects of this key that are neither there nor lost. */
  gone(key: string): SyncState[] {
    const living = this.#syncs.get(key)?.metadata.uid;
    const uids = [...(this.#uids.get(key) ?? [])].filter((uid) => uid !== living && !this.#lost.has(uid));
    return uids.flatMap((uid) => this.#states.get(uid) ?? []);
  }
}

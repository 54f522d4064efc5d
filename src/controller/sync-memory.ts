import { isDeepStrictEqual } from 'node:util';
import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { ConfigMapSyncStatus } from '../api/v1alpha1/config-map-sync-status.js';
import { objectKey, newerOf } from '../k8s/client/objects.js';
import type { ReadableStore } from '../k8s/cache/store.js';

interface Memory {
  /** Of the object that this is about: one of the same name that comes later starts from nothing. */
  uid: string;
  /** What our own last write returned: the watch may still be behind it. */
  written: ConfigMapSync | undefined;
  /** The status that was sent last, set before it is sent: its echo may come before the answer. */
  sent: ConfigMapSyncStatus | undefined;
  /** Names that copies have had: without the right to list, a renamed copy is found by its old name only. */
  names: Set<string>;
  /** When a change of the source was noticed that is not carried out yet. */
  changedAt: number | undefined;
  /** When everything was last looked at, whatever watches told. */
  checkedAt: number;
  /** Since when every visit was broken off by an error (milliseconds since the epoch); undefined after one that was not. */
  brokenSince: number | undefined;
  /** `--cascade=orphan` was asked for. */
  orphaned: boolean;
  /** When this process first tried to remove all copies (milliseconds since the epoch). */
  removingSince: number | undefined;
}

/** What is known of each living ConfigMapSync beyond what its object says. Nothing in it must survive a restart. */
export class SyncMemory {
  readonly #syncs: ReadableStore<ConfigMapSync>;
  readonly #memories = new Map<string, Memory>();
  /** By uid: a successor of the same name has a memory of its own. */
  readonly #lost = new Map<string, { sync: ConfigMapSync; memory: Memory }>();

  constructor(syncs: ReadableStore<ConfigMapSync>) {
    this.#syncs = syncs;
  }

  /** The newest state known of the object; undefined where it is gone. */
  current(key: string): ConfigMapSync | undefined {
    const stored = this.#syncs.get(key);
    const written = this.#memories.get(key)?.written;
    if (stored === undefined || written?.metadata.uid !== stored.metadata.uid) return stored;
    return newerOf(written, stored);
  }

  of(sync: ConfigMapSync): Memory {
    const lost = this.#lost.get(sync.metadata.uid);
    if (lost !== undefined) return lost.memory;
    const known = this.#known(sync);
    if (known !== undefined) return known;
    const memory = emptyMemory(sync.metadata.uid);
    this.#memories.set(objectKey(sync), memory);
    return memory;
  }

  /** True where the object's status is just what we sent: its echo is no news. */
  isEcho(sync: ConfigMapSync): boolean {
    const sent = this.#memories.get(objectKey(sync))?.sent;
    return sent !== undefined && isDeepStrictEqual(plain(sent), plain(sync.status));
  }

  /**
   * The object went although our finalizer was on it: the API server checks finalizers before it deletes, not while it
   * does, and lets one pass that was put there in between. Its copies are still to be seen to.
   * @param now RFC 3339.
   */
  lose(sync: ConfigMapSync, now: string): void {
    const metadata = { ...sync.metadata, deletionTimestamp: now };
    const memory = this.#known(sync) ?? emptyMemory(sync.metadata.uid);
    this.#lost.set(sync.metadata.uid, { sync: { ...sync, metadata }, memory });
  }

  /** Those of this key that went with copies left, as if they were being deleted. */
  lost(key: string): ConfigMapSync[] {
    return [...this.#lost.values()].map(({ sync }) => sync).filter((sync) => objectKey(sync) === key);
  }

  /** Its copies were seen to. */
  settle({ metadata }: ConfigMapSync): void {
    this.#lost.delete(metadata.uid);
  }

  forget(key: string): void {
    this.#memories.delete(key);
  }

  #known(sync: ConfigMapSync): Memory | undefined {
    const memory = this.#memories.get(objectKey(sync));
    return memory?.uid === sync.metadata.uid ? memory : undefined;
  }
}

function emptyMemory(uid: string): Memory {
  return {
    uid,
    written: undefined,
    sent: undefined,
    names: new Set(),
    changedAt: undefined,
    checkedAt: Number.NEGATIVE_INFINITY,
    brokenSince: undefined,
    orphaned: false,
    removingSince: undefined,
  };
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null)) as unknown;
}

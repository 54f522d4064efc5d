import { OWNER_UID_LABEL } from '../api/v1alpha1/well-known.js';
import type { Leftover } from '../reporting/sync-work.js';
import { isApiError } from '../k8s/client/errors.js';
import { sameNamespacedName } from '../api/kubernetes.js';
import type { ConfigMap, ConfigMapMetadata } from '../sync/config-map.js';
import { mayRemove, withoutMarks } from '../sync/ownership.js';
import { allSettled } from './all-settled.js';
import type { SyncRun } from './sync-run.js';
import { mayHoldCopy } from './target-outcome.js';

/** What becomes of copies that are no longer wanted: `delete` them, or `release` them as ConfigMaps of nobody. */
export type RemovalMode = 'delete' | 'release';

export interface Removal {
  /** Copies that should be gone and are not. */
  leftovers: Leftover[];
  /** True where an answer other than a denial stood in the way, so that trying again soon may help. */
  retry: boolean;
}

/** Somebody else writes the copy while it is removed: a few looks settle it. */
const ATTEMPTS = 4;

const NOTHING_LEFT: Removal = { leftovers: [], retry: false };

/**
 * Removes what we own. It finds copies by a look-up of our mark under the tenant's identity, or, where the tenant may
 * not list, by the names that a copy can have.
 */
export class CopyRemover {
  readonly #run: SyncRun;
  readonly #mode: RemovalMode;
  /** Names to look at where listing is not allowed. */
  readonly #names: readonly string[];

  constructor(run: SyncRun, mode: RemovalMode, names: readonly string[]) {
    this.#run = run;
    this.#mode = mode;
    this.#names = names;
  }

  /**
   * Removes every copy of ours in the namespace but the one called `keep`.
   * @throws TokenRejectedError where the tenant is no more; nothing else.
   */
  async clear(namespace: string, keep?: string): Promise<Removal> {
    const state = this.#run.namespaces.state(namespace);
    // What is in a namespace that goes, goes with it.
    if (state !== 'active') return NOTHING_LEFT;
    let copies: ConfigMapMetadata[];
    try {
      copies = await this.#find(namespace, keep);
    } catch (error) {
      return this.#unseen(namespace, error);
    }
    const { owner, source } = this.#run;
    const removable = copies.filter(
      (copy) =>
        copy.name !== keep &&
        mayRemove(copy, owner) &&
        !sameNamespacedName({ namespace, name: copy.name }, source),
    );
    const removals = await allSettled(removable.map((copy) => this.#remove(namespace, copy)));
    return {
      leftovers: removals.flatMap((removal) => removal.leftovers),
      retry: removals.some((removal) => removal.retry),
    };
  }

  async #find(namespace: string, keep: string | undefined): Promise<ConfigMapMetadata[]> {
    const { session, owner, signal } = this.#run;
    const { access } = session.namespace(namespace);
    // Listing is a convenience that tenants need not grant: not having it is no denial to report.
    if ((await access.rules(signal)).allows('list')) {
      try {
        return await session.configMaps.list(namespace, `${OWNER_UID_LABEL}=${owner.uid}`, signal);
      } catch (error) {
        if (!isApiError(error, 403)) throw error;
        access.invalidate();
      }
    }
    const found: ConfigMapMetadata[] = [];
    for (const name of this.#names) {
      if (name === keep) continue;
      try {
        found.push((await session.configMaps.get<ConfigMap>(namespace, name, signal)).metadata);
      } catch (error) {
        if (!isApiError(error, 404)) throw error;
      }
    }
    return found;
  }

  async #remove(namespace: string, found: ConfigMapMetadata): Promise<Removal> {
    const { session, signal, onOperation } = this.#run;
    const operation = this.#mode === 'delete' ? 'delete' : 'update';
    let copy: ConfigMapMetadata | undefined = found;
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (copy === undefined) {
          const { metadata } = await session.configMaps.get<ConfigMap>(namespace, found.name, signal);
          if (!mayRemove(metadata, this.#run.owner)) return NOTHING_LEFT;
          copy = metadata;
        }
        await this.#removeSeen(namespace, copy);
        return NOTHING_LEFT;
      } catch (error) {
        if (isApiError(error, 404)) return NOTHING_LEFT;
        if (!isApiError(error)) throw error;
        const denied = error.code === 403;
        onOperation(operation, denied ? 'denied' : error.code === 409 ? 'conflict' : 'error');
        if (error.code === 409 && attempt < ATTEMPTS) {
          copy = undefined;
          continue;
        }
        const message = denied ? `${session.tenant.username} may not ${operation} it` : error.message;
        const { name } = found;
        return {
          leftovers: [{ namespace, name, message, ...(denied && { missingVerb: operation }) }],
          retry: !denied,
        };
      }
    }
  }

  async #removeSeen(namespace: string, { name, uid, resourceVersion }: ConfigMapMetadata): Promise<void> {
    const { session, work, signal, onOperation } = this.#run;
    if (this.#mode === 'delete') {
      await session.configMaps.delete({ namespace, name, uid, resourceVersion }, signal);
      onOperation('delete', 'success');
      work.deleted += 1;
      return;
    }
    const existing = await session.configMaps.get<ConfigMap>(namespace, name, signal);
    if (!mayRemove(existing.metadata, this.#run.owner)) return;
    const released = { ...existing, metadata: withoutMarks(existing.metadata) };
    await session.configMaps.update(namespace, name, released, signal);
    onOperation('update', 'success');
    work.updated += 1;
  }

  /** Nothing could be looked at. Where the last status tells of no copy, none is assumed. */
  #unseen(namespace: string, error: unknown): Removal {
    if (!isApiError(error)) throw error;
    if (error.code === 404) return NOTHING_LEFT;
    const before = this.#run.before.get(namespace);
    if (before === undefined || !mayHoldCopy(before)) return NOTHING_LEFT;
    const denied = error.code === 403;
    const message = denied ? `${this.#run.session.tenant.username} may not get it` : error.message;
    return {
      leftovers: [{ namespace, name: this.#names[0] ?? '', message, ...(denied && { missingVerb: 'get' }) }],
      retry: !denied,
    };
  }
}

import type { Clock } from '../k8s/util/clock.js';
import { IdentityError } from '../tenant/errors.js';
import { cleanUpNamespaces, leftoverOutcome, outOfReach, removeAll } from './clean-up.js';
import type { Removal } from './copy-remover.js';
import { blockedMessage } from './messages.js';
import type { NamespaceLister } from './namespace-lister.js';
import type { Pass } from './pass.js';
import type { SyncMemory } from './sync-memory.js';
import type { SyncRun } from './sync-run.js';

export type DeletionVerdict =
  | { state: 'done' }
  | {
      state: 'blocked';
      /** True where trying again soon may help: what stands in the way is no denial. */
      retry: boolean;
      /** Milliseconds after which it may be given up. */
      givenUpInMs: number;
    };

const GOING_LOOK_MS = 2_000;
/** How long what is denied is tried again by one process, in milliseconds, also where the deletion is older than that. */
const DENIED_PATIENCE_MS = 60_000;

const DONE: DeletionVerdict = { state: 'done' };

/** What happens to the copies of a ConfigMapSync that is being deleted. Deletion never hangs for ever. */
export class Deletion {
  readonly #openRun: (pass: Pass, namespaces: readonly string[]) => Promise<SyncRun>;
  readonly #namespaces: NamespaceLister;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #memory: SyncMemory;

  constructor(options: {
    /** @throws IdentityError where there is no identity to act with. */
    openRun: (pass: Pass, namespaces: readonly string[]) => Promise<SyncRun>;
    namespaces: NamespaceLister;
    timeoutMs: number;
    clock: Clock;
    memory: SyncMemory;
  }) {
    this.#openRun = options.openRun;
    this.#namespaces = options.namespaces;
    this.#timeoutMs = options.timeoutMs;
    this.#clock = options.clock;
    this.#memory = options.memory;
  }

  /**
   * Deletes or releases the copies, as the policy says.
   * @param keepMarks `--cascade=orphan`: the copies stay as they are, for a successor of the same name to take over.
   * @param names What the copies may be called.
   */
  async carryOut(pass: Pass, keepMarks: boolean, names: Iterable<string>): Promise<DeletionVerdict> {
    if (keepMarks) return DONE;
    this.#memory.of(pass.sync).removingSince ??= this.#clock.now();
    const { leftovers, retry, identityLost } = await this.#remove(pass, names);
    const [first] = leftovers;
    if (first === undefined) return this.#tellRemoved(pass);
    // Releasing is a courtesy: a copy whose owner is gone belongs to nobody, marks or not.
    if (pass.sync.spec.deletionPolicy === 'Orphan') return DONE;

    pass.work.leftovers.push(...leftovers);
    const message = blockedMessage(leftovers);
    const givenUpInMs = this.#givenUpInMs(pass, retry);
    if (givenUpInMs <= 0 || (identityLost && this.#identityCannotReturn(pass))) {
      pass.audit.tell({ type: 'Warning', reason: 'CleanupAbandoned', note: `left behind, ${message}` });
      return DONE;
    }
    if (pass.sync.status?.conditions?.find(({ type }) => type === 'Ready')?.reason !== 'CleanupBlocked') {
      pass.audit.tell({ type: 'Warning', reason: 'CleanupBlocked', note: message });
    }
    pass.draft.notReady('CleanupBlocked', message);
    const byNamespace = Map.groupBy(leftovers, ({ namespace }) => namespace);
    for (const [namespace, rest] of byNamespace) pass.draft.leftover(namespace, leftoverOutcome(rest));
    // In a namespace that goes, the identity is gone within moments, and then there is nothing to wait for.
    const going = this.#identityCannotReturn(pass);
    return { state: 'blocked', retry, givenUpInMs: going ? GOING_LOOK_MS : givenUpInMs };
  }

  async #remove(pass: Pass, names: Iterable<string>): Promise<Removal & { identityLost: boolean }> {
    const mode = pass.sync.spec.deletionPolicy === 'Orphan' ? 'release' : 'delete';
    const namespaces = cleanUpNamespaces(pass);
    try {
      const run = await this.#openRun(pass, namespaces);
      return { ...(await removeAll(run, mode, namespaces, names)), identityLost: false };
    } catch (error) {
      const refused = error instanceof IdentityError;
      if (!refused && (pass.signal.aborted || this.#givenUpInMs(pass, true) > 0)) throw error;
      if (refused) {
        pass.draft.fail('ValidServiceAccount', error.reason, error.message);
        pass.audit.identityRefused(error);
      }
      const why = refused ? error.reason : String(error);
      const active = outOfReach(pass.sync, why).filter(
        ({ namespace }) => this.#namespaces.state(namespace) === 'active',
      );
      return { leftovers: active, retry: false, identityLost: true };
    }
  }

  #tellRemoved({ audit, work }: Pass): DeletionVerdict {
    const { deleted, updated } = work;
    if (deleted + updated > 0) {
      const note = deleted > 0 ? `copies: ${deleted} removed` : `copies: ${updated} released`;
      audit.tell({ type: 'Normal', reason: 'Synced', note });
    }
    return DONE;
  }

  /**
   * The first failure says little where nobody was there to try before, as after a restart of the whole cluster.
   * @param mayPass The obstacle is an error that may pass, not a denial.
   */
  #givenUpInMs({ sync }: Pass, mayPass: boolean): number {
    const askedAt = Date.parse(sync.metadata.deletionTimestamp ?? '');
    const now = this.#clock.now();
    const since = this.#memory.of(sync).removingSince ?? now;
    const patienceMs = mayPass ? this.#timeoutMs : Math.min(this.#timeoutMs, DENIED_PATIENCE_MS);
    return Math.max(askedAt + this.#timeoutMs, since + patienceMs) - now;
  }

  /** Nothing can be created in a namespace that goes: no ServiceAccount, no grant. Waiting would only hold it up. */
  #identityCannotReturn({ account }: Pass): boolean {
    return this.#namespaces.state(account.namespace) !== 'active';
  }
}

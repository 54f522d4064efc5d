import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { ConfigMapSyncStatus } from '../api/v1alpha1/config-map-sync-status.js';
import type { Clock } from '../k8s/util/clock.js';
import { RetryError } from '../k8s/client/errors.js';
import { serviceAccountUsername } from '../api/kubernetes.js';
import type { ConfigMapSyncClient } from './config-map-sync-client.js';
import type { Pass } from './pass.js';
import { StatusDraft } from './status-draft.js';
import type { SyncMemory } from './sync-memory.js';

/** A visit that fails for so long, in milliseconds, is no passing fault. */
const BROKEN_MS = 10_000;
/** Reason of `Ready` where visits fail by errors that say nothing of rights, source or targets. */
const BROKEN_OFF = 'SyncFailed';

/** Writes how a visit ended: once, and only where that differs from what the object says already. */
export class StatusWriter {
  readonly #client: ConfigMapSyncClient;
  readonly #memory: SyncMemory;
  readonly #clock: Clock;

  constructor(options: { client: ConfigMapSyncClient; memory: SyncMemory; clock: Clock }) {
    this.#client = options.client;
    this.#memory = options.memory;
    this.#clock = options.clock;
  }

  draft(sync: ConfigMapSync): StatusDraft {
    const { namespace = '' } = sync.metadata;
    const username = serviceAccountUsername({ namespace, name: sync.spec.serviceAccount.name });
    // As metav1.Time has it, without fractions.
    const now = new Date(this.#clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
    return new StatusDraft(sync, username, now);
  }

  /** The visit came to its end. It tells what changed, too. */
  async finish({ sync, draft, audit, work, signal }: Pass): Promise<void> {
    const status = draft.build();
    if (!draft.equals(status)) await this.#write(sync, status, signal);
    this.#memory.of(sync).brokenSince = undefined;
    await audit.finish(sync.status, status, work);
  }

  /**
   * The visit ended by an error. What it did until then is told now, since no later one knows of it; that it failed shows
   * in the status where this goes on for a while.
   */
  async brokenOff({ sync, audit, work, signal }: Pass, error: unknown): Promise<void> {
    audit.brokenOff(work);
    if (error instanceof RetryError || signal.aborted) return;
    const memory = this.#memory.of(sync);
    memory.brokenSince ??= this.#clock.now();
    const ready = sync.status?.conditions?.find(({ type }) => type === 'Ready');
    if (this.#clock.now() - memory.brokenSince < BROKEN_MS || ready?.reason === BROKEN_OFF) return;
    const message = error instanceof Error ? error.message : String(error);
    const draft = this.draft(sync);
    draft.brokenOff(BROKEN_OFF, message);
    try {
      await this.#write(sync, draft.build(), signal);
    } catch {
      // Whatever keeps it from being told keeps it from being done: the next try finds both.
      return;
    }
    audit.tell({ type: 'Warning', reason: 'SyncFailed', note: message });
  }

  async #write(sync: ConfigMapSync, status: ConfigMapSyncStatus, signal: AbortSignal): Promise<void> {
    const memory = this.#memory.of(sync);
    memory.sent = status;
    memory.written = await this.#client.writeStatus(sync, status, signal);
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { TestTenant } from '../../test/support/tenant.js';

/** Edits a tenant's source again and again until it is stopped. */
export class Editor {
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  /** It begins at once. @param periodMs From one edit to the next */
  constructor(tenant: TestTenant, periodMs: number) {
    this.#running = this.#run(tenant, periodMs);
    // Told by stop().
    this.#running.catch(() => undefined);
  }

  /** @throws what went wrong with an edit */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(tenant: TestTenant, periodMs: number): Promise<void> {
    const { signal } = this.#stop;
    for (let edit = 1; !signal.aborted; edit += 1) {
      const next = sleep(periodMs, undefined, { signal }).catch(() => undefined);
      await tenant.patchSource({ data: { edit: String(edit) } });
      await next;
    }
  }
}

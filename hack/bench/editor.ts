import { setTimeout as sleep } from 'node:timers/promises';
import type { TestTenant } from '../../test/support/tenant.js';

/** Edits a tenant's source periodically until it is stopped. */
export class Editor {
  readonly #tenant: TestTenant;
  readonly #periodMs: number;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  /** @param periodMs From one edit to the next */
  constructor(tenant: TestTenant, periodMs: number) {
    this.#tenant = tenant;
    this.#periodMs = periodMs;
  }

  start(): void {
    this.#running = this.#run(this.#stop.signal);
    // stop() reports it.
    this.#running.catch(() => undefined);
  }

  /** @throws the error that ended it early, if any */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let edit = 1; !signal.aborted; edit += 1) {
      const next = sleep(this.#periodMs, undefined, { signal }).catch(() => undefined);
      await this.#tenant.patchSource({ data: { edit: String(edit) } });
      await next;
    }
  }
}

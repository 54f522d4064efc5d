import { mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from '../control-plane/poll.js';

export interface Heap {
  /** JavaScript's heap after a garbage collection, with what it holds outside of it. */
  heapBytes: number;
  /** What keeps the event loop alive, such as `Timeout` and `TCPSocketWrap`, each as often as it occurs. */
  resources: string[];
}

/** What a process with the {@link HeapProbe.nodeFlags} does at SIGUSR2. */
const PROBE = `
import { renameSync, writeFileSync } from 'node:fs';
process.on('SIGUSR2', () => {
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  const resources = process.getActiveResourcesInfo();
  writeFileSync(FILE + '.part', JSON.stringify({ heapBytes: heapUsed + external, resources }));
  renameSync(FILE + '.part', FILE);
});`;

/** Has another Node.js process collect its garbage, and say what is left. */
export class HeapProbe {
  readonly #folder = mkdtempSync(join(tmpdir(), 'config-weaver-heap-'));
  readonly #file = join(this.#folder, 'heap.json');
  /** One after the other, since they share the file. */
  #last: Promise<unknown> = Promise.resolve();

  /** To start the process with. */
  get nodeFlags(): string[] {
    const code = PROBE.replaceAll('FILE', JSON.stringify(this.#file));
    return ['--expose-gc', `--import=data:text/javascript,${encodeURIComponent(code)}`];
  }

  measure(pid: number): Promise<Heap> {
    const measured = this.#last.then(() => this.#measure(pid));
    this.#last = measured.catch(() => undefined);
    return measured;
  }

  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #measure(pid: number): Promise<Heap> {
    await rm(this.#file, { force: true });
    process.kill(pid, 'SIGUSR2');
    const text = await waitUntil(() => readFile(this.#file, 'utf8').catch(() => undefined), {
      what: 'the operator to collect its garbage',
      timeoutMilliseconds: 15_000,
      intervalMilliseconds: 20,
    });
    return JSON.parse(text) as Heap;
  }
}

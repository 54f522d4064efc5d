import { writeFileSync } from 'node:fs';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { RuntimeLog } from './cause-log.js';
import type { Clock } from './clock.js';

/** Parts of the heap that V8 may have, in use after it has collected what it could. */
const PAUSE_AT = 0.8;
const END_AT = 0.95;
/**
 * What V8 counts into its limit for what is young: three times --max-semi-space-size=4. What is old may not have it, and it is
 * the old that fills up.
 */
const YOUNG_BYTES = 12 * 2 ** 20;
/** Where nothing gets better in so long, nothing will; milliseconds. */
const LONGEST_PAUSE_MS = 60_000;

export interface HeapUse {
  /** Bytes. */
  used: number;
  limit: number;
}

export interface MemoryGuardOptions {
  log: RuntimeLog & { error: RuntimeLog['warn'] };
  /** To end the process, in good order or not, but at once. Called once. */
  onExhausted: () => void;
  clock: Clock;
}

/** Ends the process before V8 does it, at any moment and with tenants' tokens in a core dump: see docs/security.md. */
export class MemoryGuard {
  readonly #options: MemoryGuardOptions;
  #paused: PromiseWithResolvers<undefined> | undefined;
  #isEnding = false;

  constructor(options: MemoryGuardOptions) {
    this.#options = options;
  }

  /** Resolves when something new may be begun; undefined where that is now. */
  get room(): Promise<undefined> | undefined {
    return this.#paused?.promise;
  }

  /** Looks after each collection of the whole heap, until the returned function is called. */
  start(): () => void {
    const observer = new PerformanceObserver((list) => {
      const entries = list.getEntries() as { detail?: { kind: number } }[];
      if (!entries.some(({ detail }) => detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR)) return;
      const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
      this.look({ used, limit: limit - YOUNG_BYTES });
    });
    observer.observe({ entryTypes: ['gc'] });
    return () => observer.disconnect();
  }

  /** @param use After a collection. */
  look(use: HeapUse): void {
    const part = use.used / use.limit;
    if (part >= END_AT) this.#end(use);
    else if (part >= PAUSE_AT) this.#pause(use);
    else this.#goOn(use);
  }

  #pause(use: HeapUse): void {
    if (this.#paused !== undefined) return;
    const { log, clock } = this.#options;
    log.warn('memory is nearly used up: nothing new is begun until there is more', inMiB(use));
    const paused = Promise.withResolvers<undefined>();
    this.#paused = paused;
    void clock.sleep(LONGEST_PAUSE_MS).then(() => {
      if (this.#paused === paused) this.#end(use);
    });
  }

  #goOn(use: HeapUse): void {
    if (this.#paused === undefined) return;
    this.#options.log.info('there is memory again: going on', inMiB(use));
    this.#paused.resolve(undefined);
    this.#paused = undefined;
  }

  #end(use: HeapUse): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    const advice = 'give the container a higher limit, or find out which tenant needs so much';
    this.#options.log.error(`out of memory, ending: ${advice}`, inMiB(use));
    this.#options.onExhausted();
  }
}

function inMiB({ used, limit }: HeapUse): Record<string, number> {
  return { heapMiB: Math.round(used / 2 ** 20), limitMiB: Math.round(limit / 2 ** 20) };
}

/** For where a limit on core dumps was not set before this process began: a dump then has no memory in it. Linux only. */
export function leaveMemoryOutOfCoreDumps(): void {
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // Not there, or not ours to write.
  }
}

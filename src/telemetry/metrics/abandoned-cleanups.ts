import { Counter, type Registry } from 'prom-client';

/** A ConfigMapSync whose clean-up is abandoned is gone a moment later: nothing would ever end its series. */
const MAX_SERIES = 1000;

/** Counts ConfigMapSyncs that went while copies of theirs had to be left behind; the last {@link MAX_SERIES} by name. */
export class AbandonedCleanups {
  readonly #counter: Counter<'namespace' | 'name'>;
  /** Keys of the series that there are, the one counted last at the end. */
  readonly #series = new Map<string, { namespace: string; name: string }>();

  constructor(registry: Registry) {
    this.#counter = new Counter({
      name: 'configweaver_cleanups_abandoned_total',
      help: 'ConfigMapSyncs that were let go although copies of theirs could not be removed.',
      labelNames: ['namespace', 'name'],
      registers: [registry],
    });
  }

  count(namespace: string, name: string): void {
    const labels = { namespace, name };
    const key = `${namespace}/${name}`;
    this.#series.delete(key);
    this.#series.set(key, labels);
    this.#counter.inc(labels);
    const [oldest] = this.#series;
    if (oldest === undefined || this.#series.size <= MAX_SERIES) return;
    this.#series.delete(oldest[0]);
    this.#counter.remove(oldest[1]);
  }
}

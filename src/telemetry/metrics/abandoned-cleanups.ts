import type { Counter } from 'prom-client';
import type { Families } from './families.js';

/** A ConfigMapSync whose clean-up is abandoned is gone a moment later: nothing would ever end its series. */
const MAX_SERIES = 1000;

/** Counts ConfigMapSyncs that went while copies of theirs had to be left behind; the last {@link MAX_SERIES} by name. */
export class AbandonedCleanups {
  readonly #counter: Counter<'namespace' | 'name'>;
  /** Keys of the series that there are, the one counted last at the end. */
  readonly #series = new Map<string, { namespace: string; name: string }>();

  constructor(families: Families) {
    this.#counter = families.counter(
      'configweaver_cleanups_abandoned_total',
      'ConfigMapSyncs that were let go although copies of theirs could not be removed.',
      ['namespace', 'name'],
    );
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

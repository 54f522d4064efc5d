import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { AbandonedCleanups } from './abandoned-cleanups.js';
import { type ExpositionFormat, type MetricFamily, renderExposition } from './exposition.js';
import { RuntimeMetrics } from './runtime-metrics.js';

/** A namespace that a ServiceAccount is denied: one series. */
export interface DeniedSeries {
  /** The ConfigMapSync's. */
  namespace: string;
  name: string;
  /** The ServiceAccount's name; its namespace is the ConfigMapSync's. */
  serviceAccount: string;
  targetNamespace: string;
}

/** What is denied at one moment. */
export interface DeniedSnapshot {
  series: Iterable<DeniedSeries>;
  /** How many more there are, which the limit leaves out. */
  dropped: number;
}

export type SyncOperation = 'create' | 'update' | 'delete';
export type SyncResult = 'success' | 'denied' | 'conflict' | 'error';

/** Seconds; what matters is between "at once" and the poll interval. */
const PROPAGATION_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 300];

/**
 * Every metric of the operator, in a registry of its own. Series of a ConfigMapSync or a ServiceAccount end with it:
 * {@link forget} and {@link forgetServiceAccount}.
 */
export class Metrics {
  readonly #registry = new Registry();
  /** The controller runtime's own, by controller-runtime's names. */
  readonly runtime: RuntimeMetrics;
  readonly #denials: Counter;
  readonly #targets: Gauge;
  readonly #operations: Counter;
  readonly #propagation: Histogram;
  readonly #lastSync: Gauge;
  readonly #tokenRequests: Counter;
  readonly #abandonedCleanups: AbandonedCleanups;
  #collectDenied: () => DeniedSnapshot = () => ({ series: [], dropped: 0 });
  #collectCachedTokens = (): number => 0;
  #collectWatches: () => Readonly<Record<string, number>> = () => ({});
  #collectReadiness: () => Readonly<Record<string, boolean>> = () => ({});
  /** By ConfigMapSync, the states that have a series. */
  readonly #states = new Map<string, ReadonlySet<string>>();
  /** By ServiceAccount, the verbs that have a series. */
  readonly #deniedVerbs = new Map<string, Set<string>>();

  constructor() {
    const registers = [this.#registry];
    this.runtime = new RuntimeMetrics(this.#registry);
    this.#registerDenied();
    this.#denials = new Counter({
      name: 'configweaver_denials_total',
      help: "Verbs on ConfigMaps that the API server refused a tenant's ServiceAccount.",
      labelNames: ['namespace', 'service_account', 'verb'],
      registers,
    });
    this.#targets = new Gauge({
      name: 'configweaver_targets',
      help: 'Target namespaces of a ConfigMapSync, by state.',
      labelNames: ['namespace', 'name', 'state'],
      registers,
    });
    this.#operations = new Counter({
      name: 'configweaver_sync_operations_total',
      help: 'Writes of copies, by operation and result.',
      labelNames: ['operation', 'result'],
      registers,
    });
    this.#propagation = new Histogram({
      name: 'configweaver_propagation_seconds',
      help: 'Time from seeing a change of a source to writing the last of its copies.',
      buckets: PROPAGATION_BUCKETS,
      registers,
    });
    this.#lastSync = new Gauge({
      name: 'configweaver_last_sync_timestamp_seconds',
      help: 'When all targets of a ConfigMapSync were last found or brought in step, in seconds since the epoch.',
      labelNames: ['namespace', 'name'],
      registers,
    });
    this.#tokenRequests = new Counter({
      name: 'configweaver_token_requests_total',
      help: 'Requests for tokens of ServiceAccounts, by result.',
      labelNames: ['result'],
      registers,
    });
    this.#abandonedCleanups = new AbandonedCleanups(this.#registry);
    this.#registerCollected();
    collectDefaultMetrics({ register: this.#registry });
  }

  /** Where each scrape asks what is denied just then. Must be quick: a scrape waits for it. */
  deniedSeries(collect: () => DeniedSnapshot): void {
    this.#collectDenied = collect;
  }

  /** Where each scrape asks how many tokens are held in memory. */
  cachedTokens(collect: () => number): void {
    this.#collectCachedTokens = collect;
  }

  /** Where each scrape asks how many watches are open, by the kind of what is watched. */
  watches(collect: () => Readonly<Record<string, number>>): void {
    this.#collectWatches = collect;
  }

  /** Where each scrape asks which of the checks behind `/readyz` hold, by their names. */
  readiness(collect: () => Readonly<Record<string, boolean>>): void {
    this.#collectReadiness = collect;
  }

  /** `namespace` and `serviceAccount` name the ServiceAccount that was refused the verb. */
  countDenial(namespace: string, serviceAccount: string, verb: string): void {
    this.#denials.inc({ namespace, service_account: serviceAccount, verb });
    const key = `${namespace}/${serviceAccount}`;
    const verbs = this.#deniedVerbs.get(key) ?? new Set();
    this.#deniedVerbs.set(key, verbs.add(verb));
  }

  /** Replaces what was known of a ConfigMapSync's targets. A state that has none of them has no series. */
  setTargets(namespace: string, name: string, counts: Readonly<Partial<Record<string, number>>>): void {
    const key = `${namespace}/${name}`;
    const present = Object.entries(counts).filter((entry): entry is [string, number] => (entry[1] ?? 0) > 0);
    const states = new Set(present.map(([state]) => state));
    for (const state of this.#states.get(key) ?? []) {
      if (!states.has(state)) this.#targets.remove({ namespace, name, state });
    }
    for (const [state, count] of present) this.#targets.set({ namespace, name, state }, count);
    this.#states.set(key, states);
  }

  syncOperation(operation: SyncOperation, result: SyncResult): void {
    this.#operations.inc({ operation, result });
  }

  propagated(seconds: number): void {
    this.#propagation.observe(seconds);
  }

  setLastSync(namespace: string, name: string, epochSeconds: number): void {
    this.#lastSync.set({ namespace, name }, epochSeconds);
  }

  tokenRequested(result: string): void {
    this.#tokenRequests.inc({ result });
  }

  /** That ConfigMapSync was let go although copies of it are left. Its series outlives it: see {@link forget}. */
  cleanupAbandoned(namespace: string, name: string): void {
    this.#abandonedCleanups.count(namespace, name);
  }

  /** Ends the series of a ConfigMapSync that is gone, but for what is told of how it went. */
  forget(namespace: string, name: string): void {
    this.setTargets(namespace, name, {});
    this.#states.delete(`${namespace}/${name}`);
    this.#lastSync.remove({ namespace, name });
  }

  /** Ends the series of a ServiceAccount that no ConfigMapSync uses any more. */
  forgetServiceAccount(namespace: string, name: string): void {
    const key = `${namespace}/${name}`;
    for (const verb of this.#deniedVerbs.get(key) ?? []) {
      this.#denials.remove({ namespace, service_account: name, verb });
    }
    this.#deniedVerbs.delete(key);
  }

  /** What a scrape gets. */
  async render(format: ExpositionFormat): Promise<string> {
    // prom-client's type leaves out the names that samples of histograms have of their own.
    const families: MetricFamily[] = await this.#registry.getMetricsAsJSON();
    return renderExposition(families, format);
  }

  #registerCollected(): void {
    const cachedTokens = (): number => this.#collectCachedTokens();
    new Gauge({
      name: 'configweaver_cached_tokens',
      help: 'Tokens of ServiceAccounts held in memory.',
      registers: [this.#registry],
      collect() {
        this.set(cachedTokens());
      },
    });
    this.#registerByLabel(
      { name: 'configweaver_watches', help: 'Open watches, by the kind of what is watched.', label: 'kind' },
      () => this.#collectWatches(),
    );
    this.#registerByLabel(
      {
        name: 'configweaver_ready',
        help: '1 for each check of /readyz that holds, 0 for each that does not.',
        label: 'check',
      },
      () => this.#collectReadiness(),
    );
  }

  /** A gauge that has just the series which `collect` gives, by the value of its label. */
  #registerByLabel(
    { name, help, label }: { name: string; help: string; label: string },
    collect: () => Readonly<Record<string, number | boolean>>,
  ): void {
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [value, count] of Object.entries(collect())) this.set({ [label]: value }, Number(count));
      },
    });
  }

  /** The two gauges share one snapshot, taken when the first of them is scraped: they stand in this order. */
  #registerDenied(): void {
    const snapshot = (): DeniedSnapshot => this.#collectDenied();
    let dropped = 0;
    new Gauge({
      name: 'configweaver_namespace_denied',
      help: '1 for each namespace that a ServiceAccount may not sync a ConfigMap to; gone when it may.',
      labelNames: ['namespace', 'name', 'service_account', 'target_namespace'],
      registers: [this.#registry],
      collect() {
        const now = snapshot();
        dropped = now.dropped;
        this.reset();
        for (const { namespace, name, serviceAccount, targetNamespace } of now.series) {
          this.set(
            { namespace, name, service_account: serviceAccount, target_namespace: targetNamespace },
            1,
          );
        }
      },
    });
    new Gauge({
      name: 'configweaver_denied_series_dropped',
      help: 'Series of configweaver_namespace_denied that --denied-series-limit leaves out.',
      registers: [this.#registry],
      collect() {
        this.set(dropped);
      },
    });
  }
}

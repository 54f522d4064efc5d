import { collectDefaultMetrics } from 'prom-client';
import { type ExpositionFormat, renderExposition } from './exposition.js';
import { Families } from './families.js';
import { runtimeMetrics } from './runtime-metrics.js';

type DeniedLabel = 'namespace' | 'name' | 'serviceAccount' | 'targetNamespace';

/** Where each scrape asks. */
interface Sources {
  /** What is denied just then, of the ConfigMapSync `namespace/name`; `dropped`: how many more the limit leaves out. */
  denied: () => { series: readonly Record<DeniedLabel, string>[]; dropped: number };
  /** How many tokens are held in memory. */
  cachedTokens: () => number;
  /** How many watches are open, by the kind of what is watched. */
  watches: () => Readonly<Record<string, number>>;
  /** Which of the checks behind `/readyz` hold, by their names. */
  readiness: () => Readonly<Record<string, boolean>>;
  /** How many ConfigMapSyncs are withheld, by namespace. */
  withheld: () => ReadonlyMap<string, number>;
}

/** Seconds; what matters is between "at once" and the poll interval. */
const PROPAGATION_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 300];
/** A ConfigMapSync whose clean-up is abandoned is gone a moment later: nothing would ever end its series. */
const MAX_ABANDONED_SERIES = 1000;

/**
 * Every metric of the operator, in a registry of its own. Series of a ConfigMapSync or a ServiceAccount end with it:
 * {@link forget} and {@link forgetServiceAccount}.
 */
export class Metrics {
  readonly #families = new Families();
  /** The controller runtime's own, by controller-runtime's names. */
  readonly runtime = runtimeMetrics(this.#families);
  readonly #denials = this.#families.counter(
    'configweaver_denials_total',
    "Verbs on ConfigMaps that the API server refused a tenant's ServiceAccount.",
    ['namespace', 'service_account', 'verb'],
  );
  readonly #targets = this.#families.gauge(
    'configweaver_targets',
    'Target namespaces of a ConfigMapSync, by state.',
    ['namespace', 'name', 'state'],
  );
  /** `operation` is `create`, `update` or `delete`; `result` is `success`, `denied`, `conflict` or `error`. */
  readonly operations = this.#families.counter(
    'configweaver_sync_operations_total',
    'Writes of copies, by operation and result.',
    ['operation', 'result'],
  );
  readonly #propagation = this.#families.histogram(
    'configweaver_propagation_seconds',
    'Time from seeing a change of a source to writing the last of its copies.',
    PROPAGATION_BUCKETS,
  );
  readonly #lastSync = this.#families.gauge(
    'configweaver_last_sync_timestamp_seconds',
    'When all targets of a ConfigMapSync were last found or brought in step, in seconds since the epoch.',
    ['namespace', 'name'],
  );
  readonly tokenRequests = this.#families.counter(
    'configweaver_token_requests_total',
    'Requests for tokens of ServiceAccounts, by result.',
    ['result'],
  );
  readonly #abandonedCleanups = this.#families.counter(
    'configweaver_cleanups_abandoned_total',
    'ConfigMapSyncs that were let go although copies of theirs could not be removed.',
    ['namespace', 'name'],
  );
  /** `server` is `health` or `metrics`; `reason` is `evicted`, `unauthenticated`, `forbidden` or `busy`. */
  readonly rejected = this.#families.counter(
    'configweaver_http_rejected_total',
    'Requests and connections that the servers for health and metrics did not serve, by reason.',
    ['server', 'reason'],
  );
  readonly #eventsDropped = this.#families.counter(
    'configweaver_events_dropped_total',
    'Events that were not written when they came: no room, or the API server did not take them.',
    ['tenant'],
  );
  readonly #sources: Partial<Sources> = {};
  /** All states and verbs that ever had a series: there are few. */
  readonly #states = new Set<string>();
  readonly #verbs = new Set<string>();
  /** Labels of the series of abandoned clean-ups by their keys, the one counted last at the end. */
  readonly #abandoned = new Map<string, { namespace: string; name: string }>();

  constructor() {
    // The first two share one snapshot, taken when the first of them is scraped: they stand in this order.
    let dropped = 0;
    this.#families.sampled(
      'configweaver_namespace_denied',
      '1 for each namespace that a ServiceAccount may not sync a ConfigMap to; gone when it may.',
      ['namespace', 'name', 'service_account', 'target_namespace'],
      () => {
        const denied = this.#sources.denied?.() ?? { series: [], dropped: 0 };
        ({ dropped } = denied);
        return denied.series.map(({ namespace, name, serviceAccount, targetNamespace }) => [
          { namespace, name, service_account: serviceAccount, target_namespace: targetNamespace },
          1,
        ]);
      },
    );
    this.#families.sampled(
      'configweaver_denied_series_dropped',
      'Series of configweaver_namespace_denied that --denied-series-limit leaves out.',
      [],
      () => [[{}, dropped]],
    );
    this.#families.sampled(
      'configweaver_cached_tokens',
      'Tokens of ServiceAccounts held in memory.',
      [],
      () => [[{}, this.#sources.cachedTokens?.() ?? 0]],
    );
    this.#families.sampled(
      'configweaver_watches',
      'Open watches, by the kind of what is watched.',
      ['kind'],
      () => Object.entries(this.#sources.watches?.() ?? {}).map(([kind, open]) => [{ kind }, open]),
    );
    this.#families.sampled(
      'configweaver_ready',
      '1 for each check of /readyz that holds, 0 for each that does not.',
      ['check'],
      () =>
        Object.entries(this.#sources.readiness?.() ?? {}).map(([check, holds]) => [{ check }, Number(holds)]),
    );
    this.#families.sampled(
      'configweaver_configmapsyncs_withheld',
      'ConfigMapSyncs for which nothing is done, since there is no room for them in memory.',
      ['tenant'],
      () => [...(this.#sources.withheld?.() ?? [])].map(([tenant, count]) => [{ tenant }, count]),
    );
    collectDefaultMetrics({ register: this.#families });
  }

  /** Asks these at each scrape from now on; they must be quick, since a scrape waits for them. */
  collect(sources: Partial<Sources>): void {
    Object.assign(this.#sources, sources);
  }

  /** `namespace` and `serviceAccount` name the ServiceAccount that was refused the verb. */
  countDenial(namespace: string, serviceAccount: string, verb: string): void {
    this.#denials.inc({ namespace, service_account: serviceAccount, verb });
    this.#verbs.add(verb);
  }

  /** Replaces what was known of a ConfigMapSync's targets. A state that has none of them has no series. */
  setTargets(namespace: string, name: string, counts: Readonly<Partial<Record<string, number>>>): void {
    for (const state of Object.keys(counts)) this.#states.add(state);
    for (const state of this.#states) {
      const count = counts[state] ?? 0;
      if (count > 0) this.#targets.set({ namespace, name, state }, count);
      else this.#targets.remove({ namespace, name, state });
    }
  }

  propagated(seconds: number): void {
    this.#propagation.observe(seconds);
  }

  setLastSync(namespace: string, name: string, epochSeconds: number): void {
    this.#lastSync.set({ namespace, name }, epochSeconds);
  }

  /** That ConfigMapSync was let go although copies of it are left. Its series outlives it: see {@link forget}. */
  cleanupAbandoned(namespace: string, name: string): void {
    const key = `${namespace}/${name}`;
    this.#abandoned.delete(key);
    this.#abandoned.set(key, { namespace, name });
    this.#abandonedCleanups.inc({ namespace, name });
    const [oldest] = this.#abandoned;
    if (oldest === undefined || this.#abandoned.size <= MAX_ABANDONED_SERIES) return;
    this.#abandoned.delete(oldest[0]);
    this.#abandonedCleanups.remove(oldest[1]);
  }

  eventsDropped(tenant: string, events: number): void {
    if (events > 0) this.#eventsDropped.inc({ tenant }, events);
  }

  /** Ends the series of a ConfigMapSync that is gone, but for what is told of how it went. */
  forget(namespace: string, name: string): void {
    this.setTargets(namespace, name, {});
    this.#lastSync.remove({ namespace, name });
  }

  /** Ends the series of a ServiceAccount that no ConfigMapSync uses any more. */
  forgetServiceAccount(namespace: string, name: string): void {
    for (const verb of this.#verbs) this.#denials.remove({ namespace, service_account: name, verb });
    this.#eventsDropped.remove({ tenant: namespace });
  }

  render(format: ExpositionFormat): Promise<string> {
    return renderExposition(this.#families, format);
  }
}

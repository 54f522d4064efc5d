import { collectDefaultMetrics } from 'prom-client';
import { type ExpositionFormat, renderExposition } from './exposition.js';
import type { FairSeries } from './fair-series.js';
import { Families } from './families.js';
import { runtimeMetrics } from './runtime-metrics.js';

/** Where each scrape asks. */
interface Sources {
  /** How many tokens are held in memory. */
  cachedTokens: () => number;
  /** How many watches are open, by the kind of what is watched. */
  watches: () => Readonly<Record<string, number>>;
  /** Which of the checks behind `/readyz` hold, by their names. */
  readiness: () => Readonly<Record<string, boolean>>;
  /** How many lines were dropped so far, by stream: `log` or `audit`. */
  linesDropped: () => Readonly<Record<string, number>>;
  /** How many ConfigMapSyncs are withheld, by namespace. */
  withheld: () => ReadonlyMap<string, number>;
}

/** Seconds; what matters is between "at once" and the poll interval. */
const PROPAGATION_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 300];
/** The most series of one metric whose labels name what tenants make, in all; they share it fairly. */
const MAX_SERIES = 10_000;
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
  readonly #denied: FairSeries<'namespace' | 'name' | 'service_account' | 'target_namespace'>;
  readonly #denials = this.#families.fair(
    'counter',
    'configweaver_denials_total',
    "Verbs on ConfigMaps that the API server refused a tenant's ServiceAccount.",
    ['namespace', 'service_account', 'verb'],
    MAX_SERIES,
  );
  readonly #targets = this.#families.fair(
    'gauge',
    'configweaver_targets',
    'Target namespaces of a ConfigMapSync, by state.',
    ['namespace', 'name', 'state'],
    MAX_SERIES,
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
  readonly #lastSync = this.#families.fair(
    'gauge',
    'configweaver_last_sync_timestamp_seconds',
    'When all targets of a ConfigMapSync were last found or brought in step, in seconds since the epoch.',
    ['namespace', 'name'],
    MAX_SERIES,
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
  readonly #eventsDropped = this.#families.fair(
    'counter',
    'configweaver_events_dropped_total',
    'Events that were not written when they came: no room, or the API server did not take them.',
    ['tenant'],
    MAX_SERIES,
  );
  readonly #sources: Partial<Sources> = {};
  /** By tenant: the names of series of abandoned clean-ups, the one counted last at the end. */
  readonly #abandoned = new Map<string, Set<string>>();
  /** How many of these series are there, and how many ended since there were too many. */
  readonly #abandonedSeries = { kept: 0, ended: 0 };

  /** @param deniedSeriesLimit The most series of `configweaver_namespace_denied`. */
  constructor(deniedSeriesLimit = MAX_SERIES) {
    this.#denied = this.#families.fair(
      'gauge',
      'configweaver_namespace_denied',
      '1 for each namespace that a ServiceAccount may not sync a ConfigMap to; gone when it may.',
      ['namespace', 'name', 'service_account', 'target_namespace'],
      deniedSeriesLimit,
    );
    this.#families.sampled(
      'configweaver_denied_series_dropped',
      'Series of configweaver_namespace_denied that --denied-series-limit leaves out.',
      [],
      () => [[{}, this.#denied.dropped]],
    );
    this.#families.dropped.set('configweaver_cleanups_abandoned_total', () => this.#abandonedSeries.ended);
    this.#families.sampled(
      'configweaver_series_dropped',
      'Series of tenants that are not exposed since there are too many of that metric.',
      ['metric'],
      () => [...this.#families.dropped].map(([metric, dropped]) => [{ metric }, dropped()]),
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
      'configweaver_log_lines_dropped_total',
      'Lines of the log and the audit log that were dropped, since their reader is too slow or gone.',
      ['stream'],
      () =>
        Object.entries(this.#sources.linesDropped?.() ?? {}).map(([stream, lines]) => [{ stream }, lines]),
      'counter',
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
    this.#denials.inc(namespace, serviceAccount, { namespace, service_account: serviceAccount, verb });
  }

  /** Replaces what was known of the namespaces that a ConfigMapSync is denied. */
  setDenied(namespace: string, name: string, serviceAccount: string, targets: readonly string[]): void {
    const labels = { namespace, name, service_account: serviceAccount };
    const series = targets.map((target) => [{ ...labels, target_namespace: target }, 1] as const);
    this.#denied.set(namespace, name, series);
  }

  /** Replaces what was known of a ConfigMapSync's targets. A state that has none of them has no series. */
  setTargets(namespace: string, name: string, counts: Readonly<Partial<Record<string, number>>>): void {
    const series = Object.entries(counts).map(
      ([state, count = 0]) => [{ namespace, name, state }, count] as const,
    );
    this.#targets.set(
      namespace,
      name,
      series.filter(([, count]) => count > 0),
    );
  }

  propagated(seconds: number): void {
    this.#propagation.observe(seconds);
  }

  setLastSync(namespace: string, name: string, epochSeconds: number): void {
    this.#lastSync.set(namespace, name, [[{ namespace, name }, epochSeconds]]);
  }

  /** That ConfigMapSync was let go although copies of it are left. Its series outlives it: see {@link forget}. */
  cleanupAbandoned(namespace: string, name: string): void {
    this.#abandonedCleanups.inc({ namespace, name });
    const names = this.#abandoned.get(namespace) ?? new Set();
    if (!names.delete(name)) this.#abandonedSeries.kept += 1;
    this.#abandoned.set(namespace, names.add(name));
    if (this.#abandonedSeries.kept <= MAX_ABANDONED_SERIES) return;
    // The tenant that has most loses its oldest.
    const [most] = [...this.#abandoned].toSorted(([, a], [, b]) => b.size - a.size);
    const [oldest] = most?.[1] ?? [];
    if (most === undefined || oldest === undefined) return;
    most[1].delete(oldest);
    if (most[1].size === 0) this.#abandoned.delete(most[0]);
    this.#abandonedCleanups.remove({ namespace: most[0], name: oldest });
    this.#abandonedSeries.kept -= 1;
    this.#abandonedSeries.ended += 1;
  }

  eventsDropped(tenant: string, events: number): void {
    if (events > 0) this.#eventsDropped.inc(tenant, tenant, { tenant }, events);
  }

  /** Ends the series of a ConfigMapSync that is gone, but for what is told of how it went. */
  forget(namespace: string, name: string): void {
    this.setTargets(namespace, name, {});
    this.#lastSync.set(namespace, name, []);
    this.#denied.set(namespace, name, []);
    this.#endTenant(namespace);
  }

  /** Ends the series of a ServiceAccount that no ConfigMapSync uses any more. */
  forgetServiceAccount(namespace: string, name: string): void {
    this.#denials.set(namespace, name, []);
    this.#endTenant(namespace);
  }

  /** A tenant's own series stays while it has another one: a counter must not begin anew. */
  #endTenant(tenant: string): void {
    if (!this.#targets.has(tenant) && !this.#denials.has(tenant)) this.#eventsDropped.set(tenant, tenant, []);
  }

  render(format: ExpositionFormat): Promise<string> {
    return renderExposition(this.#families, format);
  }
}

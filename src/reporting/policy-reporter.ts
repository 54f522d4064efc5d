import { isDeepStrictEqual } from 'node:util';
import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import { MANAGED_BY, MANAGED_BY_LABEL } from '../api/v1alpha1/well-known.js';
import { Backoff } from '../k8s/util/backoff.js';
import { CauseLog, type RuntimeLog } from '../k8s/util/cause-log.js';
import type { Clock } from '../k8s/util/clock.js';
import { isApiError, type ApiError } from '../k8s/client/errors.js';
import { objectKey, type ObjectList } from '../k8s/client/objects.js';
import { apiPath } from '../k8s/client/api-path.js';
import type { Requester } from '../k8s/client/rest-client.js';
import type { ReadableStore, StoreChange } from '../k8s/cache/store.js';
import { POLICY_REPORT_NAME, POLICY_REPORTS, policyReport, type PolicyReport } from './policy-report.js';

/** Many targets that change together are one change of a report. */
const SETTLE_MS = 1_000;
/** How soon PolicyReports are noticed where their CustomResourceDefinition comes later. */
const PROBE_MS = 15_000;
/** The longest that a report which the API server refuses waits for its next try, jitter aside. */
const MAX_REFUSED_MS = 300_000;

export interface PolicyReporterOptions {
  /** Under the operator's own identity: reports are its own objects. */
  client: Requester;
  syncs: ReadableStore<ConfigMapSync>;
  log: RuntimeLog;
  clock: Clock;
}

/** Keeps one PolicyReport in each tenant's namespace, for dashboards that know nothing of ConfigMapSyncs. */
export class PolicyReporter {
  readonly #options: PolicyReporterOptions;
  readonly #causes: CauseLog;
  /** Namespaces whose report may be out of date. */
  readonly #due = new Set<string>();
  /** Keys of ConfigMapSyncs by namespace: looking through all of them for each report would be quadratic. */
  readonly #keys = new Map<string, Set<string>>();
  /** Of namespaces whose report was refused: each waits by itself. */
  readonly #refused = new Map<string, { notBefore: number; backoff: Backoff; causes: CauseLog }>();

  constructor(options: PolicyReporterOptions) {
    this.#options = options;
    this.#causes = new CauseLog(options.log, { report: 'PolicyReport' });
  }

  /** Reports until the signal aborts; waits for the CustomResourceDefinition as long as it takes. */
  async run(signal: AbortSignal): Promise<void> {
    const { syncs, clock } = this.#options;
    const unsubscribe = syncs.subscribe((change) => this.#changed(change));
    try {
      for (const object of syncs.list()) this.#changed({ type: 'added', object });
      for (;;) {
        const available = await this.#start(signal);
        while (available && (await this.#writeDue(signal))) {
          await clock.sleep(SETTLE_MS, signal);
        }
        await clock.sleep(PROBE_MS, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      unsubscribe();
    }
  }

  #changed({ type, object }: StoreChange<ConfigMapSync>): void {
    const { namespace = '' } = object.metadata;
    this.#due.add(namespace);
    const keys = this.#keys.get(namespace) ?? new Set();
    if (type === 'deleted') keys.delete(objectKey(object));
    else keys.add(objectKey(object));
    if (keys.size > 0) this.#keys.set(namespace, keys);
    else this.#keys.delete(namespace);
  }

  /** True where PolicyReports can be had; all namespaces with ConfigMapSyncs or a report of ours are due then. */
  async #start(signal: AbortSignal): Promise<boolean> {
    try {
      const { body } = await this.#options.client.request<ObjectList<PolicyReport>>({
        method: 'GET',
        path: reportPath({}),
        query: { labelSelector: `${MANAGED_BY_LABEL}=${MANAGED_BY}` },
        signal,
      });
      for (const namespace of this.#keys.keys()) this.#due.add(namespace);
      for (const { metadata } of body.items ?? []) this.#due.add(metadata.namespace ?? '');
      this.#causes.recovered('PolicyReports are written');
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (!isApiError(error)) throw error;
      const missing = 'their CustomResourceDefinition is not there';
      const why = error.code === 404 ? missing : `listing them fails: ${error.message}`;
      this.#causes.failed(`no PolicyReports for now: ${why}`, error);
      return false;
    }
  }

  /** False where PolicyReports cannot be written any more; what was due stays due. */
  async #writeDue(signal: AbortSignal): Promise<boolean> {
    for (const namespace of [...this.#due]) {
      const refused = this.#refused.get(namespace);
      if (refused !== undefined && refused.notBefore > this.#options.clock.now()) continue;
      this.#due.delete(namespace);
      try {
        await this.#write(namespace, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!isApiError(error)) throw error;
        // A namespace that goes takes its report along.
        const going = error.hasCause('NamespaceTerminating') || error.message.startsWith('namespaces "');
        if (!going) {
          this.#due.add(namespace);
          if (error.code === 0 || error.code === 404) {
            this.#causes.failed(`no PolicyReports for now: ${error.message}`, error);
            return false;
          }
          if (error.code !== 409) this.#putOff(namespace, error);
          continue;
        }
      }
      this.#refused.get(namespace)?.causes.recovered('the PolicyReport is written again');
      this.#refused.delete(namespace);
    }
    return true;
  }

  /** One namespace's quota, admission policy or size is nothing that others wait for. */
  #putOff(namespace: string, error: ApiError): void {
    const { log, clock } = this.#options;
    const refused = this.#refused.get(namespace) ?? {
      notBefore: 0,
      backoff: new Backoff({ baseMs: PROBE_MS, maxMs: MAX_REFUSED_MS }),
      causes: new CauseLog(log, { report: 'PolicyReport', namespace }),
    };
    refused.notBefore = clock.now() + refused.backoff.next();
    refused.causes.failed(`the PolicyReport was not written: ${error.message}`, error);
    this.#refused.set(namespace, refused);
  }

  async #write(namespace: string, signal: AbortSignal): Promise<void> {
    const { client, log } = this.#options;
    const keys = [...(this.#keys.get(namespace) ?? [])];
    const syncs = keys.map((key) => this.#options.syncs.get(key)).filter((sync) => sync !== undefined);
    const existing = await this.#read(namespace, signal);
    if (existing !== undefined && existing.metadata.labels?.[MANAGED_BY_LABEL] !== MANAGED_BY) {
      log.warn('a PolicyReport of our name belongs to somebody else: it is left alone', { namespace });
      return;
    }
    const place = { namespace, name: POLICY_REPORT_NAME };
    const path = reportPath(place);
    const report = await policyReport(syncs);
    if (syncs.length === 0) {
      if (existing !== undefined) await client.request({ method: 'DELETE', path, signal });
    } else if (existing === undefined) {
      const body = { ...report, metadata: { ...place, labels: { [MANAGED_BY_LABEL]: MANAGED_BY } } };
      await client.request({ method: 'POST', path: reportPath({ namespace }), body, signal });
    } else if (!isDeepStrictEqual({ ...existing, ...report }, existing)) {
      const body = { ...report, metadata: existing.metadata };
      await client.request({ method: 'PUT', path, body, signal });
    }
  }

  async #read(namespace: string, signal: AbortSignal): Promise<PolicyReport | undefined> {
    try {
      const path = reportPath({ namespace, name: POLICY_REPORT_NAME });
      return (await this.#options.client.request<PolicyReport>({ method: 'GET', path, signal })).body;
    } catch (error) {
      if (isApiError(error, 404) && error.message.includes(POLICY_REPORT_NAME)) return undefined;
      throw error;
    }
  }
}

function reportPath(place: { namespace?: string; name?: string }): string {
  return apiPath({ ...POLICY_REPORTS, ...place });
}

import { serviceAccountUsername } from '../api/kubernetes.js';
import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { ConfigMapSyncStatus, TargetStatus } from '../api/v1alpha1/config-map-sync-status.js';
import { API_VERSION, KIND } from '../api/v1alpha1/well-known.js';
import type { EventRecorder } from '../k8s/events/event-recorder.js';
import type { RecordedEvent } from '../k8s/events/event-series.js';
import { objectKey } from '../k8s/client/objects.js';
import { inSlices } from '../k8s/util/async.js';
import { eventsBetween, findingsOfSameAccount, type EventReason, type StatusEvent } from '../sync/events.js';
import { isDenied } from '../sync/outcomes.js';
import { NO_WORK, type SyncResult } from '../sync/result.js';
import { leftoversOf } from '../sync/status.js';
import type { AuditEntry, AuditSink } from '../telemetry/logging/audit-sink.js';
import type { Metrics } from '../telemetry/metrics/metrics.js';
import type { IdentityError } from '../tenant/errors.js';
import type { AccessDecision } from '../tenant/tenant-config-maps.js';

/** What results feed; docs/metrics.md has their names. */
type Fed =
  | 'setTargets'
  | 'setDenied'
  | 'setLastSync'
  | 'countDenial'
  | 'cleanupAbandoned'
  | 'eventsDropped'
  | 'propagated';

export interface NotifierOutputs {
  events: Pick<EventRecorder, 'record'>;
  metrics: Pick<Metrics, Fed | 'forget'>;
  log: Pick<AuditSink, 'write'>;
}

/** Of a ConfigMapSync: its status as Events have told it, and by reason how many have no Event of their own. */
interface Untold {
  uid: string;
  told: ConfigMapSyncStatus | undefined;
  more: Map<EventReason, number>;
}

/**
 * Reports results by Events, metrics and the audit log. None of them waits for another, nor for the status: where that
 * cannot be written, these say what happened all the same.
 */
export class Notifier {
  readonly #outputs: NotifierOutputs;
  /** By key. Its parts are those of the status, which is kept anyway. */
  readonly #untold = new Map<string, Untold>();

  constructor(outputs: NotifierOutputs) {
    this.#outputs = outputs;
  }

  forget(namespace: string, name: string): void {
    this.#outputs.metrics.forget(namespace, name);
    this.#untold.delete(`${namespace}/${name}`);
  }

  /** The API server decided about one request of the tenant. */
  decided(sync: ConfigMapSync, decided: AccessDecision): void {
    const { username, verb, namespace, decision, reason, code, auditID } = decided;
    this.#write(sync, { serviceAccount: username, verb, namespace, decision, reason, code, auditID });
    if (decision === 'denied') this.#countDenial(sync, verb);
  }

  /**
   * There is no identity to act with. A line when that begins, or begins to be so for another ServiceAccount, and none
   * for each later try. It counts for no verb in the metrics: what was refused is no verb on ConfigMaps.
   */
  identityRefused(
    sync: ConfigMapSync,
    previous: ConfigMapSyncStatus | undefined,
    { reason, code, auditID }: Pick<IdentityError, 'reason' | 'code' | 'auditID'>,
  ): void {
    const { namespace = '' } = sync.metadata;
    const serviceAccount = serviceAccountUsername({ namespace, name: sync.spec.serviceAccount.name });
    const known = findingsOfSameAccount(previous, serviceAccount)?.conditions?.find(
      ({ type }) => type === 'ValidServiceAccount',
    );
    if (known?.status === 'False' && known.reason === reason) return;
    // TokenRequest and SelfSubjectReview alike are created.
    const denial = { decision: 'denied', reason, code, auditID } as const;
    this.#write(sync, { serviceAccount, verb: 'create', namespace, ...denial });
  }

  /** One that no status repeats. */
  event(sync: ConfigMapSync, event: StatusEvent): void {
    const { namespace = '', name } = sync.metadata;
    // The Event may go with its namespace; the metric stays.
    if (event.reason === 'CleanupAbandoned') this.#outputs.metrics.cleanupAbandoned(namespace, name);
    const isTaken = this.#outputs.events.record(recordedEvent(sync, event));
    if (!isTaken) this.#outputs.metrics.eventsDropped(namespace, 1);
  }

  /** What has no room now is told with a later report, where it still holds. Until then a summary of each reason stands for it. */
  #tell(previous: ConfigMapSyncStatus | undefined, next: ConfigMapSyncStatus, result: SyncResult): void {
    const { events, metrics } = this.#outputs;
    const { sync, purpose } = result.plan;
    const { uid, namespace = '' } = sync.metadata;
    const known = this.#untold.get(objectKey(sync));
    const { told, more } =
      known?.uid === uid ? known : { told: previous, more: new Map<EventReason, number>() };
    // What a deletion did is told at its end.
    const work = purpose === 'finalize' ? NO_WORK : result.work;
    const all = eventsBetween(told, next, work, leftoversOf(result));
    const refused = all.findIndex((event) => !events.record(recordedEvent(sync, event)));
    this.#untold.delete(objectKey(sync));
    if (refused === -1) return;
    const rest = all.slice(refused);
    this.#untold.set(objectKey(sync), { uid, told: toldOf(told, next, rest), more });
    for (const [reason, { length, 0: first }] of Map.groupBy(rest, (event) => event.reason)) {
      const before = more.get(reason);
      more.set(reason, length);
      // What was done is done once; the others are the same states as at the last report, and some.
      metrics.eventsDropped(namespace, length - (reason === 'Synced' ? 0 : (before ?? 0)));
      if (before !== undefined || first === undefined) continue;
      const place = `status.targets, or run "config-weaver audit -n ${namespace}"`;
      events.record({
        ...recordedEvent(sync, { type: first.type, reason, note: '' }),
        series: 'summary',
        // Read when it is written: more may have come by then.
        get note() {
          return `${more.get(reason) ?? 0} more have no Event of their own: see ${place}`;
        },
      });
    }
  }

  /**
   * Reports what lies between two statuses, once.
   * @param now Milliseconds since the epoch.
   */
  async report(
    previous: ConfigMapSyncStatus | undefined,
    next: ConfigMapSyncStatus,
    result: SyncResult,
    now: number,
  ): Promise<void> {
    this.#measure(previous, next, result, now);
    await this.#logMissingVerbs(previous, next, result);
    this.#tell(previous, next, result);
  }

  /** Verbs that access reviews found missing were never tried: they get their lines here, once. */
  #logMissingVerbs(
    previous: ConfigMapSyncStatus | undefined,
    next: ConfigMapSyncStatus,
    { plan, targets }: SyncResult,
  ): Promise<void> {
    const { serviceAccount = '' } = next;
    const known = findingsOfSameAccount(previous, next.serviceAccount)?.targets ?? [];
    const verbsKnown = new Map(known.map((target) => [target.namespace, target.missingVerbs]));
    const denied = (next.targets ?? []).filter(isDenied);
    return inSlices(denied, ({ namespace, reason = '', missingVerbs = [] }) => {
      const { refused = [], auditID } = targets.get(namespace) ?? {};
      const denial = { decision: 'denied', reason, code: 403, auditID } as const;
      for (const verb of missingVerbs) {
        if (verbsKnown.get(namespace)?.includes(verb) === true || refused.includes(verb)) continue;
        this.#write(plan.sync, { serviceAccount, verb, namespace, ...denial });
        this.#countDenial(plan.sync, verb);
      }
    });
  }

  #write(sync: ConfigMapSync, entry: Omit<AuditEntry, 'configMapSync'>): void {
    const { namespace = '', name } = sync.metadata;
    this.#outputs.log.write({ configMapSync: { namespace, name }, ...entry });
  }

  #countDenial({ metadata, spec }: ConfigMapSync, verb: string): void {
    this.#outputs.metrics.countDenial(metadata.namespace ?? '', spec.serviceAccount.name, verb);
  }

  #measure(
    previous: ConfigMapSyncStatus | undefined,
    next: ConfigMapSyncStatus,
    { plan, underWay, work, spreadingSince }: SyncResult,
    now: number,
  ): void {
    const { metrics } = this.#outputs;
    const { namespace = '', name } = plan.sync.metadata;
    const counts: Partial<Record<string, number>> = {};
    for (const { state } of next.targets ?? []) counts[state] = (counts[state] ?? 0) + 1;
    metrics.setTargets(namespace, name, counts);
    const denied = (next.targets ?? []).filter(isDenied).map((target) => target.namespace);
    metrics.setDenied(namespace, name, plan.sync.spec.serviceAccount.name, denied);
    if (plan.purpose !== 'sync' || underWay.size > 0) return;
    const since =
      previous?.contentHash === next.contentHash ? spreadingSince : (spreadingSince ?? plan.since);
    if (since !== undefined && work.created + work.updated > 0) metrics.propagated((now - since) / 1000);
    if (next.syncedTargets === next.wantedTargets) metrics.setLastSync(namespace, name, now / 1000);
  }
}

function recordedEvent(
  { metadata }: ConfigMapSync,
  { type, reason, namespace: target, note }: StatusEvent,
): RecordedEvent {
  const { namespace = '', name, uid } = metadata;
  return {
    regarding: { apiVersion: API_VERSION, kind: KIND, namespace, name, uid },
    ...(target && { related: { apiVersion: 'v1', kind: 'Namespace', name: target } }),
    type,
    reason,
    action: reason.startsWith('Cleanup') ? 'CleanUp' : 'Sync',
    note,
  };
}

/** The status as Events have told it when these had no room: in the order of `eventsBetween`, conditions first. */
function toldOf(
  told: ConfigMapSyncStatus | undefined,
  next: ConfigMapSyncStatus,
  untold: readonly StatusEvent[],
): ConfigMapSyncStatus | undefined {
  if (untold.some(({ namespace, reason }) => namespace === undefined && reason !== 'Synced')) return told;
  const namespaces = new Set(untold.map(({ namespace }) => namespace));
  const isUntold = ({ namespace }: TargetStatus): boolean => namespaces.has(namespace);
  const before = findingsOfSameAccount(told, next.serviceAccount)?.targets?.filter(isUntold) ?? [];
  return { ...next, targets: before.concat(next.targets?.filter((target) => !isUntold(target)) ?? []) };
}

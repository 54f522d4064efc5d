import { serviceAccountUsername } from '../api/kubernetes.js';
import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import {
  TARGET_STATES,
  type ConfigMapSyncStatus,
  type TargetState,
} from '../api/v1alpha1/config-map-sync-status.js';
import { API_VERSION, KIND } from '../api/v1alpha1/well-known.js';
import type { EventRecorder } from '../k8s/events/event-recorder.js';
import { objectKey } from '../k8s/client/objects.js';
import { inSlices } from '../k8s/util/async.js';
import { eventsBetween, findingsOfSameAccount, type StatusEvent } from '../sync/events.js';
import { isDenied } from '../sync/outcomes.js';
import { NO_WORK, type SyncResult } from '../sync/result.js';
import { leftoversOf } from '../sync/status.js';
import type { AuditEntry, AuditSink } from '../telemetry/logging/audit-sink.js';
import type { IdentityError } from '../tenant/errors.js';
import type { AccessDecision } from '../tenant/tenant-config-maps.js';
import { denialsOf } from './denial.js';
import type { DenialRegister } from './denial-register.js';

/** The metrics that results feed; docs/metrics.md has their names. */
export interface NotifierMetrics {
  setTargets(namespace: string, name: string, counts: Readonly<Record<TargetState, number>>): void;
  setLastSync(namespace: string, name: string, epochSeconds: number): void;
  countDenial(namespace: string, serviceAccount: string, verb: string): void;
  cleanupAbandoned(namespace: string, name: string): void;
  /** From the change of a source, as it was noticed, to its last copy. */
  propagated(seconds: number): void;
  forget(namespace: string, name: string): void;
}

export interface NotifierOutputs {
  events: Pick<EventRecorder, 'record'>;
  metrics: NotifierMetrics;
  log: AuditSink;
  register: DenialRegister;
}

/**
 * Reports results by Events, metrics and the audit log. None of them waits for another, nor for the status: where that
 * cannot be written, these say what happened all the same.
 */
export class Notifier {
  readonly #outputs: NotifierOutputs;

  constructor(outputs: NotifierOutputs) {
    this.#outputs = outputs;
  }

  forget(namespace: string, name: string): void {
    this.#outputs.metrics.forget(namespace, name);
    this.#outputs.register.set(`${namespace}/${name}`, []);
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

  event(sync: ConfigMapSync, { type, reason, namespace, note }: StatusEvent): void {
    const { namespace: home = '', name, uid } = sync.metadata;
    // The Event may go with its namespace; the metric stays.
    if (reason === 'CleanupAbandoned') this.#outputs.metrics.cleanupAbandoned(home, name);
    this.#outputs.events.record({
      regarding: { apiVersion: API_VERSION, kind: KIND, namespace: home, name, uid },
      ...(namespace && { related: { apiVersion: 'v1', kind: 'Namespace', name: namespace } }),
      type,
      reason,
      action: reason.startsWith('Cleanup') ? 'CleanUp' : 'Sync',
      note,
    });
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
    const { plan, work } = result;
    this.#measure(previous, next, result, now);
    await this.#logMissingVerbs(previous, next, result);
    // What a deletion did is told at its end.
    const counted = plan.purpose === 'finalize' ? NO_WORK : work;
    const events = eventsBetween(previous, next, counted, leftoversOf(result));
    await inSlices(events, (event) => this.event(plan.sync, event));
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
    const { metrics, register } = this.#outputs;
    const { namespace = '', name } = plan.sync.metadata;
    const none = TARGET_STATES.map((state) => [state, 0]);
    const counts = Object.fromEntries(none) as Record<TargetState, number>;
    for (const { state } of next.targets ?? []) counts[state] += 1;
    metrics.setTargets(namespace, name, counts);
    register.set(objectKey(plan.sync), denialsOf(plan.sync, next));
    if (plan.purpose !== 'sync' || underWay.size > 0) return;
    const since =
      previous?.contentHash === next.contentHash ? spreadingSince : (spreadingSince ?? plan.since);
    if (since !== undefined && work.created + work.updated > 0) metrics.propagated((now - since) / 1000);
    if (next.syncedTargets === next.wantedTargets) metrics.setLastSync(namespace, name, now / 1000);
  }
}

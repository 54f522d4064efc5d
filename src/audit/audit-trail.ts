import { API_VERSION, KIND } from '../api/v1alpha1/group-version.js';
import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { ConfigMapSyncStatus } from '../api/v1alpha1/config-map-sync-status.js';
import { TARGET_STATES, type TargetState } from '../api/v1alpha1/target-status.js';
import type { EventRecorder } from '../kube/event-recorder.js';
import { objectKey, type ObjectReference } from '../kube/objects.js';
import type { AuditSink } from '../observability/audit-sink.js';
import type { AccessDecision } from '../tenancy/tenant-config-maps.js';
import type { Verb } from '../api/v1alpha1/verb.js';
import { denialsOf, isDenied } from './denial.js';
import type { DenialRegister } from './denial-register.js';
import { eventsBetween, type StatusEvent } from './status-events.js';
import type { SyncWork } from './sync-work.js';

/** The metrics that the audit feeds; see docs/metrics.md for their names. */
export interface AuditMetrics {
  setTargets(namespace: string, name: string, counts: Readonly<Record<TargetState, number>>): void;
  setLastSync(namespace: string, name: string, epochSeconds: number): void;
  countDenial(namespace: string, serviceAccount: string, verb: Verb | 'list'): void;
  forget(namespace: string, name: string): void;
}

/** The API server's answer that said which verbs are missing in a namespace. */
export interface Refusal {
  namespace: string;
  auditID: string | undefined;
}

/**
 * Tells of every decision and every change of state, each output from the same facts: Events, metrics and the audit
 * log. It only ever tells: nothing depends on whether anybody listens.
 */
export class AuditTrail {
  readonly #events: Pick<EventRecorder, 'record'>;
  readonly #metrics: AuditMetrics;
  readonly #log: AuditSink;
  readonly #register: DenialRegister;

  constructor(options: {
    events: Pick<EventRecorder, 'record'>;
    metrics: AuditMetrics;
    log: AuditSink;
    register: DenialRegister;
  }) {
    this.#events = options.events;
    this.#metrics = options.metrics;
    this.#log = options.log;
    this.#register = options.register;
  }

  /** The API server decided about one request of a tenant. */
  decided(sync: ConfigMapSync, decision: AccessDecision): void {
    const { username, verb, namespace, reason, code, auditID } = decision;
    this.#log.write({
      configMapSync: syncName(sync),
      serviceAccount: username,
      verb,
      namespace,
      decision: decision.decision,
      reason,
      code,
      auditID,
    });
    if (decision.decision === 'denied') this.#count(sync, verb);
  }

  /** One reconcile has ended with `next`; `refusals` are the answers behind newly missing verbs. */
  reconciled(
    sync: ConfigMapSync,
    previous: ConfigMapSyncStatus | undefined,
    next: ConfigMapSyncStatus,
    work: SyncWork,
    refusals: readonly Refusal[],
  ): void {
    this.#writeDenials(sync, previous, next, refusals);
    for (const event of eventsBetween(previous, next, work)) this.tell(sync, event);
    this.observe(sync, next);
  }

  /** Brings the metrics in step with a status without telling of anything: after a restart nothing has happened. */
  observe(sync: ConfigMapSync, status: ConfigMapSyncStatus): void {
    const { namespace, name } = syncName(sync);
    const counts = Object.fromEntries(TARGET_STATES.map((state) => [state, 0])) as Record<TargetState, number>;
    for (const { state } of status.targets ?? []) counts[state] += 1;
    this.#metrics.setTargets(namespace, name, counts);
    this.#register.set(objectKey(sync), denialsOf(sync, status));
  }

  /** All wanted copies were found or put in step at this time (milliseconds since the epoch). */
  synced(sync: ConfigMapSync, at: number): void {
    const { namespace, name } = syncName(sync);
    this.#metrics.setLastSync(namespace, name, at / 1000);
  }

  tell(sync: ConfigMapSync, event: StatusEvent): void {
    const { type, reason, namespace, note } = event;
    this.#events.record({
      regarding: referenceTo(sync),
      ...(namespace === undefined
        ? {}
        : { related: { apiVersion: 'v1', kind: 'Namespace', name: namespace } }),
      type,
      reason,
      action: reason.startsWith('Cleanup') ? 'CleanUp' : 'Sync',
      note,
    });
  }

  forget(sync: { namespace: string; name: string }): void {
    this.#metrics.forget(sync.namespace, sync.name);
    this.#register.forget(`${sync.namespace}/${sync.name}`);
  }

  /** Verbs that access reviews found missing were never tried: they get their audit lines here, once. */
  #writeDenials(
    sync: ConfigMapSync,
    previous: ConfigMapSyncStatus | undefined,
    next: ConfigMapSyncStatus,
    refusals: readonly Refusal[],
  ): void {
    const before = new Map((previous?.targets ?? []).map((target) => [target.namespace, target]));
    for (const target of (next.targets ?? []).filter(isDenied)) {
      const known = new Set(before.get(target.namespace)?.missingVerbs ?? []);
      for (const verb of target.missingVerbs ?? []) {
        if (known.has(verb)) continue;
        this.#log.write({
          configMapSync: syncName(sync),
          serviceAccount: next.serviceAccount ?? '',
          verb,
          namespace: target.namespace,
          decision: 'denied',
          reason: target.reason ?? '',
          code: 403,
          auditID: refusals.find(({ namespace }) => namespace === target.namespace)?.auditID,
        });
        this.#count(sync, verb);
      }
    }
  }

  #count(sync: ConfigMapSync, verb: Verb | 'list'): void {
    this.#metrics.countDenial(sync.metadata.namespace ?? '', sync.spec.serviceAccount.name, verb);
  }
}

function syncName(sync: ConfigMapSync): { namespace: string; name: string } {
  return { namespace: sync.metadata.namespace ?? '', name: sync.metadata.name };
}

function referenceTo(sync: ConfigMapSync): ObjectReference {
  return { apiVersion: API_VERSION, kind: KIND, uid: sync.metadata.uid, ...syncName(sync) };
}

import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import {
  type ConfigMapSyncStatus,
  TARGET_STATES,
  type TargetState,
} from '../api/v1alpha1/config-map-sync-status.js';
import { API_VERSION, KIND } from '../api/v1alpha1/well-known.js';
import type { EventRecorder } from '../k8s/events/event-recorder.js';
import { inSlices } from '../k8s/util/async.js';
import { objectKey, type ObjectReference } from '../k8s/client/objects.js';
import type { AuditEntry, AuditSink } from '../telemetry/logging/audit-sink.js';
import type { IdentityError } from '../tenant/errors.js';
import { serviceAccountUsername } from '../api/kubernetes.js';
import type { AccessDecision } from '../tenant/tenant-config-maps.js';
import { denialsOf, isDenied } from './denial.js';
import type { DenialRegister } from './denial-register.js';
import { eventsBetween, findingsOfSameAccount, workEvents, type StatusEvent } from './status-events.js';
import type { SyncWork } from './sync-work.js';

/** The metrics that the audit feeds; docs/metrics.md tells their names. */
export interface AuditMetrics {
  setTargets(namespace: string, name: string, counts: Readonly<Record<TargetState, number>>): void;
  setLastSync(namespace: string, name: string, epochSeconds: number): void;
  countDenial(namespace: string, serviceAccount: string, verb: string): void;
  cleanupAbandoned(namespace: string, name: string): void;
  forget(namespace: string, name: string): void;
}

export interface AuditOutputs {
  events: Pick<EventRecorder, 'record'>;
  metrics: AuditMetrics;
  log: AuditSink;
  register: DenialRegister;
}

/**
 * Tells of every decision and every change of state, each output from the same facts: Events, metrics and the audit
 * log. It only ever tells: nothing depends on whether anybody listens.
 */
export class AuditTrail {
  readonly #outputs: AuditOutputs;

  constructor(outputs: AuditOutputs) {
    this.#outputs = outputs;
  }

  /** The record of one reconcile. */
  begin(sync: ConfigMapSync): AuditRecord {
    return new AuditRecord(this.#outputs, sync);
  }

  forget(namespace: string, name: string): void {
    this.#outputs.metrics.forget(namespace, name);
    this.#outputs.register.forget(`${namespace}/${name}`);
  }
}

/** What is told of one reconcile of one ConfigMapSync. */
export class AuditRecord {
  readonly #outputs: AuditOutputs;
  readonly #sync: ConfigMapSync;
  /** `namespace verb` of each denial that has its line already. */
  readonly #told = new Set<string>();
  /** `Audit-Id` of the answer that showed what is missing, by namespace. */
  readonly #refusals = new Map<string, string>();
  #finished = false;

  constructor(outputs: AuditOutputs, sync: ConfigMapSync) {
    this.#outputs = outputs;
    this.#sync = sync;
  }

  /** The API server decided about one request of the tenant. */
  decided({ username, verb, namespace, decision, reason, code, auditID }: AccessDecision): void {
    this.#write({ serviceAccount: username, verb, namespace, decision, reason, code, auditID });
    if (decision === 'allowed') return;
    this.#countDenial(verb);
    this.#told.add(`${namespace} ${verb}`);
  }

  /**
   * There is no identity to act with. A line when that begins, or begins to be so for another ServiceAccount, and none
   * for each later try. It counts for no verb in the metrics: what was refused is no verb on ConfigMaps.
   */
  identityRefused({ reason, code, auditID }: Pick<IdentityError, 'reason' | 'code' | 'auditID'>): void {
    const { metadata, spec, status } = this.#sync;
    const { namespace = '' } = metadata;
    const serviceAccount = serviceAccountUsername({ namespace, name: spec.serviceAccount.name });
    const known = findingsOfSameAccount(status, serviceAccount)?.conditions?.some(
      (condition) =>
        condition.type === 'ValidServiceAccount' &&
        condition.status === 'False' &&
        condition.reason === reason,
    );
    if (known === true) return;
    // TokenRequest and SelfSubjectReview alike are created.
    this.#write({ serviceAccount, verb: 'create', namespace, decision: 'denied', reason, code, auditID });
  }

  /** An answer of the API server showed that verbs are missing in `namespace`. */
  refused(namespace: string, auditID: string | undefined): void {
    if (auditID !== undefined) this.#refusals.set(namespace, auditID);
  }

  tell({ type, reason, namespace, note }: StatusEvent): void {
    if (reason === 'CleanupAbandoned') this.#countAbandoned();
    this.#outputs.events.record({
      regarding: referenceTo(this.#sync),
      ...(namespace && { related: { apiVersion: 'v1', kind: 'Namespace', name: namespace } }),
      type,
      reason,
      action: reason.startsWith('Cleanup') ? 'CleanUp' : 'Sync',
      note,
    });
  }

  /** All wanted copies were in step at this time (milliseconds since the epoch). */
  inStep(at: number): void {
    const { namespace = '', name } = this.#sync.metadata;
    this.#outputs.metrics.setLastSync(namespace, name, at / 1000);
  }

  /** The reconcile ends with `next`: what lies between it and `previous` is told once. */
  async finish(
    previous: ConfigMapSyncStatus | undefined,
    next: ConfigMapSyncStatus,
    work: SyncWork,
  ): Promise<void> {
    this.#finished = true;
    this.#measure(next);
    await this.#tellMissingVerbs(previous, next);
    await inSlices(eventsBetween(previous, next, work), (event) => this.tell(event));
  }

  /** The reconcile ends by an error: what it did until then is told, since no later one knows of it. */
  brokenOff(work: SyncWork): void {
    if (this.#finished) return;
    for (const event of workEvents(work)) this.tell(event);
  }

  /** Verbs that access reviews found missing were never tried: they get their lines here, once. */
  #tellMissingVerbs(previous: ConfigMapSyncStatus | undefined, next: ConfigMapSyncStatus): Promise<void> {
    const known = findingsOfSameAccount(previous, next.serviceAccount)?.targets ?? [];
    const verbsKnown = new Map(known.map((target) => [target.namespace, target.missingVerbs]));
    const denied = (next.targets ?? []).filter(isDenied);
    return inSlices(denied, ({ namespace, reason = '', missingVerbs = [] }) => {
      for (const verb of missingVerbs) {
        if (verbsKnown.get(namespace)?.includes(verb) || this.#told.has(`${namespace} ${verb}`)) continue;
        this.#write({
          serviceAccount: next.serviceAccount ?? '',
          verb,
          namespace,
          decision: 'denied',
          reason,
          code: 403,
          auditID: this.#refusals.get(namespace),
        });
        this.#countDenial(verb);
      }
    });
  }

  #write(entry: Omit<AuditEntry, 'configMapSync'>): void {
    const { namespace = '', name } = this.#sync.metadata;
    this.#outputs.log.write({ configMapSync: { namespace, name }, ...entry });
  }

  #countDenial(verb: string): void {
    const { metadata, spec } = this.#sync;
    this.#outputs.metrics.countDenial(metadata.namespace ?? '', spec.serviceAccount.name, verb);
  }

  /** The Event may go with its namespace; the metric stays. */
  #countAbandoned(): void {
    const { namespace = '', name } = this.#sync.metadata;
    this.#outputs.metrics.cleanupAbandoned(namespace, name);
  }

  #measure(status: ConfigMapSyncStatus): void {
    const { namespace = '', name } = this.#sync.metadata;
    const counts = Object.fromEntries(TARGET_STATES.map((state) => [state, 0])) as Record<
      TargetState,
      number
    >;
    for (const { state } of status.targets ?? []) counts[state] += 1;
    this.#outputs.metrics.setTargets(namespace, name, counts);
    this.#outputs.register.set(objectKey(this.#sync), denialsOf(this.#sync, status));
  }
}

function referenceTo({ metadata }: ConfigMapSync): ObjectReference {
  const { namespace = '', name, uid } = metadata;
  return { apiVersion: API_VERSION, kind: KIND, namespace, name, uid };
}

import { namespacedNameKey } from '../api/kubernetes.js';
import type { TargetStatus, Verb } from '../api/v1alpha1/config-map-sync-status.js';
import { isApiError, noAnswer } from '../k8s/client/errors.js';
import type { ConfigMap } from '../sync/config-map.js';
import type { CopyTemplate } from '../sync/copy-template.js';
import type { CycleDetector } from '../sync/cycle-detector.js';
import { decide, type Decision } from '../sync/decide.js';
import type { CopyRecord, IsLiving } from '../sync/ownership.js';
import {
  alteredOutcome,
  conflictOutcome,
  contendedOutcome,
  CONTENDED,
  COPY_ALTERED,
  cycleOutcome,
  deniedOutcome,
  failedOutcome,
  namespaceNotFound,
  NOT_EVALUATED,
  SYNCED,
  terminating,
  withLeftovers,
} from '../sync/outcomes.js';
import {
  removalMode,
  type RemovalMode,
  type SyncPlan,
  type TargetOutcome,
  type TargetResult,
} from '../sync/result.js';
import { requiredVerbs } from '../sync/targets.js';
import type { AccessVerdict } from '../tenant/namespace-access.js';
import type { NamespaceWatch } from '../tenant/namespace-watch.js';
import type { AccessDecision } from '../tenant/tenant-config-maps.js';
import type { Session } from '../tenant/tenancy.js';
import { Attempt, isNamespaceGone, Refused, type ApplyFor } from './attempt.js';
import type { DriftLimiter } from './drift-limiter.js';
import type { NamespaceLister } from './namespace-lister.js';
import { prune, remainingCopies } from './prune.js';

export type Operation = Exclude<Verb, 'get'>;
export type OperationResult = 'success' | 'denied' | 'conflict' | 'error';

export interface TargetWorkerOptions {
  namespaces: Pick<NamespaceLister, 'state'>;
  drift: DriftLimiter;
  isLiving: IsLiving;
  /** Called with each decision of the API server about a ConfigMap. */
  onDecision: (plan: SyncPlan, decision: AccessDecision) => void;
  /** Called with every write that was tried, for the metrics. */
  onOperation: (operation: Operation, result: OperationResult) => void;
  /** Makes the writes; `plan` has one that only records them. */
  applyFor: ApplyFor;
  /** Called with what was decided about the copy itself. */
  onDecided?: (item: TargetItem, decision: Decision, existing: ConfigMap | undefined) => void;
}

/** One target of one plan, and what is known of it. */
export interface TargetItem {
  plan: SyncPlan;
  namespace: string;
  /** What the copy is to look like, or how copies are removed. */
  desired: CopyTemplate | RemovalMode;
  /** How it stood at the last report. */
  previous: TargetStatus | undefined;
  record: CopyRecord;
  session: Session;
  /** Undefined where no copy is to be made. */
  cycles: CycleDetector | undefined;
}

/** The one copy that an attempt is to make or keep, and where. */
interface Copying {
  attempt: Attempt;
  template: CopyTemplate;
  view: NamespaceWatch;
}

/** Somebody else writes the same object at the same time: a few looks settle it, more would be a fight. */
const ATTEMPTS = 4;

/** Observes one target, decides and applies. What goes wrong there is that target's result and nobody else's. */
export class TargetWorker {
  readonly #options: TargetWorkerOptions;

  constructor(options: TargetWorkerOptions) {
    this.#options = options;
  }

  /**
   * True where the permissions are known to suffice. It takes one request at the most, where finding out what is missing
   * takes one for each verb.
   * @throws TokenRejectedError where the tenant has ended; ApiError where it cannot be found out.
   */
  async isPlainlyAllowed(
    { plan, namespace, desired, session }: TargetItem,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (typeof desired === 'string') return true;
    const { access } = session.namespace(namespace);
    return access.isPlainlyAllowed(desired.name, requiredVerbs(plan.sync), signal);
  }

  /** @throws TokenRejectedError where the tenant has ended, and the signal's reason; `onBrokenOff` has what was done. */
  async run(
    item: TargetItem,
    signal: AbortSignal,
    onBrokenOff: (partial: TargetResult) => void,
  ): Promise<TargetResult> {
    const attempt = new Attempt(item, signal, this.#options);
    try {
      return await this.#run(attempt);
    } catch (error) {
      if (isApiError(error)) return attempt.unknown(error);
      onBrokenOff(attempt.unknown(error));
      throw error;
    }
  }

  async #run(attempt: Attempt): Promise<TargetResult> {
    const { namespace, desired } = attempt.item;
    if (typeof desired !== 'string') return this.#sync(attempt, desired);
    const state = this.#options.namespaces.state(namespace);
    // What is in a namespace that is deleted goes with it.
    if (state !== 'active') return attempt.result(NOT_EVALUATED, { copies: [] });
    return prune(attempt, desired);
  }

  async #sync(attempt: Attempt, template: CopyTemplate): Promise<TargetResult> {
    const { plan, namespace, session, cycles, record } = attempt.item;
    const view = session.namespace(namespace);
    const copying = { attempt, template, view };
    const verdict = await view.access.verdict(template.name, requiredVerbs(plan.sync), attempt.signal);
    // Permissions first: whether a namespace exists is reported only to those who have permissions in it.
    if (verdict.missing.length > 0) return this.#denied(copying, verdict);
    const state = this.#options.namespaces.state(namespace);
    if (state === 'missing') return attempt.result(namespaceNotFound(namespace), { copies: [] });
    if (state === 'terminating') return attempt.result(terminating(namespace));
    const isRecorded = record.copies.some(({ name }) => name === template.name);
    const cycle = cycles?.cycleThrough({ namespace, name: template.name }, isRecorded);
    if (cycle !== undefined) return attempt.result(cycleOutcome(namespace, template.name, cycle));

    try {
      return await this.#withoutFormer(copying, await this.#write(copying, isRecorded));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return this.#refused(copying, error);
    }
  }

  /** A copy of a former name may be in the way of the new one, or use up a quota: it goes whatever became of that. */
  async #withoutFormer({ attempt, template }: Copying, outcome: TargetOutcome): Promise<TargetResult> {
    const former = await prune(attempt, removalMode(attempt.item.plan.sync), template.name);
    const retry = attempt.retry ?? former.retry;
    return { ...former, outcome: withLeftovers(outcome, former.leftovers), retry };
  }

  async #write(copying: Copying, isRecorded: boolean): Promise<TargetOutcome> {
    const { attempt, template, view } = copying;
    if (isRecorded && view.isCurrent(template.name, template.fingerprint)) return SYNCED;
    // Where nothing was before, most likely nothing is: creating finds out with one request.
    let createFirst = !isRecorded && attempt.item.previous === undefined;
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#try(copying, createFirst);
      } catch (error) {
        const moved =
          error instanceof Refused && isApiError(error.cause, 409, 404) && !isNamespaceGone(error.cause);
        if (!moved || tries >= ATTEMPTS) throw error;
        createFirst = false;
      }
    }
  }

  async #try({ attempt, template, view }: Copying, createFirst: boolean): Promise<TargetOutcome> {
    const { plan, namespace, record } = attempt.item;
    const tracked = view.track(template.name, namespacedNameKey(plan.owner));
    try {
      const look = (existing: ConfigMap | undefined): Decision => {
        const decided = decide(existing, {
          template,
          namespace,
          owner: plan.owner,
          source: namespacedNameKey(plan.source),
          conflictPolicy: plan.sync.spec.conflictPolicy,
          record: { ...record, copies: attempt.copies },
          isLiving: this.#options.isLiving,
        });
        this.#options.onDecided?.(attempt.item, decided, existing);
        return decided;
      };
      const decision = createFirst ? look(undefined) : await attempt.read(template.name, look);
      if (decision.action === 'conflict') {
        attempt.forgetCopy(template.name);
        return conflictOutcome(namespace, template.name, decision.holder, plan.sync.spec.conflictPolicy);
      }
      if (plan.blocked !== undefined && decision.action !== 'none') throw noAnswer(plan.blocked);
      const waitMs = decision.action === 'none' ? 0 : this.#contention(attempt.item, template);
      if (waitMs > 0) {
        attempt.retry = { waitMs };
        return contendedOutcome(namespace, template.name);
      }
      const stored = await attempt.carryOut(decision);
      const altered = decision.action === 'none' ? [] : template.missingIn(stored);
      // Where it is not as it should be, the echo of the write is no news all the same.
      const seen = altered.length === 0 ? template.fingerprint : COPY_ALTERED;
      tracked.confirm(stored.metadata.resourceVersion ?? '', seen);
      if (altered.length === 0) return SYNCED;
      attempt.retry = 'backoff';
      return alteredOutcome(namespace, template.name, altered);
    } finally {
      tracked.end();
    }
  }

  /** Writing what was in sync under the same spec and source is reverting drift: somebody else changed the copy. */
  #contention({ plan, previous, namespace }: TargetItem, template: CopyTemplate): number {
    const { observedGeneration, contentHash } = plan.sync.status ?? {};
    const wasInSync = previous?.state === 'Synced' || previous?.reason === CONTENDED;
    const sameWish =
      observedGeneration === plan.sync.metadata.generation && contentHash === template.contentHash;
    if (!wasInSync || !sameWish) return 0;
    return this.#options.drift.spend(`${namespacedNameKey(plan.owner)} ${namespace}`);
  }

  /** The API server refused although the reviews allowed: permissions changed in between, or it is not about them. */
  async #refused(copying: Copying, refused: Refused): Promise<TargetResult> {
    const { verb, cause } = refused;
    const { attempt, template, view } = copying;
    const { namespace, plan } = attempt.item;
    if (cause.hasCause('NamespaceTerminating')) return attempt.result(terminating(namespace));
    if (isNamespaceGone(cause)) return attempt.result(namespaceNotFound(namespace), { copies: [] });
    if (!refused.isDecision) return attempt.unknown(cause);
    if (cause.code === 403) {
      view.access.invalidate();
      const verbs = new Set<Verb>([...requiredVerbs(plan.sync), verb]);
      const { missing } = await view.access.verdict(template.name, [...verbs], attempt.signal);
      if (missing.length > 0) return this.#denied(copying, { missing, auditID: cause.auditID });
    }
    // No code says that it will be refused for ever: quotas and policies change.
    attempt.retry = 'backoff';
    return this.#withoutFormer(copying, failedOutcome(namespace, template.name, cause));
  }

  async #denied(
    { attempt, template, view }: Copying,
    { missing, auditID }: AccessVerdict,
  ): Promise<TargetResult> {
    const { namespace, session } = attempt.item;
    view.invalidate(template.name);
    const isGone = this.#options.namespaces.state(namespace) === 'missing';
    const copies = isGone ? [] : await remainingCopies(attempt, template.name, missing);
    const outcome = deniedOutcome(session.tenant.username, namespace, missing, copies.length > 0);
    return attempt.result(outcome, { copies, auditID });
  }
}

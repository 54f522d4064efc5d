import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { Verb } from '../api/v1alpha1/config-map-sync-status.js';
import { isApiError, type ApiError } from '../k8s/client/errors.js';
import type { ConfigMap } from '../sync/config-map.js';
import type { CopyTemplate } from '../sync/copy-template.js';
import type { CycleDetector } from '../sync/cycle-detector.js';
import { ownershipOf } from '../sync/ownership.js';
import { planCopy, type CopyPlan } from '../sync/plan.js';
import { namespacedNameKey } from '../api/kubernetes.js';
import type { NamespaceWatch } from '../tenant/namespace-watch.js';
import type { AccessVerdict } from '../tenant/namespace-access.js';
import { neededVerbs, type Operation, type OperationResult, type SyncRun } from './sync-run.js';
import { CONTENDED, deniedOutcome, LOOP, mayHoldCopy, SYNCED, type TargetOutcome } from './target-outcome.js';

/** Somebody else writes the same object at the same time: a few looks settle it, more would be a fight. */
const ATTEMPTS = 4;

/** Brings the copy in one namespace in step. What goes wrong there is that namespace's outcome and nobody else's. */
export class TargetSync {
  readonly #run: SyncRun;
  readonly #template: CopyTemplate;
  readonly #lineage: CycleDetector;
  readonly #fingerprint: string;

  constructor(run: SyncRun, template: CopyTemplate, lineage: CycleDetector) {
    this.#run = run;
    this.#template = template;
    this.#lineage = lineage;
    this.#fingerprint = template.fingerprint;
  }

  /**
   * True where rights are known to suffice. It takes one question at the most, where finding out what is missing takes one
   * for each verb.
   * @throws TokenRejectedError where the tenant is no more; nothing else.
   */
  async isPlainlyAllowed(namespace: string): Promise<boolean> {
    const { session, sync, signal } = this.#run;
    const { access } = session.namespace(namespace);
    try {
      return await access.isPlainlyAllowed(this.#template.name, neededVerbs(sync), signal);
    } catch (error) {
      if (isApiError(error)) return false;
      throw error;
    }
  }

  /** @throws TokenRejectedError where the tenant is no more; nothing else. */
  async bringInStep(namespace: string): Promise<TargetOutcome> {
    const { session, sync, namespaces, signal } = this.#run;
    const view = session.namespace(namespace);
    try {
      const verdict = await view.access.verdict(this.#template.name, neededVerbs(sync), signal);
      // Rights first: whether a namespace exists is told only to those who have rights in it.
      if (verdict.missing.length > 0) return await this.#denied(namespace, view, verdict);
      const state = namespaces.state(namespace);
      if (state === 'missing') return namespaceNotFound(namespace);
      if (state === 'terminating') return terminating(namespace);
      const loop = this.#lineage.loopThrough({ namespace, name: this.#template.name }, this.#held(namespace));
      if (loop !== undefined) return this.#loop(namespace, loop);
      if (view.isKnown(this.#template.name, this.#fingerprint)) return SYNCED;
      return await this.#write(namespace, view);
    } catch (error) {
      if (isApiError(error)) return this.#failed(namespace, error);
      throw error;
    }
  }

  async #write(namespace: string, view: NamespaceWatch): Promise<TargetOutcome> {
    // Where nothing was before, most likely nothing is: creating finds out with one request.
    let createFirst = !this.#run.before.has(namespace);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(namespace, view, createFirst);
      } catch (error) {
        const moved =
          error instanceof Refused && isApiError(error.cause, 409, 404) && !namespaceGone(error.cause);
        if (moved && attempt < ATTEMPTS) {
          createFirst = false;
          continue;
        }
        if (error instanceof Refused) return await this.#refused(namespace, view, error);
        throw error;
      }
    }
  }

  async #attempt(namespace: string, view: NamespaceWatch, createFirst: boolean): Promise<TargetOutcome> {
    const { owner, source, sync, isLiving, key } = this.#run;
    const observation = view.observe(this.#template.name, key);
    try {
      const existing = createFirst ? undefined : await this.#read(namespace);
      const plan = planCopy(existing, {
        template: this.#template,
        namespace,
        owner,
        source: namespacedNameKey(source),
        conflictPolicy: sync.spec.conflictPolicy,
        isLiving,
      });
      if (plan.action === 'conflict') return this.#conflict(namespace, plan.holder);
      if (plan.action !== 'none') {
        const obstacle = this.#fight(namespace);
        if (obstacle !== undefined) return obstacle;
      }
      const written = await this.#carryOut(namespace, plan);
      observation.confirm(written.metadata.resourceVersion ?? '', this.#fingerprint);
      return SYNCED;
    } finally {
      observation.end();
    }
  }

  async #read(namespace: string): Promise<ConfigMap | undefined> {
    const { session, signal } = this.#run;
    try {
      return await session.configMaps.get<ConfigMap>(namespace, this.#template.name, signal);
    } catch (error) {
      if (isApiError(error, 404)) return undefined;
      if (isApiError(error)) throw new Refused('get', error);
      throw error;
    }
  }

  async #carryOut(namespace: string, plan: Exclude<CopyPlan, { action: 'conflict' }>): Promise<ConfigMap> {
    const { session, work, signal } = this.#run;
    const { configMaps } = session;
    const { name } = this.#template;
    switch (plan.action) {
      case 'none':
        return plan.existing;
      case 'create': {
        const created = await this.#operate('create', () =>
          configMaps.create(namespace, plan.desired, signal),
        );
        work.created += 1;
        return created;
      }
      case 'update': {
        const updated = await this.#operate('update', () =>
          configMaps.update(namespace, name, plan.desired, signal),
        );
        work.updated += 1;
        return updated;
      }
      case 'replace': {
        const { uid, resourceVersion } = plan.existing.metadata;
        await this.#operate('delete', () =>
          configMaps.delete({ namespace, name, uid, resourceVersion }, signal),
        );
        const created = await this.#operate('create', () =>
          configMaps.create(namespace, plan.desired, signal),
        );
        work.updated += 1;
        return created;
      }
    }
  }

  async #operate<T>(operation: Operation, call: () => Promise<T>): Promise<T> {
    try {
      const answer = await call();
      this.#run.onOperation(operation, 'success');
      return answer;
    } catch (error) {
      this.#run.onOperation(operation, resultOf(error));
      if (isApiError(error)) throw new Refused(operation, error);
      throw error;
    }
  }

  /** The API server refused although the reviews allowed: rights changed in between, or it is not about rights. */
  async #refused(namespace: string, view: NamespaceWatch, { verb, cause }: Refused): Promise<TargetOutcome> {
    if (cause.code !== 403 || cause.hasCause('NamespaceTerminating')) return this.#failed(namespace, cause);
    view.access.invalidate();
    const verbs = new Set<Verb>([...neededVerbs(this.#run.sync), verb]);
    const verdict = await view.access.verdict(this.#template.name, [...verbs], this.#run.signal);
    if (verdict.missing.length === 0) return this.#failed(namespace, cause);
    return this.#denied(namespace, view, { ...verdict, auditID: cause.auditID });
  }

  async #denied(namespace: string, view: NamespaceWatch, verdict: AccessVerdict): Promise<TargetOutcome> {
    const { missing, auditID } = verdict;
    this.#run.audit.refused(namespace, auditID);
    view.doubt(this.#template.name);
    const copyIsThere = await this.#copyIsThere(namespace, missing);
    return deniedOutcome(this.#run.session.tenant.username, namespace, missing, copyIsThere);
  }

  async #copyIsThere(namespace: string, missing: readonly Verb[]): Promise<boolean> {
    const before = this.#run.before.get(namespace);
    // In a namespace that is gone there is no copy, whatever was there before.
    const remembered =
      before !== undefined && mayHoldCopy(before) && this.#run.namespaces.state(namespace) !== 'missing';
    if (missing.includes('get')) return remembered;
    try {
      const existing = await this.#read(namespace);
      if (existing === undefined) return false;
      const { owner, source, isLiving } = this.#run;
      return ownershipOf(existing.metadata, owner, namespacedNameKey(source), isLiving) === 'own';
    } catch (error) {
      if (error instanceof Refused) return remembered;
      throw error;
    }
  }

  /** Putting back what was in step under the same spec and source is a repair: somebody else changed the copy. */
  #fight(namespace: string): TargetOutcome | undefined {
    const { sync, before, key, repairs } = this.#run;
    const { observedGeneration, contentHash } = sync.status ?? {};
    const target = before.get(namespace);
    const wasInStep = target?.state === 'Synced' || target?.reason === CONTENDED;
    const sameWish =
      observedGeneration === sync.metadata.generation && contentHash === this.#template.contentHash;
    if (!wasInStep || !sameWish) return undefined;
    const waitMs = repairs.spend(`${key} ${namespace}`);
    if (waitMs === 0) return undefined;
    return {
      state: 'Failed',
      reason: CONTENDED,
      message: `somebody keeps changing ConfigMap "${this.#template.name}" in namespace "${namespace}": it is put back once a minute only; stop the other writer or take the namespace off the targets`,
      retryAfterMs: waitMs,
    };
  }

  /** True where the last status tells of a copy of ours. */
  #held(namespace: string): boolean {
    const before = this.#run.before.get(namespace)?.state;
    return before === 'Synced' || before === 'Stale';
  }

  #loop(namespace: string, { metadata }: ConfigMapSync): TargetOutcome {
    const through = `ConfigMapSync ${metadata.namespace ?? ''}/${metadata.name}`;
    return {
      state: 'Conflict',
      reason: LOOP,
      message: `the source comes from ConfigMap "${this.#template.name}" in namespace "${namespace}", through ${through}: a copy there would go round in circles; take the namespace off, or choose another spec.target.name`,
    };
  }

  #conflict(namespace: string, holder: string): TargetOutcome {
    const { name } = this.#template;
    const advice =
      this.#run.sync.spec.conflictPolicy === 'Fail'
        ? "delete or rename it, choose another spec.target.name, or set spec.conflictPolicy to Overwrite if it is nobody's"
        : 'choose another spec.target.name, or take the namespace off the other one';
    return {
      state: 'Conflict',
      reason: 'NotOurs',
      message: `ConfigMap "${name}" in namespace "${namespace}" belongs to ${holder}: ${advice}`,
    };
  }

  #failed(namespace: string, error: ApiError): TargetOutcome {
    if (error.hasCause('NamespaceTerminating')) return terminating(namespace);
    if (namespaceGone(error)) return namespaceNotFound(namespace);
    const passing = error.code === 0 || error.code >= 500 || [403, 404, 408, 409, 429].includes(error.code);
    return {
      state: 'Failed',
      reason: /^[A-Za-z]+$/.test(error.reason) ? error.reason : 'RequestFailed',
      message: `ConfigMap "${this.#template.name}" in namespace "${namespace}": ${error.message}`,
      retry: passing,
    };
  }
}

/** A request of one verb that the API server did not carry out. */
class Refused extends Error {
  override readonly name = 'Refused';
  declare readonly cause: ApiError;

  constructor(
    readonly verb: Verb,
    cause: ApiError,
  ) {
    super(cause.message, { cause });
  }
}

/** A 404 for a create speaks of the namespace: the ConfigMap itself need not exist. */
function namespaceGone(error: ApiError): boolean {
  return error.code === 404 && error.message.startsWith('namespaces "');
}

function namespaceNotFound(namespace: string): TargetOutcome {
  return {
    state: 'NamespaceNotFound',
    reason: 'NamespaceNotFound',
    message: `there is no namespace "${namespace}"; the copy follows as soon as there is`,
  };
}

function terminating(namespace: string): TargetOutcome {
  return {
    state: 'Terminating',
    reason: 'NamespaceTerminating',
    message: `namespace "${namespace}" is being deleted`,
  };
}

function resultOf(error: unknown): OperationResult {
  if (isApiError(error, 403)) return 'denied';
  return isApiError(error, 409) ? 'conflict' : 'error';
}

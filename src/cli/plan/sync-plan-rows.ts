import type { ConfigMapSync } from '../../api/v1alpha1/config-map-sync.js';
import { DriftLimiter } from '../../controller/drift-limiter.js';
import { Planner } from '../../controller/planner.js';
import { accountOf, type Planned } from '../../controller/plan-request.js';
import { SyncState } from '../../controller/sync-state.js';
import { TargetWorker } from '../../controller/target-worker.js';
import type { Clock } from '../../k8s/util/clock.js';
import type { Decision } from '../../sync/decide.js';
import type { Desired, TargetOutcome, TargetResult } from '../../sync/result.js';
import { copyName } from '../../sync/targets.js';
import { IdentityError } from '../../tenant/errors.js';
import { serviceAccountUsername } from '../../api/kubernetes.js';
import type { Tenancy } from '../../tenant/tenancy.js';
import type { ClusterView } from './cluster-view.js';
import { changesBetween } from './plan-changes.js';
import type { PlanRow, PlanVerdict } from './plan-row.js';
import { recordingApply, type PlannedWrite } from './recording-apply.js';

export interface SyncPlanRowsOptions {
  tenancy: Pick<Tenancy, 'open'>;
  cluster: ClusterView;
  /** Ask the API server what it would do. */
  dryRun: boolean;
  clock: Clock;
  signal: AbortSignal;
}

/** The owner of no copy: where the ConfigMapSync is not on the server yet. */
const NO_UID = '00000000-0000-0000-0000-000000000000';

/** What carrying out one target showed. */
interface Carried {
  namespace: string;
  desired: Desired;
  result: TargetResult;
  decision: Decision | undefined;
  writes: readonly PlannedWrite[];
}

/** Plans as the operator does and carries it out with writes that are only recorded: one row for each place. */
export class SyncPlanRows {
  readonly #options: SyncPlanRowsOptions;
  readonly #planner: Planner;

  constructor(options: SyncPlanRowsOptions) {
    const { tenancy, cluster } = options;
    this.#options = options;
    this.#planner = new Planner({
      tenancy,
      namespaces: cluster,
      syncs: cluster,
      watches: false,
      onDecision: () => undefined,
    });
  }

  /**
   * @throws IdentityError where the caller may not request the token; Error where a selector cannot be evaluated; ApiError
   *   where something could not be found out.
   */
  async rows(given: ConfigMapSync): Promise<PlanRow[]> {
    const { cluster, clock, signal } = this.#options;
    const { namespace = '', name } = given.metadata;
    cluster.checkSelector(given);
    const existing = await cluster.findSync(namespace, name);
    const sync = merged(given, existing);
    const state = new SyncState(sync, clock.now());
    const request = {
      sync,
      known: state,
      running: () => [],
      recheck: false,
      fresh: existing === undefined,
      since: clock.now(),
      signal,
    };
    const planned = sync.spec.suspend
      ? { plan: this.#planner.suspended(request) }
      : await this.#planner.plan(request);
    if (planned.refusal?.reason === 'TokenRequestDenied') {
      const { reason, code, auditID } = planned.refusal;
      throw new IdentityError(reason, cannotAct(sync), code, auditID);
    }
    const work = [...planned.plan.work];
    const carried = await Promise.all(
      work.map(([each, desired]) => this.#carry(state, planned, each, desired)),
    );
    const rows = carried.flatMap((each) => rowsOf(sync, each));
    return [...this.#obstacles(planned, rows), ...rows];
  }

  async #carry(state: SyncState, planned: Planned, namespace: string, desired: Desired): Promise<Carried> {
    const { cluster, clock, dryRun, signal } = this.#options;
    const { plan, session, cycles } = planned;
    if (session === undefined) throw new Error('there is work, and no identity to do it with');
    const writes: PlannedWrite[] = [];
    let decision: Decision | undefined;
    const worker = new TargetWorker({
      namespaces: cluster,
      drift: new DriftLimiter(clock),
      isLiving: cluster.isLiving,
      onDecision: () => undefined,
      onOperation: () => undefined,
      applyFor: recordingApply((write) => writes.push(write), dryRun),
      onDecided: (_item, decided) => (decision = decided),
    });
    const previous = state.previous(namespace);
    const record = state.record(namespace);
    const item = { plan, namespace, desired, previous, record, session, cycles };
    const result = await worker.run(item, signal, () => undefined);
    return { namespace, desired, result, decision, writes };
  }

  /** Targets for which nothing is done: identity or source are missing, or it is suspended. */
  #obstacles({ plan }: Planned, rows: readonly PlanRow[]): PlanRow[] {
    const { sync, selection, conditions } = plan;
    const skipped: PlanVerdict = {
      action: 'skip',
      reason: 'SourceItself',
      message: "it is the source's own place",
    };
    const own = selection.skipped === undefined ? [] : [rowOf(sync, selection.skipped, skipped)];
    if (plan.purpose === 'sync') {
      if (selection.wanted.length + own.length + rows.length > 0) return own;
      const message =
        'no namespace to copy to: none that spec names or selects is another place than the source';
      return [rowOf(sync, '', { action: 'blocked', reason: 'NoTargets', message })];
    }
    const obstacle = Object.values(conditions).find(({ status }) => status === 'False');
    const concerned = new Set(rows.map(({ targetNamespace }) => targetNamespace));
    const targets = selection.wanted.length > 0 ? selection.wanted : [''];
    return targets
      .filter((namespace) => !concerned.has(namespace))
      .map((namespace) =>
        rowOf(sync, namespace, {
          action: 'blocked',
          reason: obstacle?.reason ?? '',
          message: obstacle?.message ?? '',
        }),
      );
  }
}

/** What is on the server, with the spec that is given. */
function merged(given: ConfigMapSync, existing: ConfigMapSync | undefined): ConfigMapSync {
  if (existing === undefined) return { ...given, metadata: { ...given.metadata, uid: NO_UID } };
  // Another generation than the one that the status speaks of.
  const generation = (existing.metadata.generation ?? 0) + 1;
  return { ...existing, spec: given.spec, metadata: { ...existing.metadata, generation } };
}

function rowsOf(sync: ConfigMapSync, carried: Carried): PlanRow[] {
  const { namespace, desired, result, writes } = carried;
  const name = copyName(sync.spec);
  const main = desired.kind === 'copy' ? [rowOf(sync, namespace, copyVerdict(carried))] : [];
  const isCopy = (write: { name: string }): boolean => desired.kind === 'copy' && write.name === name;
  const removed = writes
    .filter((write) => !isCopy(write) && !result.leftovers.some((left) => left.name === write.name))
    .map((write) =>
      rowOf(
        sync,
        namespace,
        {
          action: write.verb === 'delete' ? 'delete' : 'release',
          reason: 'NotWanted',
          message: 'no copy of that name is wanted there',
        },
        write.name,
      ),
    );
  const left = result.leftovers.map(({ name: leftName, message, missingVerb }) =>
    rowOf(
      sync,
      namespace,
      missingVerb === undefined
        ? { action: 'failed', reason: 'CleanupBlocked', message }
        : {
            action: 'denied',
            reason: 'CleanupBlocked',
            message: `the copy should go, and the ServiceAccount lacks ${missingVerb}`,
            missingVerbs: [missingVerb],
          },
      leftName,
    ),
  );
  return [...main, ...removed, ...left];
}

function copyVerdict({ result, decision, writes }: Carried): PlanVerdict {
  const { outcome, error = '' } = result;
  if (outcome === undefined) return { action: 'failed', reason: 'Unknown', message: error };
  const verdict = outcomeVerdict(outcome);
  if (verdict !== undefined) return verdict;
  switch (decision?.action) {
    case 'create':
      return { action: 'create', reason: 'Missing', changes: changesBetween(undefined, decision.desired) };
    case 'update':
    case 'replace': {
      const changes = changesBetween(decision.existing, decision.desired);
      if (decision.isOwn) return { action: decision.action, reason: 'OutOfStep', changes };
      const message = 'takes over a ConfigMap that is not its copy';
      return { action: decision.action, reason: 'TakenOver', message, changes };
    }
    case 'none':
    case 'conflict':
    case undefined:
      return { action: writes.length > 0 ? 'update' : 'unchanged', reason: 'InStep' };
  }
}

/** Undefined where a copy would be in sync, or would be but for one of a former name. */
function outcomeVerdict({
  state,
  reason,
  message = '',
  missingVerbs = [],
}: TargetOutcome): PlanVerdict | undefined {
  switch (state) {
    case 'Denied':
    case 'Stale':
      return {
        action: 'denied',
        reason,
        message: `the ServiceAccount lacks ${missingVerbs.join(', ')}`,
        missingVerbs,
      };
    case 'Conflict':
      return { action: 'conflict', reason, message };
    case 'NamespaceNotFound':
    case 'Terminating':
      return { action: 'wait', reason, message };
    case 'Failed':
      return reason === 'CleanupBlocked' ? undefined : { action: 'failed', reason, message };
    case 'Synced':
    case 'Pending':
    case 'Skipped':
      return undefined;
  }
}

function rowOf(
  sync: ConfigMapSync,
  namespace: string,
  verdict: PlanVerdict,
  configMap = copyName(sync.spec),
): PlanRow {
  return {
    namespace: sync.metadata.namespace ?? '',
    name: sync.metadata.name,
    serviceAccount: sync.spec.serviceAccount.name,
    targetNamespace: namespace,
    configMap,
    action: verdict.action,
    reason: verdict.reason,
    message: verdict.message ?? '',
    missingVerbs: verdict.missingVerbs ?? [],
    changes: verdict.changes ?? [],
  };
}

/** Whoever plans for a tenant has to be trusted with the tenant's permissions: that is what a token is. */
function cannotAct(sync: ConfigMapSync): string {
  const { namespace, name } = accountOf(sync);
  return (
    `a plan looks with the rights of ${serviceAccountUsername({ namespace, name })}, and you may not request a token of it: ` +
    `have somebody grant you "create" on its token (resource serviceaccounts, subresource token, resourceNames [${name}]) in namespace "${namespace}", or let them run the plan`
  );
}

import type { ConfigMapSync } from '../../api/v1alpha1/config-map-sync.js';
import type { TargetState } from '../../api/v1alpha1/config-map-sync-status.js';
import { DriftLimiter } from '../../controller/drift-limiter.js';
import { Planner, type Planned } from '../../controller/planner.js';
import { SyncState } from '../../controller/sync-state.js';
import { TargetWorker } from '../../controller/target-worker.js';
import { systemClock } from '../../k8s/util/clock.js';
import type { Decision } from '../../sync/decide.js';
import { CLEANUP_BLOCKED, SKIPPED } from '../../sync/outcomes.js';
import type { Desired, Leftover, SyncPlan, TargetResult } from '../../sync/result.js';
import { accountOf, copyName } from '../../sync/targets.js';
import { serviceAccountUsername } from '../../api/kubernetes.js';
import type { Tenancy } from '../../tenant/tenancy.js';
import type { ClusterView } from './cluster-view.js';
import { changesBetween, type KeyChange } from './plan-changes.js';
import type { PlanRow, PlanVerdict } from './plan-table.js';
import { recordingApply, type PlannedWrite } from './recording-apply.js';

export interface PlanRowsOptions {
  tenancy: Pick<Tenancy, 'open'>;
  cluster: ClusterView;
  /** Ask the API server what it would do. */
  dryRun: boolean;
  signal: AbortSignal;
}

/** The owner of no copy: where the ConfigMapSync is not on the server yet. */
const NO_UID = '00000000-0000-0000-0000-000000000000';

/**
 * Plans as the operator does and carries it out with writes that are only recorded: one row for each place.
 * @throws Error where the caller may not request the token, or a selector cannot be evaluated; ApiError where something
 *   could not be found out.
 */
export async function planRows(given: ConfigMapSync, options: PlanRowsOptions): Promise<PlanRow[]> {
  const { tenancy, cluster, signal } = options;
  cluster.checkSelector(given);
  const existing = await cluster.findSync(given.metadata.namespace ?? '', given.metadata.name);
  const sync = merged(given, existing);
  const since = systemClock.now();
  const state = new SyncState(sync, since);
  const { namespaces, syncs } = cluster;
  const planner = new Planner({ tenancy, namespaces, syncs, watches: false, onDecision: () => undefined });
  const fresh = existing === undefined;
  const request = { sync, known: state, running: () => [], recheck: false, fresh, since, signal };
  const planned: Planned = sync.spec.suspend
    ? { plan: await planner.suspended(request) }
    : await planner.plan(request);
  if (planned.refusal?.reason === 'TokenRequestDenied') {
    // Whoever plans for a tenant has to be trusted with the tenant's permissions: that is what a token is.
    const account = accountOf(sync);
    throw new Error(
      `a plan looks with the rights of ${serviceAccountUsername(account)}, and you may not request a token of it: ` +
        `have somebody grant you "create" on its token (resource serviceaccounts, subresource token, resourceNames [${account.name}]) in namespace "${account.namespace}", or let them run the plan`,
      { cause: planned.refusal },
    );
  }
  const rows = await Promise.all(
    [...planned.plan.work].map(([namespace, work]) => carryOut(planned, namespace, work, state, options)),
  );
  return [...placesWithoutWork(planned.plan, rows.flat()), ...rows.flat()];
}

async function carryOut(
  { plan, session, cycles, template }: Planned,
  namespace: string,
  work: Desired,
  state: SyncState,
  { cluster, dryRun, signal }: PlanRowsOptions,
): Promise<PlanRow[]> {
  const desired = work === 'copy' ? template : work;
  if (!session || !desired) throw new Error('there is work, and no identity to do it with');
  const writes: PlannedWrite[] = [];
  let decision: Decision | undefined;
  let changes: KeyChange[] = [];
  const worker = new TargetWorker({
    namespaces: cluster.namespaces,
    drift: new DriftLimiter(systemClock),
    isLiving: cluster.isLiving,
    onDecision: () => undefined,
    onOperation: () => undefined,
    applyFor: recordingApply((write) => writes.push(write), dryRun),
    onDecided: (_item, decided, existing) => {
      decision = decided;
      changes = 'desired' in decided ? changesBetween(existing, decided.desired) : [];
    },
  });
  const previous = state.previous(namespace);
  const record = state.record(namespace);
  const item = { plan, namespace, desired, previous, record, session, cycles };
  const result = await worker.run(item, signal, () => undefined);

  const { sync } = plan;
  const copy = work === 'copy' ? copyName(sync.spec) : undefined;
  const settled = new Set([copy, ...result.leftovers.map(({ name }) => name)]);
  const removed = writes
    .filter(({ name }) => !settled.has(name))
    .map(({ verb, name }) => {
      const action = verb === 'delete' ? 'delete' : 'release';
      const message = 'no copy of that name is wanted there';
      return rowOf(sync, namespace, { action, reason: 'NotWanted', message }, name);
    });
  const left = result.leftovers.map((each) => rowOf(sync, namespace, leftoverVerdict(each), each.name));
  if (copy === undefined) return [...removed, ...left];
  const verdict = copyVerdict(result, decision, changes, writes.length > 0);
  return [rowOf(sync, namespace, verdict), ...removed, ...left];
}

/** The source's own place, and targets for which nothing is done: identity or source are missing, or it is suspended. */
function placesWithoutWork(
  { purpose, sync, selection, conditions }: SyncPlan,
  rows: readonly PlanRow[],
): PlanRow[] {
  const blocked = (namespace: string, reason = '', message = ''): PlanRow =>
    rowOf(sync, namespace, { action: 'blocked', reason, message });
  const { wanted, skipped } = selection;
  if (purpose === 'sync') {
    if (skipped !== undefined) return [rowOf(sync, skipped, { action: 'skip', ...SKIPPED })];
    if (wanted.length + rows.length > 0) return [];
    const none = 'no namespace to copy to: none that spec names or selects is another place than the source';
    return [blocked('', 'NoTargets', none)];
  }
  const obstacle = Object.values(conditions).find(({ status }) => status === 'False');
  const concerned = new Set(rows.map(({ targetNamespace }) => targetNamespace));
  return (wanted.length > 0 ? wanted : [''])
    .filter((namespace) => !concerned.has(namespace))
    .map((namespace) => blocked(namespace, obstacle?.reason, obstacle?.message));
}

/** What is on the server, with the spec that is given. */
function merged(given: ConfigMapSync, existing: ConfigMapSync | undefined): ConfigMapSync {
  if (existing === undefined) return { ...given, metadata: { ...given.metadata, uid: NO_UID } };
  // Another generation than the one that the status speaks of.
  const generation = (existing.metadata.generation ?? 0) + 1;
  return { ...existing, spec: given.spec, metadata: { ...existing.metadata, generation } };
}

function leftoverVerdict({ message, missingVerb }: Leftover): PlanVerdict {
  const reason = CLEANUP_BLOCKED;
  if (missingVerb === undefined) return { action: 'failed', reason, message };
  const lack = `the copy should go, and the ServiceAccount lacks ${missingVerb}`;
  return { action: 'denied', reason, message: lack, missingVerbs: [missingVerb] };
}

/** Undefined where what is decided is told. */
const ACTIONS: Record<TargetState, 'denied' | 'conflict' | 'wait' | 'failed' | undefined> = {
  Denied: 'denied',
  Stale: 'denied',
  Conflict: 'conflict',
  NamespaceNotFound: 'wait',
  Terminating: 'wait',
  Failed: 'failed',
  Synced: undefined,
  Pending: undefined,
  Skipped: undefined,
};

function copyVerdict(
  { outcome, error = '' }: TargetResult,
  decision: Decision | undefined,
  changes: KeyChange[],
  isWritten: boolean,
): PlanVerdict {
  if (outcome === undefined) return { action: 'failed', reason: 'Unknown', message: error };
  const { state, reason, message = '', missingVerbs = [] } = outcome;
  const action = ACTIONS[state];
  if (action === 'denied') {
    const lack = `the ServiceAccount lacks ${missingVerbs.join(', ')}`;
    return { action, reason, message: lack, missingVerbs };
  }
  // The copy itself would be in sync, but for one of a former name.
  const isLeftover = action === 'failed' && reason === CLEANUP_BLOCKED;
  if (action !== undefined && !isLeftover) return { action, reason, message };
  if (decision === undefined || !('desired' in decision)) {
    return { action: isWritten ? 'update' : 'unchanged', reason: 'InStep' };
  }
  if (decision.action === 'create') return { action: 'create', reason: 'Missing', changes };
  if (decision.isOwn) return { action: decision.action, reason: 'OutOfStep', changes };
  const taken = 'takes over a ConfigMap that is not its copy';
  return { action: decision.action, reason: 'TakenOver', message: taken, changes };
}

function rowOf(
  { metadata, spec }: ConfigMapSync,
  targetNamespace: string,
  { action, reason, message = '', missingVerbs = [], changes = [] }: PlanVerdict,
  configMap = copyName(spec),
): PlanRow {
  const { namespace = '', name } = metadata;
  const serviceAccount = spec.serviceAccount.name;
  const place = { namespace, name, serviceAccount, targetNamespace, configMap };
  return { ...place, action, reason, message, missingVerbs, changes };
}

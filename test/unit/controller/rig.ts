import type { ConfigMapSyncSpec } from '../../../src/api/v1alpha1/config-map-sync-spec.js';
import type { ConfigMapSyncStatus } from '../../../src/api/v1alpha1/config-map-sync-status.js';
import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import { ConfigMapSyncClient } from '../../../src/controller/config-map-sync-client.js';
import { DriftLimiter } from '../../../src/controller/drift-limiter.js';
import { EventHandlers } from '../../../src/controller/event-handlers.js';
import { Finalizer } from '../../../src/controller/finalizer.js';
import { NamespaceLister } from '../../../src/controller/namespace-lister.js';
import { Planner } from '../../../src/controller/planner.js';
import { ConfigMapSyncReconciler } from '../../../src/controller/reconciler.js';
import { Reporter } from '../../../src/controller/reporter.js';
import { Schedule } from '../../../src/controller/schedule.js';
import { SyncIndex } from '../../../src/controller/sync-index.js';
import { SyncAdmission } from '../../../src/controller/sync-admission.js';
import { SyncStates } from '../../../src/controller/sync-states.js';
import { type SyncState } from '../../../src/controller/sync-state.js';
import { TargetRunner } from '../../../src/controller/target-runner.js';
import { Controller, type ReconcileResult } from '../../../src/k8s/controller/controller.js';
import { MemoryBudget } from '../../../src/k8s/cache/memory-budget.js';
import { WorkQueue } from '../../../src/k8s/controller/work-queue.js';
import { Notifier } from '../../../src/reporting/notifier.js';
import { FairQueue } from '../../../src/tenant/fair-queue.js';
import { Tenancy } from '../../../src/tenant/tenancy.js';
import { FakeClock, settle } from '../../support/fakes/fake-clock.js';
import { syncObject } from '../../support/sync-object.js';
import { FakeCluster } from './fake-cluster.js';

export const RESYNC_MS = 600_000;
export const POLL_MS = 30_000;
export const CLEAN_UP_MS = 600_000;

const KEY = 'team-a/share';

/**
 * The whole of a controller on a {@link FakeCluster}: ConfigMapSync team-a/share copies team-a/shared. Targets and reports
 * go on by themselves; plans are made when a test says so.
 */
export class Rig {
  readonly clock = new FakeClock();
  readonly cluster = new FakeCluster(() => this.clock.now());
  readonly admission = new SyncAdmission({
    store: this.cluster.syncs,
    budget: new MemoryBudget(2 ** 30, () => undefined),
    client: this.cluster.api.client(),
    clock: this.clock,
  });
  readonly states = new SyncStates(this.cluster.syncs, () => this.clock.now());
  /** ConfigMapSyncs to be planned. */
  readonly queue: WorkQueue;
  readonly reporter: Reporter;
  readonly targets: TargetRunner;
  readonly reconciler: ConfigMapSyncReconciler;
  readonly tenancy: Tenancy;
  /** `reason namespace`, in the order in which they were told. */
  readonly events: string[] = [];
  readonly notes: string[] = [];
  readonly operations: string[] = [];
  /** How copies that were left behind were counted, by ConfigMapSync. */
  readonly abandoned: string[] = [];
  /** Faults of ours. */
  readonly faults: unknown[] = [];
  /** Why a status could not be written, each time. */
  readonly reportErrors: unknown[] = [];
  /** How soon the reporter asked for another plan. */
  readonly replans: number[] = [];
  readonly stop = new AbortController();
  readonly #reporting = new AbortController();
  readonly #stopHandlers: () => void;

  constructor() {
    const { cluster, clock, states } = this;
    const random = (): number => 0;
    for (const name of ['team-a', 'prod', 'dev']) cluster.addNamespace(name);
    this.queue = new WorkQueue({ clock, random });
    const reports = new WorkQueue({ clock, random });
    const namespaces = new NamespaceLister(cluster.namespaces);
    const index = new SyncIndex(cluster.syncs);
    const notifier = this.#notifier();
    const schedule = new Schedule({ pollMs: POLL_MS, resyncMs: RESYNC_MS }, random);
    const finalizer = new Finalizer({ namespaces, timeoutMs: CLEAN_UP_MS, clock });
    const client = new ConfigMapSyncClient(cluster.api.client());
    this.tenancy = this.#tenancy();
    this.reporter = new Reporter({
      states,
      client,
      notifier,
      finalizer,
      queue: reports,
      hasQuick: (uid) => this.targets.queue.hasQuick(uid),
      replan: (key, afterMs) => {
        this.replans.push(afterMs);
        this.queue.addAfter(key, afterMs);
      },
      recoveryMs: () => schedule.recoveryMs(),
      onFinalized: (state) => this.reconciler.forget(state),
      clock,
    });
    this.targets = new TargetRunner({
      room: () => undefined,
      states,
      seats: new FairQueue(64, clock),
      namespaces,
      drift: new DriftLimiter(clock),
      isLiving: ({ uid }) => index.byUid(uid) !== undefined,
      onDecision: (plan, decision) => notifier.decided(plan.sync, decision),
      onOperation: (operation, result) => this.operations.push(`${operation} ${result}`),
      applyFor: (session, onDecision) => session.configMaps(onDecision),
      onSettled: (state) => this.reporter.changed(state),
      onFault: (_key, error) => this.faults.push(error),
      replan: (key) => this.queue.add(key),
      signal: this.stop.signal,
      clock,
      random,
    });
    this.reconciler = new ConfigMapSyncReconciler({
      states,
      client,
      admission: this.admission,
      tenancy: this.tenancy,
      planner: new Planner({
        tenancy: this.tenancy,
        namespaces,
        syncs: index,
        watches: true,
        onDecision: (sync, decision) => notifier.decided(sync, decision),
      }),
      targets: this.targets,
      reporter: this.reporter,
      finalizer,
      notifier,
      schedule,
      clock,
    });
    this.#stopHandlers = new EventHandlers({
      syncs: cluster.syncs,
      namespaces: cluster.namespaces,
      index,
      queue: this.queue,
      states,
      now: () => clock.now(),
    }).start();
    void new Controller({
      queue: reports,
      workers: 1,
      reconcile: (uid) => this.reporter.report(uid, this.stop.signal),
      onError: (_uid, error) => this.reportErrors.push(error),
    }).run(this.#reporting.signal);
  }

  #notifier(): Notifier {
    return new Notifier({
      events: {
        record: ({ reason, related, note }) => {
          this.events.push(related === undefined ? reason : `${reason} ${related.name}`);
          this.notes.push(note);
          return true;
        },
      },
      metrics: {
        setTargets: () => undefined,
        setDenied: () => undefined,
        setLastSync: () => undefined,
        countDenial: () => undefined,
        cleanupAbandoned: (namespace, name) => this.abandoned.push(`${namespace}/${name}`),
        eventsDropped: () => undefined,
        propagated: () => undefined,
        forget: () => undefined,
      },
      log: { write: () => undefined },
    });
  }

  #tenancy(): Tenancy {
    const { cluster, clock } = this;
    return new Tenancy({
      client: cluster.api.client(),
      operator: 'operator',
      expirationSeconds: 600,
      onRequested: () => undefined,
      clientFor: (authorize) => cluster.api.client(authorize),
      requests: new FairQueue(32, clock),
      userAgentPrefix: 'config-weaver/1',
      clock,
      onChanged: () => undefined,
      random: () => 0,
      recheck: { deniedMs: 7_500, allowedMs: 45_000 },
      notify: () => undefined,
    });
  }

  /** Creates or changes the ConfigMapSync, as a user does: a new spec is a new generation. */
  apply(spec: Partial<ConfigMapSyncSpec>): void {
    const before = this.cluster.syncs.get(KEY);
    const sync = syncObject({
      spec: Object.assign({}, before?.spec, spec),
      metadata: {
        creationTimestamp: this.cluster.timestamp(),
        ...before?.metadata,
        generation: (before?.metadata.generation ?? 0) + 1,
      },
      ...(before?.status && { status: before.status }),
    });
    sync.metadata.resourceVersion = this.cluster.nextVersion();
    if (before === undefined) sync.metadata.finalizers = [];
    this.cluster.syncs.upsert(sync);
  }

  annotate(annotations: Record<string, string>): void {
    const sync = structuredClone(this.sync);
    sync.metadata.annotations = annotations;
    sync.metadata.resourceVersion = this.cluster.nextVersion();
    this.cluster.syncs.upsert(sync);
  }

  /** Asks for the deletion of the ConfigMapSync, now. */
  delete(...finalizers: string[]): void {
    const sync = structuredClone(this.sync);
    sync.metadata.deletionTimestamp = new Date(this.clock.now()).toISOString();
    sync.metadata.resourceVersion = this.cluster.nextVersion();
    sync.metadata.finalizers?.push(...finalizers);
    this.cluster.syncs.upsert(sync);
  }

  get sync(): ConfigMapSync {
    const sync = this.cluster.syncs.get(KEY);
    if (sync === undefined) throw new Error('there is no ConfigMapSync');
    return sync;
  }

  get syncState(): SyncState {
    return this.states.of(this.sync);
  }

  get gone(): boolean {
    return this.cluster.syncs.get(KEY) === undefined;
  }

  get status(): ConfigMapSyncStatus {
    return this.sync.status ?? {};
  }

  /** `state` or `state/reason` of a target. */
  state(namespace: string): string | undefined {
    const target = this.status.targets?.find((candidate) => candidate.namespace === namespace);
    if (target === undefined) return undefined;
    return target.state === 'Synced' ? 'Synced' : `${target.state}/${target.reason ?? ''}`;
  }

  /** `status/reason` of a condition. */
  condition(type: string): string | undefined {
    const found = this.status.conditions?.find((candidate) => candidate.type === type);
    return found && `${found.status}/${found.reason}`;
  }

  /** Makes one plan, and carries it out as far as that takes no time. */
  async reconcile(): Promise<ReconcileResult> {
    // It is what the queue asked for, too.
    while (this.queue.length > 0) await this.#take();
    const result = await this.reconciler.reconcile(KEY, this.stop.signal);
    if (result.requeueAfterMs !== undefined) this.queue.addAfter(KEY, result.requeueAfterMs);
    await this.settle();
    return result;
  }

  /** Whatever waits for nothing but its turn. */
  async settle(): Promise<void> {
    // A report of many Events is told in slices.
    for (let slice = 0; slice < 50; slice += 1) await settle();
  }

  async advance(milliseconds: number): Promise<void> {
    await this.clock.advance(milliseconds);
    await this.settle();
  }

  /** Plans whatever was asked to be planned by now. Returns how often that was. */
  async planQueued(): Promise<number> {
    await this.settle();
    let plans = 0;
    for (; this.queue.length > 0; plans += 1) {
      await this.#take();
      await this.reconcile();
    }
    return plans;
  }

  async #take(): Promise<void> {
    this.queue.done((await this.queue.get(this.stop.signal)) ?? '');
  }

  /** What a plan failed with. */
  async failure(): Promise<unknown> {
    const failure = await this.reconcile().then(
      () => undefined,
      (error: unknown) => error,
    );
    await this.settle();
    return failure;
  }

  /** A new operator on the cluster of this one, which has stopped. */
  restart(): Rig {
    this.close();
    const restarted = new Rig();
    for (const [key, configMap] of this.cluster.configMaps) restarted.cluster.configMaps.set(key, configMap);
    for (const [namespace, verbs] of this.cluster.rights) restarted.cluster.rights.set(namespace, verbs);
    restarted.cluster.syncs.upsert(this.sync);
    return restarted;
  }

  close(): void {
    this.#stopHandlers();
    this.#reporting.abort();
    this.tenancy.closeAll();
  }
}

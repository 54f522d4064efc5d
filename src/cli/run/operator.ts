import { API_VERSION } from '../../api/v1alpha1/well-known.js';
import { Notifier } from '../../reporting/notifier.js';
import { PolicyReporter } from '../../reporting/policy-reporter.js';
import { ConfigMapSyncClient } from '../../controller/config-map-sync-client.js';
import { DriftLimiter } from '../../controller/drift-limiter.js';
import { NamespaceLister } from '../../controller/namespace-lister.js';
import { Planner } from '../../controller/planner.js';
import { ConfigMapSyncReconciler } from '../../controller/reconciler.js';
import { Reporter } from '../../controller/reporter.js';
import { RECOVERY_MS, Schedule } from '../../controller/schedule.js';
import { SyncIndex } from '../../controller/sync-index.js';
import { SyncStates } from '../../controller/sync-states.js';
import { TargetRunner } from '../../controller/target-runner.js';
import { EventHandlers } from '../../controller/event-handlers.js';
import { Finalizer } from '../../controller/finalizer.js';
import { abortable, Turns } from '../../k8s/util/async.js';
import type { Clock } from '../../k8s/util/clock.js';
import { Controller } from '../../k8s/controller/controller.js';
import type { EventRecorder } from '../../k8s/events/event-recorder.js';
import { objectKey, splitKey } from '../../k8s/client/objects.js';
import { WorkQueue } from '../../k8s/controller/work-queue.js';
import type { MemoryGuard } from '../../k8s/util/memory-guard.js';
import type { AuditSink } from '../../telemetry/logging/audit-sink.js';
import type { Logger } from '../../telemetry/logging/logger.js';
import type { Metrics } from '../../telemetry/metrics/metrics.js';
import { FairQueue, REQUEST_SHARES } from '../../tenant/fair-queue.js';
import type { Tenancy } from '../../tenant/tenancy.js';
import type { Caller } from '../caller.js';
import type { RunOptions } from './run-command.js';
import type { SyncWatches } from './sync-watches.js';

export interface OperatorParts {
  options: RunOptions;
  /** The operator itself. */
  caller: Caller;
  /** Its user name. */
  username: string;
  watches: SyncWatches;
  events: EventRecorder;
  auditLog: Pick<AuditSink, 'write'>;
  metrics: Metrics;
  logger: Logger;
  memory: Pick<MemoryGuard, 'room'>;
  clock: Clock;
}

/** The name under which metrics and Events know the controller. */
export const CONTROLLER = 'configmapsync';
export const REPORTING_CONTROLLER = `${API_VERSION.split('/')[0] ?? ''}/configmapsync-controller`;

/** How often rights are looked at again while all is well: a revocation shows within a minute. */
const RECHECK_MS = 45_000;
/** Half of what recovery from a denial may take, so that a look that just missed a grant does no harm. */
const DENIED_RECHECK_MS = RECOVERY_MS / 2;

/** The part of the operator that acts: made when this replica leads, closed when it does so no more. */
export class Operator {
  readonly #planning: Controller;
  readonly #reporting: Controller;
  /** Has failures tried again at the end of each outage, until the returned function is called. */
  readonly #retryAfterOutages: () => () => void;
  readonly #targets: TargetRunner;
  readonly #reporter: Reporter;
  readonly #tenancy: Tenancy;
  readonly #queue: WorkQueue;
  readonly #watches: SyncWatches;
  readonly #handlers: EventHandlers;
  readonly #policyReporter: PolicyReporter | undefined;
  readonly #stopNow = new AbortController();

  constructor(parts: OperatorParts) {
    const { options, caller, watches, metrics, logger, memory, clock } = parts;
    const random = Math.random;
    this.#watches = watches;
    this.#queue = new WorkQueue({
      random,
      groupOf: (key) => splitKey(key).namespace,
      observer: metrics.runtime.queue(CONTROLLER),
    });
    metrics.runtime.measureQueue(CONTROLLER, this.#queue);
    const reports = new WorkQueue({
      random,
      groupOf: (uid) => splitKey(states.get(uid)?.key ?? '').namespace,
    });

    // A plan or a status of a thousand targets takes milliseconds of computing.
    const turns = new Turns(1);
    const namespaces = new NamespaceLister(watches.namespaces);
    const index = new SyncIndex(watches.syncs);
    const states = new SyncStates(watches.syncs, () => clock.now());
    const notifier = new Notifier({ events: parts.events, metrics, log: parts.auditLog });
    const schedule = new Schedule({ pollMs: options.pollInterval, resyncMs: options.resyncInterval }, random);
    const finalizer = new Finalizer({ namespaces, timeoutMs: options.cleanupTimeout, clock });
    const syncClient = new ConfigMapSyncClient(caller.client);
    this.#tenancy = caller.tenancy({
      operator: parts.username,
      expirationSeconds: options.tokenExpiration / 1000,
      onRequested: (result) => metrics.tokenRequests.inc({ result }),
      requests: new FairQueue(options.maxConcurrentRequests, undefined, REQUEST_SHARES),
      onChanged: (account) => {
        for (const sync of this.#tenancy.usersOf(account)) this.#queue.add(sync);
      },
      clock,
      random,
      recheck: {
        deniedMs: Math.min(options.pollInterval, DENIED_RECHECK_MS),
        allowedMs: Math.min(options.resyncInterval, RECHECK_MS),
      },
      notify: (sync, cause) => this.#handlers.notify(sync, cause),
      onUnused: ({ namespace, name }) => metrics.forgetServiceAccount(namespace, name),
    });
    this.#reporter = new Reporter({
      states,
      client: syncClient,
      notifier,
      finalizer,
      queue: reports,
      hasQuick: (uid) => this.#targets.queue.hasQuick(uid),
      replan: (key, afterMs) => this.#queue.addAfter(key, afterMs),
      recoveryMs: () => schedule.recoveryMs(),
      onFinalized: (state) => reconciler.forget(state),
      clock,
    });
    this.#targets = new TargetRunner({
      states,
      seats: new FairQueue(2 * options.maxConcurrentRequests),
      namespaces,
      drift: new DriftLimiter(clock),
      isLiving: ({ uid, namespace }) =>
        !(options.watchNamespaces.length === 0 || options.watchNamespaces.includes(namespace)) ||
        index.byUid(uid) !== undefined,
      onDecision: (plan, decision) => notifier.decided(plan.sync, decision),
      onOperation: (operation, result) => metrics.operations.inc({ operation, result }),
      applyFor: (session, onDecision) => session.configMaps(onDecision),
      onSettled: (state) => this.#reporter.changed(state),
      room: () => memory.room,
      onFault: (key, error) => logger.error('a target failed', { configMapSync: key, error }),
      replan: (key) => this.#queue.add(key),
      // What is in flight is finished when the operator stops; only a lost Lease, or a long wait, cuts it off.
      signal: this.#stopNow.signal,
      clock,
      random,
    });
    const reconciler = new ConfigMapSyncReconciler({
      states,
      client: syncClient,
      admission: watches.admission,
      tenancy: this.#tenancy,
      planner: new Planner({
        tenancy: this.#tenancy,
        namespaces,
        syncs: index,
        watches: true,
        onDecision: (sync, decision) => notifier.decided(sync, decision),
      }),
      targets: this.#targets,
      reporter: this.#reporter,
      finalizer,
      notifier,
      schedule,
      clock,
    });
    this.#handlers = new EventHandlers({
      syncs: watches.syncs,
      namespaces: watches.namespaces,
      index,
      queue: this.#queue,
      states,
      now: () => clock.now(),
    });
    this.#planning = new Controller({
      queue: this.#queue,
      workers: options.maxConcurrentReconciles,
      reconcile: async (key) => {
        const { signal } = this.#stopNow;
        if (memory.room !== undefined) await abortable(memory.room, signal);
        await turns.next();
        return reconciler.reconcile(key, signal);
      },
      observer: metrics.runtime.controller(CONTROLLER),
      onError: (key, error) =>
        logger.warn('reconcile failed and is tried again', { configMapSync: key, error }),
    });
    this.#reporting = new Controller({
      queue: reports,
      workers: options.maxConcurrentReconciles,
      reconcile: async (uid) => {
        await turns.next();
        return this.#reporter.report(uid, this.#stopNow.signal);
      },
      onError: (uid, error) =>
        logger.warn('a status could not be written and is tried again', {
          configMapSync: states.get(uid)?.key,
          error,
        }),
    });

    this.#retryAfterOutages = () =>
      caller.reachability.onRecovery(() => {
        for (const queue of [this.#queue, reports, this.#targets.queue]) queue.retryFailed();
      });
    this.#policyReporter = options.policyReports
      ? new PolicyReporter({ client: caller.client, syncs: watches.syncs, log: logger, clock })
      : undefined;

    metrics.collect({
      cachedTokens: () => this.#tenancy.cachedTokens,
      watches: () => ({ configmaps: this.#tenancy.watches }),
    });
  }

  /** Names each tenant watch that was silent since `deadline` (milliseconds since the epoch). */
  stalledWatches(deadline: number): string[] {
    return this.#tenancy.stalled(deadline);
  }

  /** Reconciles until `signal` aborts; returns when nothing is in flight any more. */
  async run(signal: AbortSignal): Promise<void> {
    const stopHandlers = this.#handlers.start();
    const stopRetries = this.#retryAfterOutages();
    for (const sync of this.#watches.syncs.list()) this.#queue.add(objectKey(sync));
    const reporting = new AbortController();
    const reported = this.#reporting.run(reporting.signal);
    try {
      await Promise.all([this.#planning.run(signal), this.#policyReporter?.run(signal)]);
      await this.#targets.queue.drain();
      await this.#reporter.flush(this.#stopNow.signal);
    } finally {
      stopHandlers();
      stopRetries();
      reporting.abort();
      await reported;
      this.#tenancy.closeAll();
    }
  }

  /** Cuts off what is in flight: nothing is written after this. */
  stopNow(reason: Error): void {
    this.#stopNow.abort(reason);
  }
}

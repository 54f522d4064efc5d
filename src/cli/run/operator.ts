import { API_VERSION } from '../../api/v1alpha1/well-known.js';
import { AuditTrail } from '../../reporting/audit-trail.js';
import { DenialRegister } from '../../reporting/denial-register.js';
import { PolicyReporter } from '../../reporting/policy-reporter.js';
import { ConfigMapSyncClient } from '../../controller/config-map-sync-client.js';
import { ConfigMapSyncController } from '../../controller/config-map-sync-controller.js';
import { NamespaceLister } from '../../controller/namespace-lister.js';
import { RECOVERY_MS } from '../../controller/schedule.js';
import { EventHandlers } from '../../controller/event-handlers.js';
import type { Clock } from '../../k8s/util/clock.js';
import { Controller } from '../../k8s/controller/controller.js';
import type { EventRecorder } from '../../k8s/events/event-recorder.js';
import { objectKey } from '../../k8s/client/objects.js';
import { RestClient } from '../../k8s/client/rest-client.js';
import type { Transport } from '../../k8s/client/transport.js';
import { WorkQueue } from '../../k8s/controller/work-queue.js';
import type { AuditSink } from '../../telemetry/logging/audit-sink.js';
import type { Logger } from '../../telemetry/logging/logger.js';
import type { Metrics } from '../../telemetry/metrics/metrics.js';
import { FairLimiter } from '../../tenant/fair-limiter.js';
import { Tenancy } from '../../tenant/tenancy.js';
import { TenantPool } from '../../tenant/tenant-pool.js';
import { TokenBroker } from '../../tenant/token-broker.js';
import type { RunOptions } from './run-command.js';
import type { SyncWatches } from './sync-watches.js';

export interface OperatorParts {
  options: RunOptions;
  server: string;
  transport: Transport;
  /** Under the operator's own identity. */
  client: RestClient;
  /** The operator's user name. */
  username: string;
  userAgent: string;
  watches: SyncWatches;
  events: EventRecorder;
  auditLog: AuditSink;
  metrics: Metrics;
  logger: Logger;
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
  readonly #controller: Controller;
  readonly #tenancy: Tenancy;
  readonly #queue: WorkQueue;
  readonly #watches: SyncWatches;
  readonly #policyReporter: PolicyReporter | undefined;
  readonly #stopNow = new AbortController();

  constructor(parts: OperatorParts) {
    const { options, transport, client, watches, metrics, logger, clock, userAgent } = parts;
    const random = Math.random;
    this.#watches = watches;
    this.#queue = new WorkQueue({ random, observer: metrics.runtime.queue(CONTROLLER) });

    metrics.runtime.measureQueue(CONTROLLER, this.#queue);

    const registry = new TenantPool({
      broker: new TokenBroker({
        client,
        operator: parts.username,
        expirationSeconds: options.tokenExpiration / 1000,
        clock,
        observer: metrics,
      }),
      clientFor: (authorize) =>
        new RestClient({
          server: parts.server,
          dispatcher: (use) => transport.dispatcher('bearer', use),
          authorize,
          userAgent,
          requireAuthorization: true,
          observer: metrics.runtime,
          clock,
        }),
      limiter: new FairLimiter(options.maxConcurrentRequests),
      userAgentPrefix: userAgent,
      clock,
      onEnded: (account) => {
        for (const sync of this.#tenancy.usersOf(account)) this.#queue.add(sync);
      },
    });
    this.#tenancy = new Tenancy({
      registry,
      userAgentPrefix: userAgent,
      clock,
      random,
      recheck: {
        deniedMs: Math.min(options.pollInterval, DENIED_RECHECK_MS),
        allowedMs: Math.min(options.resyncInterval, RECHECK_MS),
      },
      notify: (sync, cause) => triggers.notify(sync, cause),
      onUnused: ({ namespace, name }) => metrics.forgetServiceAccount(namespace, name),
    });

    const register = new DenialRegister();
    const reconciler = new ConfigMapSyncController({
      syncs: watches.syncs,
      client: new ConfigMapSyncClient(client),
      namespaces: new NamespaceLister(watches.namespaces),
      tenancy: this.#tenancy,
      audit: new AuditTrail({ events: parts.events, metrics, log: parts.auditLog, register }),
      metrics,
      intervals: {
        pollMs: options.pollInterval,
        resyncMs: options.resyncInterval,
        cleanUpTimeoutMs: options.cleanupTimeout,
      },
      watchesNamespace: (namespace) =>
        options.watchNamespaces.length === 0 || options.watchNamespaces.includes(namespace),
      clock,
      random,
    });
    const triggers = new EventHandlers({
      syncs: watches.syncs,
      namespaces: watches.namespaces,
      queue: this.#queue,
      memory: reconciler.memory,
      now: () => clock.now(),
    });
    this.#controller = new Controller({
      name: CONTROLLER,
      queue: this.#queue,
      workers: options.maxConcurrentReconciles,
      // What is in flight is finished when the operator stops; only a lost Lease, or a long wait, cuts it off.
      reconcile: (key) => reconciler.reconcile(key, this.#stopNow.signal),
      observer: metrics.runtime.controller(CONTROLLER),
      onError: (key, error) =>
        logger.warn('reconcile failed and is tried again', { configMapSync: key, error }),
    });

    this.#policyReporter = options.policyReports
      ? new PolicyReporter({ client, syncs: watches.syncs, log: logger, clock })
      : undefined;

    metrics.deniedSeries(() => register.series(options.deniedSeriesLimit));
    metrics.cachedTokens(() => registry.cachedTokens);
    metrics.watches(() => ({ configmaps: this.#tenancy.watches }));
  }

  /** Names each tenant watch that was silent since `deadline` (milliseconds since the epoch). */
  stalledWatches(deadline: number): string[] {
    return this.#tenancy.stalled(deadline);
  }

  /** Reconciles until `signal` aborts; returns when nothing is in flight any more. */
  async run(signal: AbortSignal): Promise<void> {
    for (const sync of this.#watches.syncs.list()) this.#queue.add(objectKey(sync));
    try {
      await Promise.all([this.#controller.run(signal), this.#policyReporter?.run(signal)]);
    } finally {
      this.#tenancy.closeAll();
    }
  }

  /** Cuts off what is in flight: nothing is written after this. */
  stopNow(reason: Error): void {
    this.#stopNow.abort(reason);
  }
}

import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { reviewRequest } from '../../k8s/client/review-request.js';
import { systemClock, type Clock } from '../../k8s/util/clock.js';
import { EventRecorder } from '../../k8s/events/event-recorder.js';
import { LeaderElector } from '../../k8s/leader-election/leader-elector.js';
import type { Requester } from '../../k8s/client/rest-client.js';
import { AuditSink } from '../../telemetry/logging/audit-sink.js';
import { type BindAddress, formatBindAddress } from '../../telemetry/http/http-listener.js';
import { healthServer, readinessOf, watchCheck } from '../../telemetry/http/health-server.js';
import { ProcessLogger } from '../../telemetry/logging/logger.js';
import { MetricsServer } from '../../telemetry/http/metrics-server.js';
import { Metrics } from '../../telemetry/metrics/metrics.js';
import { messageOf } from '../../k8s/util/text.js';
import { MOST_UNDER_WAY } from '../../tenant/fair-queue.js';
import { Caller } from '../caller.js';
import { Operator, REPORTING_CONTROLLER } from './operator.js';
import type { RunOptions } from './run-command.js';
import { syncWatches } from './sync-watches.js';
import { version } from '../version.js';
import { Backoff } from '../../k8s/util/backoff.js';
import { CauseLog, type RuntimeLog } from '../../k8s/util/cause-log.js';
import { leaveMemoryOutOfCoreDumps, MemoryGuard } from '../../k8s/util/memory-guard.js';

const LEASE = 'config-weaver.weaver.example.com';
/** A watch sends something, if only a bookmark, about once a minute. */
const SILENCE_MS = 120_000;
/** What is in flight at the end is given this long; the whole stop takes less than 10 s. */
const GRACE_MS = 6_000;

/** Runs the operator until SIGTERM or SIGINT (exit code 0) or until its Lease is lost (1). */
export async function run(options: RunOptions, env: Readonly<NodeJS.ProcessEnv>): Promise<number> {
  const clock = systemClock;
  const logger = new ProcessLogger({ level: options.logLevel, format: options.logFormat });
  leaveMemoryOutOfCoreDumps();
  const memory = new MemoryGuard({
    log: logger,
    onExhausted: () => void logger.close(AbortSignal.timeout(200)).finally(() => process.exit(1)),
    clock,
  });
  const unguard = memory.start();
  const auditLog = new AuditSink(process.stdout, { logger });
  const metrics = new Metrics(options.deniedSeriesLimit);
  const caller = await Caller.connect({
    kubeconfig: options.kubeconfig,
    env,
    writeConnections: MOST_UNDER_WAY * options.maxConcurrentRequests,
    observer: metrics.runtime,
  });
  const { client } = caller;
  const watches = syncWatches(options.watchNamespaces, { client, log: logger, clock });
  const events = new EventRecorder({
    client,
    reportingController: REPORTING_CONTROLLER,
    reportingInstance: hostname(),
    onFailed: (namespace) => metrics.eventsDropped(namespace, 1),
    clock,
    log: logger,
  });

  let operator: Operator | undefined;
  const deadline = (): number => clock.now() - SILENCE_MS;
  const checks = Object.entries(watches.byResource).map(([resource, reflectors]) =>
    watchCheck(resource, logger, () => {
      const silent = reflectors.filter(({ lastProgress }) => lastProgress < deadline());
      return reflectors.every(({ synced }) => synced) ? silent.map(({ name }) => name) : undefined;
    }),
  );
  checks.push(watchCheck('tenant watches', logger, () => operator?.stalledWatches(deadline()) ?? []));
  checks.push({ name: 'memory', check: () => (memory.room === undefined ? undefined : 'nearly used up') });
  const health = healthServer(checks, metrics);
  metrics.collect({
    readiness: () => readinessOf(checks),
    linesDropped: () => ({ log: logger.dropped, audit: auditLog.dropped }),
    withheld: () => watches.budget.refused,
  });
  const metricsServer = new MetricsServer({
    metrics,
    secure: options.metricsSecure,
    certPath: options.metricsCertPath,
    client,
    logger,
  });

  const stop = stopSignal();
  const background = new AbortController();
  try {
    logger.info('starting', {
      version: version(),
      server: caller.server,
      kubeconfig: caller.source,
      health: await listen(health, options.healthProbeBindAddress),
      metrics: await listen(metricsServer, options.metricsBindAddress),
    });

    // First of all: an API server that is not there is then waited for, and told of, in one place.
    const username = await operatorIdentity(client, logger, clock, stop);
    for (const each of [watches.admission, ...watches.reflectors, events]) {
      each.run(background.signal).catch(() => undefined);
    }

    const lead = async (leading: AbortSignal): Promise<void> => {
      await Promise.all(watches.reflectors.map((reflector) => reflector.waitForSync(leading)));
      const parts = { options, caller, username, watches, events, auditLog, metrics, logger, memory, clock };
      const led = new Operator(parts);
      operator = led;
      const cutOff = (): void => {
        if (stop.aborted) setTimeout(() => led.stopNow(new Error('shutting down')), GRACE_MS).unref();
        else led.stopNow(new Error('no longer the leader'));
      };
      leading.addEventListener('abort', cutOff, { once: true });
      logger.info('reconciling', { as: username });
      await led.run(leading);
    };

    if (!options.leaderElect) {
      metrics.runtime.setLeader(LEASE, true);
      await lead(stop);
      return 0;
    }
    const elector = new LeaderElector({
      client,
      namespace: options.leaderElectionNamespace ?? caller.namespace,
      name: LEASE,
      identity: `${hostname()}_${randomUUID()}`,
      onLeading: (leads) => metrics.runtime.setLeader(LEASE, leads),
      log: logger,
    });
    const end = await elector.run(stop, lead);
    if (end === 'released') return 0;
    logger.error('lost the Lease: another replica leads now', { lease: LEASE });
    return 1;
  } catch (error) {
    if (stop.aborted) return 0;
    throw error;
  } finally {
    unguard();
    await events.flush(AbortSignal.timeout(1500)).catch(() => undefined);
    background.abort(new Error('shutting down'));
    await Promise.all([health.close(), metricsServer.close()]);
    await caller.close();
    await auditLog.close(AbortSignal.timeout(500));
    logger.info('stopped');
    await logger.close(AbortSignal.timeout(500));
  }
}

function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => controller.abort(new Error(`stopped by ${name}`)));
  }
  return controller.signal;
}

/** Where it listens by now, which only the log tells for port 0; `off` where it does not. */
async function listen(
  server: { start(address: BindAddress): Promise<AddressInfo> },
  address: BindAddress | 'off',
): Promise<string> {
  if (address === 'off') return address;
  const { address: host, port } = await server.start(address);
  return formatBindAddress({ host, port });
}

/**
 * The operator's own user name, as the API server says it: the grant that a tenant is shown names it. An API server that
 * is not there yet is waited for, since pods start in any order.
 * @throws the signal's reason.
 */
async function operatorIdentity(
  client: Requester,
  log: RuntimeLog,
  clock: Clock,
  signal: AbortSignal,
): Promise<string> {
  const backoff = new Backoff({ baseMs: 500, maxMs: 5_000 });
  const causes = new CauseLog(log, {});
  for (;;) {
    try {
      const { body } = await client.request<{ status?: { userInfo?: { username?: string } } }>({
        ...reviewRequest('authentication.k8s.io', 'SelfSubjectReview'),
        signal,
      });
      causes.recovered('the API server answers');
      return body.status?.userInfo?.username ?? '';
    } catch (error) {
      signal.throwIfAborted();
      causes.failed(`waiting for the API server: ${messageOf(error)}`, error);
      await clock.sleep(backoff.next(), signal);
    }
  }
}

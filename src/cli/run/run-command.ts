import { LOG_FORMATS, LOG_LEVELS } from '../../telemetry/logging/log-format.js';
import { messageOf } from '../../k8s/util/text.js';
import * as flag from '../option-types.js';
import { UsageError, type RegisterCommand } from '../command.js';
import { version } from '../version.js';

/** By kubebuilder's names where it has one. */
const FLAGS = {
  kubeconfig: flag.text('<file>', "kubeconfig file (default: KUBECONFIG, the pod's own, ~/.kube/config)"),
  leaderElect: flag.boolean('act only while holding the Lease, so that replicas can stand by', false),
  leaderElectionNamespace: flag.namespace("where the Lease is (default: the pod's namespace)"),
  metricsBindAddress: flag.bindAddress('where /metrics is served; 0 turns it off', 8443),
  metricsSecure: flag.boolean('serve metrics over TLS, to those only who may get /metrics', true),
  metricsCertPath: flag.text('<folder>', 'folder with tls.crt and tls.key (default: made at the start)'),
  healthProbeBindAddress: flag.bindAddress('where /healthz and /readyz are served; 0 turns it off', 8081),
  watchNamespaces: flag.namespaceList(
    'namespaces to look for ConfigMapSyncs in, comma-separated (default: WATCH_NAMESPACE; none: all)',
  ),
  maxConcurrentReconciles: flag.integer('ConfigMapSyncs worked on at a time', 10, 1, 1000),
  maxConcurrentRequests: flag.integer('requests to the API server at a time', 32, 1, 1000),
  pollInterval: flag.duration('how often to look at a source that may not be watched', '30s', '1s', '1h'),
  resyncInterval: flag.duration('how often to check everything again', '10m', '1s', '24h'),
  // 600 s is the least that TokenRequest grants.
  tokenExpiration: flag.duration('lifetime asked for tenant tokens', '10m', '10m', '24h'),
  deniedSeriesLimit: flag.integer('most series of configweaver_namespace_denied', 2000, 0, 100_000),
  cleanupTimeout: flag.duration('when to give up on copies that cannot be removed', '10m', '1s', '168h'),
  policyReports: flag.boolean(
    'write a PolicyReport (wgpolicyk8s.io) in each namespace with ConfigMapSyncs',
    false,
  ),
  logLevel: flag.choice('least severe level to log', LOG_LEVELS, 'info'),
  logFormat: flag.choice('layout of the log on standard error', LOG_FORMATS, 'json'),
};

/** What the operator is told: durations in milliseconds, and no `watchNamespaces` where it looks everywhere. */
export type RunOptions = flag.ValuesOf<typeof FLAGS> & { watchNamespaces: readonly string[] };

/**
 * OLM sets WATCH_NAMESPACE for the install modes of an OperatorGroup: empty for all namespaces.
 * @throws UsageError if it holds a value that does not fit
 */
function namespacesFrom({ WATCH_NAMESPACE: value = '' }: Readonly<NodeJS.ProcessEnv>): readonly string[] {
  try {
    return flag.parseNamespaceList(value);
  } catch (error) {
    throw new UsageError(`environment variable WATCH_NAMESPACE '${value}' is invalid. ${messageOf(error)}`);
  }
}

/** Resolves, once everything has stopped, to the exit code. */
type Run = (options: RunOptions, env: Readonly<NodeJS.ProcessEnv>) => Promise<number>;

/** Longer than anything that has to be written takes, and with the operator's own end below the 10 s of SIGTERM. */
const LINGER_MS = 1500;

/** A stalled reader of standard output, or a handle that somebody forgot, must not keep a process that has ended. */
function exitSoon(): void {
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

/** `config-weaver run`, which is also what `config-weaver` alone means. `ended` is called when the operator has stopped. */
export function runCommand(
  load: () => Promise<{ run: Run }> = () => import('./run.js'),
  ended: () => void = exitSoon,
): RegisterCommand {
  return (program, context) => {
    const command = program.command('run', { isDefault: true }).description('run the operator (the default)');
    const given = flag.addFlags(command, FLAGS);
    command.version(version(), '--version', 'print the version').action(async () => {
      const { watchNamespaces = namespacesFrom(context.env), ...others } = given();
      const operator = await load();
      context.exitWith(await operator.run({ ...others, watchNamespaces }, context.env).finally(ended));
    });
  };
}

import { type Command, CommanderError, type Option } from 'commander';
import type { BindAddress } from '../../telemetry/http/http-listener.js';
import {
  LOG_FORMATS,
  LOG_LEVELS,
  type LogFormat,
  type LogLevel,
} from '../../telemetry/logging/log-format.js';
import {
  bindAddressOption,
  booleanOption,
  choiceOption,
  durationOption,
  integerOption,
  namespaceListOption,
  namespaceOption,
  parseNamespaceList,
  textOption,
} from '../option-types.js';
import type { RegisterCommand } from '../command.js';
import { version } from '../version.js';

/** What the operator is told on its command line, checked and in the program's own units. */
export interface RunOptions {
  /** Left out: `KUBECONFIG`, then the pod's own, then `~/.kube/config`. */
  kubeconfig?: string;
  leaderElect: boolean;
  /** Left out: the pod's own namespace. */
  leaderElectionNamespace?: string;
  metricsBindAddress: BindAddress | 'off';
  /** TLS, and only for those whom the API server lets `get` `/metrics`. */
  metricsSecure: boolean;
  /** A folder with tls.crt and tls.key; left out: a certificate made at the start. */
  metricsCertPath?: string;
  healthProbeBindAddress: BindAddress | 'off';
  /** Where ConfigMapSyncs are looked for; empty: everywhere. */
  watchNamespaces: readonly string[];
  maxConcurrentReconciles: number;
  maxConcurrentRequests: number;
  /** Milliseconds, as all durations here. */
  pollInterval: number;
  resyncInterval: number;
  tokenExpiration: number;
  cleanupTimeout: number;
  /** The most series of configweaver_namespace_denied. */
  deniedSeriesLimit: number;
  /** One PolicyReport (wgpolicyk8s.io) in each namespace with ConfigMapSyncs. */
  policyReports: boolean;
  logLevel: LogLevel;
  logFormat: LogFormat;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The flags of `run`, by kubebuilder's names where it has one. */
function runFlags(): Option[] {
  return [
    textOption('--kubeconfig <file>', "kubeconfig file (default: KUBECONFIG, the pod's own, ~/.kube/config)"),
    booleanOption('--leader-elect', 'act only while holding the Lease, so that replicas can stand by', false),
    namespaceOption('--leader-election-namespace', "where the Lease is (default: the pod's namespace)"),
    bindAddressOption('--metrics-bind-address', 'where /metrics is served; 0 turns it off', { port: 8443 }),
    booleanOption('--metrics-secure', 'serve metrics over TLS, to those only who may get /metrics', true),
    textOption(
      '--metrics-cert-path <folder>',
      'folder with tls.crt and tls.key (default: made at the start)',
    ),
    bindAddressOption(
      '--health-probe-bind-address',
      'where /healthz and /readyz are served; 0 turns it off',
      { port: 8081 },
    ),
    namespaceListOption(
      '--watch-namespaces',
      'namespaces to look for ConfigMapSyncs in, comma-separated (default: WATCH_NAMESPACE; none: all)',
    ),
    integerOption('--max-concurrent-reconciles', 'ConfigMapSyncs worked on at a time', 10, 1, 1000),
    integerOption('--max-concurrent-requests', 'requests to the API server at a time', 32, 1, 1000),
    durationOption(
      '--poll-interval',
      'how often to look at a source that may not be watched',
      30 * SECOND,
      SECOND,
      HOUR,
    ),
    durationOption(
      '--resync-interval',
      'how often to check everything again',
      10 * MINUTE,
      SECOND,
      24 * HOUR,
    ),
    // 600 s is the least that TokenRequest grants.
    durationOption(
      '--token-expiration',
      'lifetime asked for tenant tokens',
      10 * MINUTE,
      10 * MINUTE,
      24 * HOUR,
    ),
    integerOption('--denied-series-limit', 'most series of configweaver_namespace_denied', 2000, 0, 100_000),
    durationOption(
      '--cleanup-timeout',
      'when to give up on copies that cannot be removed',
      10 * MINUTE,
      SECOND,
      168 * HOUR,
    ),
    booleanOption(
      '--policy-reports',
      'write a PolicyReport (wgpolicyk8s.io) in each namespace with ConfigMapSyncs',
      false,
    ),
    choiceOption('--log-level', 'least severe level to log', LOG_LEVELS, 'info'),
    choiceOption('--log-format', 'layout of the log on standard error', LOG_FORMATS, 'json'),
  ];
}

/**
 * The values of {@link runFlags}, once the command line was parsed.
 * @throws CommanderError if the environment holds a value that does not fit
 */
function readRunOptions(command: Command, env: Readonly<NodeJS.ProcessEnv>): RunOptions {
  const given = command.opts<Omit<RunOptions, 'watchNamespaces'> & { watchNamespaces?: readonly string[] }>();
  return { ...given, watchNamespaces: given.watchNamespaces ?? namespacesFrom(env) };
}

/** OLM sets WATCH_NAMESPACE for the install modes of an OperatorGroup: empty for all namespaces. */
function namespacesFrom({ WATCH_NAMESPACE: value = '' }: Readonly<NodeJS.ProcessEnv>): readonly string[] {
  try {
    return parseNamespaceList(value);
  } catch (error) {
    const hint = error instanceof Error ? error.message : String(error);
    const message = `environment variable WATCH_NAMESPACE '${value}' is invalid. ${hint}`;
    throw new CommanderError(1, 'commander.invalidArgument', message);
  }
}

/** The module that wires the operator together. */
export interface RunModule {
  /** Resolves, once everything has stopped, to the exit code. */
  run(options: RunOptions, env: Readonly<NodeJS.ProcessEnv>): Promise<number>;
}

/** Longer than anything that has to be written takes, and with the operator's own end below the 10 s of SIGTERM. */
const LINGER_MS = 1500;

/** A stalled reader of standard output, or a handle that somebody forgot, must not keep a process that has ended. */
function exitSoon(): void {
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

/** `config-weaver run`, which is also what `config-weaver` alone means. `ended` is called when the operator has stopped. */
export function runCommand(
  load: () => Promise<RunModule> = () => import('./run.js'),
  ended: () => void = exitSoon,
): RegisterCommand {
  return (program, context) => {
    const command = program.command('run', { isDefault: true }).description('run the operator (the default)');
    for (const flag of runFlags()) command.addOption(flag);
    command.version(version(), '--version', 'print the version').action(async () => {
      const options = readRunOptions(command, context.env);
      const operator = await load();
      context.exitWith(await operator.run(options, context.env).finally(ended));
    });
  };
}

import { expect } from 'chai';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { programArguments } from '../../hack/program.js';
import { repositoryRoot } from '../../hack/repository.js';
import { eventually } from './eventually.js';
import { parseSamples, type Sample } from './metric-samples.js';
import { findToken } from './token-finder.js';
import { plane, type TestPlane } from './plane.js';

/** Where config/rbac puts the operator's ServiceAccount. */
export const OPERATOR_NAMESPACE = 'config-weaver-system';
export const OPERATOR_SERVICE_ACCOUNT = 'config-weaver-controller-manager';
export const OPERATOR_USERNAME = `system:serviceaccount:${OPERATOR_NAMESPACE}:${OPERATOR_SERVICE_ACCOUNT}`;

export interface OperatorOptions {
  /** Added to `run`'s command line; what is given here wins over our own. */
  args?: readonly string[];
  /** Default: that of the operator's own ServiceAccount on the shared plane. */
  kubeconfig?: string;
  /**
   * `reconciling`: it leads, its lists are complete. `listening`: its servers are up, whatever the API server does.
   * Default: `reconciling`.
   */
  until?: 'reconciling' | 'listening';
}

/** A line of the log. */
export interface LogLine {
  time: string;
  level: string;
  message: string;
  [field: string]: unknown;
}

/** A line of the audit log. */
export interface AuditLine {
  audit: true;
  time: string;
  configMapSync: { namespace: string; name: string };
  serviceAccount: string;
  verb: string;
  namespace: string;
  decision: 'allowed' | 'denied';
  reason: string;
  code: number;
  auditID?: string;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** From the request to end until it was over. */
  milliseconds: number;
}

let rights: Promise<string> | undefined;

/** Starts a real operator process with exactly the rights of config/rbac, and whatever it prints in memory. */
export async function startOperator(options: OperatorOptions = {}): Promise<RunningOperator> {
  const kubeconfig = options.kubeconfig ?? (await operatorKubeconfig());
  const operator = new RunningOperator(kubeconfig, options.args ?? []);
  try {
    await operator.waitFor(options.until === 'listening' ? 'starting' : 'reconciling');
    return operator;
  } catch (error) {
    await operator.kill();
    throw error;
  }
}

/** Path of a kubeconfig of the operator's ServiceAccount on the shared plane; applies config/rbac the first time. */
export function operatorKubeconfig(): Promise<string> {
  rights ??= plane().then((shared) => installRights(shared));
  return rights;
}

/** Applies config/rbac. @returns the path of a kubeconfig with just these rights */
export async function installRights(
  cluster: Pick<TestPlane, 'kubectl' | 'serviceAccountKubeconfig'>,
): Promise<string> {
  await cluster.kubectl(['create', 'namespace', OPERATOR_NAMESPACE]).catch((error: unknown) => {
    if (!String(error).includes('AlreadyExists')) throw error;
  });
  await cluster.kubectl(['apply', '-k', join(repositoryRoot(), 'config', 'rbac')]);
  return cluster.serviceAccountKubeconfig(OPERATOR_NAMESPACE, OPERATOR_SERVICE_ACCOUNT);
}

/** One operator process. Its whole output is looked through for tokens at its end. */
export class RunningOperator {
  readonly #child: ChildProcess;
  readonly #exited: Promise<Omit<Exit, 'milliseconds'>>;
  #stdout = '';
  #stderr = '';

  constructor(kubeconfig: string, args: readonly string[]) {
    this.#child = spawn(
      process.execPath,
      [
        ...[...programArguments(), 'run', `--kubeconfig=${kubeconfig}`],
        ...['--health-probe-bind-address=127.0.0.1:0', '--metrics-bind-address=127.0.0.1:0'],
        ...['--metrics-secure=false', '--log-level=debug', ...args],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH, HOME: '/nonexistent' } },
    );
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.#exited = once(this.#child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
    }));
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** All that it printed. */
  get output(): string {
    return `${this.#stdout}\n${this.#stderr}`;
  }

  /** The log so far, of one message or all of it; a line that does not parse fails the test. */
  log(message?: string): LogLine[] {
    const lines = completeLines(this.#stderr).map(parseLogLine);
    return message === undefined ? lines : lines.filter((line) => line.message === message);
  }

  /** The audit log so far, of one ConfigMapSync's namespace or of all. */
  audit(namespace?: string): AuditLine[] {
    const lines = completeLines(this.#stdout).map((line) => JSON.parse(line) as AuditLine);
    return namespace === undefined
      ? lines
      : lines.filter((line) => line.configMapSync.namespace === namespace);
  }

  /** The samples of one metric that have at least these labels. */
  async samples(metric: string, labels: Record<string, string> = {}): Promise<Sample[]> {
    const { text } = await this.get('metrics', '/metrics');
    return parseSamples(text).filter(
      (sample) =>
        sample.metric === metric &&
        Object.entries(labels).every(([name, value]) => sample.labels[name] === value),
    );
  }

  /** Asks one of its servers. */
  async get(server: 'health' | 'metrics', path: string): Promise<{ status: number; text: string }> {
    const [started] = this.log('starting');
    const response = await fetch(`http://${String(started?.[server])}${path}`);
    return { status: response.status, text: await response.text() };
  }

  /** The first line of the log with this message. */
  async waitFor(message: string, timeoutMs = 15_000): Promise<LogLine> {
    return eventually(
      () => {
        const [line] = this.log(message);
        if (line === undefined && !this.running)
          return Promise.reject(new Error(`it ended: ${this.#stderr}`));
        expect(line, `"${message}" in the log, which ends with:\n${this.#stderr.slice(-2000)}`).to.exist;
        return line!;
      },
      { timeoutMs, intervalMs: 20 },
    );
  }

  /** SIGTERM, as Kubernetes ends a pod; SIGKILL after twenty seconds. Fails where a bug of ours came to light. */
  async stop(): Promise<Exit> {
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), 20_000);
    const exit = await this.#end('SIGTERM');
    clearTimeout(killer);
    expect(findToken(this.output), 'a token in what the operator printed').to.equal(undefined);
    const faults = this.log().filter(({ error }) =>
      /^(Type|Reference|Range|Syntax)Error/.test(nameOf(error)),
    );
    expect(faults, "faults of the program's own").to.deep.equal([]);
    return exit;
  }

  /** SIGKILL, as a node that dies ends it. */
  async kill(): Promise<Exit> {
    return this.#end('SIGKILL');
  }

  /** Resolves when it ends by itself. */
  async exit(): Promise<Omit<Exit, 'milliseconds'>> {
    return this.#exited;
  }

  async #end(signal: NodeJS.Signals): Promise<Exit> {
    const since = performance.now();
    if (this.running) this.#child.kill(signal);
    const exit = await this.#exited;
    return { ...exit, milliseconds: performance.now() - since };
  }
}

function nameOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'name' in error ? String(error.name) : '';
}

function parseLogLine(line: string): LogLine {
  if (line.startsWith('{')) return JSON.parse(line) as LogLine;
  // --log-format=text: `time LEVEL message key=value …`, and at debug the frames of an error's stack.
  const { time, level, rest } = /^(?<time>\S+Z) (?<level>[A-Z]+) +(?<rest>.*)$/.exec(line)?.groups ?? {};
  if (time === undefined || level === undefined || rest === undefined) {
    if (!line.startsWith('    at ')) throw new Error(`this is no line of the log: ${line}`);
    return { time: '', level: 'debug', message: line };
  }
  const fields = [...rest.matchAll(/ (\w+)=("(?:[^"\\]|\\.)*"|\S+)/g)];
  return {
    ...Object.fromEntries(fields.map(([, name = '', value = '']) => [name, value])),
    time,
    level: level.toLowerCase(),
    message: rest.slice(0, fields[0]?.index),
  };
}

/** The last line may still be under way. */
function completeLines(text: string): string[] {
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '');
}

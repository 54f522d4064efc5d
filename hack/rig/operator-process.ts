import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../control-plane/free-port.js';
import { waitUntil } from '../control-plane/poll.js';
import { programArguments } from '../program.js';
import { Reaper } from '../control-plane/reaper.js';
import type { Installation } from './installation.js';
import type { Pod } from './pod.js';

export interface OperatorProcessOptions {
  installation: Installation;
  /** Where its log, its audit log and profiles go. */
  dir: string;
  /** Added to those that a deployment has. */
  flags?: readonly string[];
  /** For Node.js itself, such as `--cpu-prof`. */
  nodeFlags?: readonly string[];
  /** Where given, the operator runs as in this pod, and else with its kubeconfig. */
  pod?: Pod | undefined;
}

const START_MILLISECONDS = 30_000;
/** The operator promises 10 s for SIGTERM. */
const STOP_MILLISECONDS = 12_000;
const LAST_LOG_LINES = 15;

/**
 * The operator as a deployment runs it: a process of its own, under its own ServiceAccount, with leader election. Only its
 * ports differ, which are free ones of 127.0.0.1, and metrics come without TLS. It never outlives this process.
 */
export class OperatorProcess {
  /** When it was spawned, in milliseconds since the epoch. */
  readonly spawnedAt: number;
  /** `http://127.0.0.1:PORT/metrics`. */
  readonly metricsUrl: string;
  /** What it wrote to standard error. */
  readonly logFile: string;
  /** What it wrote to standard output: a line for each decision of the API server. */
  readonly auditLogFile: string;
  readonly #readyUrl: string;
  readonly #child: ChildProcess;
  readonly #reaper = new Reaper();
  readonly #exited: Promise<void>;
  #failure: Error | undefined;

  private constructor(options: OperatorProcessOptions, ports: { metrics: number; health: number }) {
    const { installation, dir, flags = [], nodeFlags = [], pod } = options;
    this.metricsUrl = `http://127.0.0.1:${ports.metrics}/metrics`;
    this.#readyUrl = `http://127.0.0.1:${ports.health}/readyz`;
    this.logFile = join(dir, 'operator.log');
    this.auditLogFile = join(dir, 'operator-audit.log');
    const command = [
      ...(pod?.command ?? []),
      process.execPath,
      ...nodeFlags,
      ...programArguments(),
      'run',
      ...(pod === undefined ? [`--kubeconfig=${installation.kubeconfig}`] : []),
      '--leader-elect',
      `--leader-election-namespace=${installation.namespace}`,
      `--metrics-bind-address=127.0.0.1:${ports.metrics}`,
      '--metrics-secure=false',
      `--health-probe-bind-address=127.0.0.1:${ports.health}`,
      ...flags,
    ];
    this.spawnedAt = Date.now();
    this.#child = this.#spawn(command, pod?.env ?? {});
    const { pid } = this.#child;
    if (pid !== undefined) this.#reaper.add(pid);
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#failure = error;
        resolve();
      });
      this.#child.once('exit', () => {
        if (pid !== undefined) this.#reaper.forget(pid);
        resolve();
      });
    });
  }

  /**
   * Resolves when it says that it is ready.
   * @throws Error with the last lines of its log when it ends first, or takes longer than 30 s; it is gone then
   */
  static async start(options: OperatorProcessOptions, signal?: AbortSignal): Promise<OperatorProcess> {
    const metrics = await freePort();
    let health = await freePort();
    while (health === metrics) health = await freePort();
    signal?.throwIfAborted();
    const operator = new OperatorProcess(options, { metrics, health });
    try {
      await waitUntil(() => operator.#isReady(), {
        what: `the operator to be ready; its log is ${operator.logFile}`,
        timeoutMilliseconds: START_MILLISECONDS,
        giveUp: async () =>
          signal?.aborted === true ? 'interrupted' : operator.running ? undefined : operator.describeExit(),
      });
      return operator;
    } catch (error) {
      await operator.stop();
      throw error;
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#failure === undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when the process has ended, whatever ended it. */
  get exited(): Promise<void> {
    return this.#exited;
  }

  /** Its metrics, as Prometheus would scrape them. */
  async metrics(): Promise<string> {
    const answer = await fetch(this.metricsUrl, { signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(`${this.metricsUrl} answered ${answer.status}`);
    return answer.text();
  }

  /** Resident memory in bytes, as Linux counts it. */
  async residentBytes(): Promise<number> {
    const status = await readFile(`/proc/${this.pid ?? 0}/status`, 'utf8');
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
    if (kibibytes === undefined) throw new Error('/proc tells no resident memory of the operator');
    return Number(kibibytes) * 1024;
  }

  /** CPU time since its start in milliseconds, as Linux counts it: in steps of 10. */
  async cpuMilliseconds(): Promise<number> {
    const stat = await readFile(`/proc/${this.pid ?? 0}/stat`, 'utf8');
    // After the name in parentheses, which may hold anything: state is the first field, utime and stime 12th and 13th.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  /** SIGTERM, as the kubelet sends it, and SIGKILL where that was not enough. May be called twice. */
  async stop(): Promise<void> {
    if (this.running) {
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MILLISECONDS);
      this.#child.kill('SIGTERM');
      try {
        await this.#exited;
      } finally {
        clearTimeout(timer);
      }
    }
    await this.#reaper.close();
  }

  /** Why it ended, with the last lines of its log. */
  async describeExit(): Promise<string> {
    const { exitCode, signalCode } = this.#child;
    const how = this.#failure?.message ?? signalCode ?? `exit code ${exitCode ?? 'unknown'}`;
    const lines = (await readFile(this.logFile, 'utf8').catch(() => '')).trimEnd().split('\n');
    return `the operator ended (${how}); last lines of its log:\n${lines.slice(-LAST_LOG_LINES).join('\n')}`;
  }

  #spawn([program = '', ...args]: string[], env: Pod['env']): ChildProcess {
    const log = openSync(this.logFile, 'a', 0o600);
    const auditLog = openSync(this.auditLogFile, 'a', 0o600);
    try {
      return spawn(program, args, {
        // What a shell of ours holds for other operators is nothing to this one.
        env: { ...process.env, KUBECONFIG: '', WATCH_NAMESPACE: '', ...env },
        stdio: ['ignore', auditLog, log],
        // Ctrl-C at the terminal reaches us alone: the operator is stopped in good order, before its API server.
        detached: true,
      });
    } finally {
      closeSync(log);
      closeSync(auditLog);
    }
  }

  async #isReady(): Promise<boolean> {
    try {
      const answer = await fetch(this.#readyUrl, { signal: AbortSignal.timeout(2000) });
      await answer.arrayBuffer();
      return answer.ok;
    } catch {
      return false;
    }
  }
}

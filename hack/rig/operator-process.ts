import { mkdtempSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Daemon, type DaemonExit } from '../control-plane/daemon.js';
import { waitUntil } from '../control-plane/poll.js';
import { Reaper } from '../control-plane/reaper.js';
import { programArguments } from '../program.js';
import { parseAuditLog, parseLog, type AuditLine, type LogLine } from './operator-log.js';

export interface OperatorProcessOptions {
  /** The program and its arguments, such as {@link runCommand} gives. */
  command: readonly string[];
  /** All that the program finds in its environment, beside a PATH and a HOME where nothing is. */
  env?: Readonly<Record<string, string>>;
  /** Where a folder for what it prints is made. Default: that for temporary files. */
  parent?: string;
}

export interface Exit extends DaemonExit {
  /** From the request to end until it was over. */
  milliseconds: number;
}

/** The operator promises 10 s for SIGTERM. */
const STOP_MILLISECONDS = 20_000;

/** How this build's operator is run, with metrics that need no TLS. */
export function runCommand(flags: readonly string[], nodeFlags: readonly string[] = []): string[] {
  return [process.execPath, ...nodeFlags, ...programArguments(), 'run', '--metrics-secure=false', ...flags];
}

/** An operator as a process of its own, which never outlives this one. What it prints is there until it is stopped. */
export class OperatorProcess {
  /** When it was spawned, in milliseconds since the epoch. */
  readonly spawnedAt: number;
  /** What it writes to standard error. */
  readonly logFile: string;
  /** What it writes to standard output: a line for each decision of the API server. */
  readonly auditLogFile: string;
  readonly #daemon: Daemon;
  readonly #reaper: Reaper;
  /** What it printed, once it was stopped and its files are gone. */
  #kept: Record<string, string> = {};

  constructor({ command: [binary = '', ...args], env, parent = tmpdir() }: OperatorProcessOptions) {
    const folder = mkdtempSync(join(parent, 'config-weaver-operator-'));
    this.logFile = join(folder, 'operator.log');
    this.auditLogFile = join(folder, 'operator-audit.log');
    this.#reaper = new Reaper(folder);
    this.spawnedAt = Date.now();
    this.#daemon = new Daemon({
      binary,
      args,
      logFile: this.logFile,
      outputFile: this.auditLogFile,
      reaper: this.#reaper,
      env: { PATH: process.env.PATH, HOME: '/nonexistent', ...env },
      name: 'the operator',
    });
  }

  /** This process, once it has come so far; where it does not, it is ended first. */
  async after(milestone: Promise<unknown>): Promise<this> {
    try {
      await milestone;
      return this;
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  get pid(): number {
    return this.#daemon.pid ?? -1;
  }

  get running(): boolean {
    return this.#daemon.running;
  }

  /** All that it printed. */
  get output(): string {
    return `${this.#read(this.auditLogFile)}\n${this.#read(this.logFile)}`;
  }

  /** Its log so far, of one message or all of it. */
  log(message?: string): LogLine[] {
    const lines = parseLog(this.#read(this.logFile));
    return message === undefined ? lines : lines.filter((line) => line.message === message);
  }

  /** Its audit log so far, of one ConfigMapSync's namespace or of all. */
  audit(namespace?: string): AuditLine[] {
    const lines = parseAuditLog(this.#read(this.auditLogFile));
    return namespace === undefined
      ? lines
      : lines.filter((line) => line.configMapSync.namespace === namespace);
  }

  /** The first line of its log with this message. */
  waitFor(message: string, timeoutMilliseconds = 15_000): Promise<LogLine> {
    return waitUntil(() => this.log(message)[0], {
      what: () =>
        new Error(`no "${message}" in the log, which ends with:\n${this.#read(this.logFile).slice(-2000)}`),
      timeoutMilliseconds,
      intervalMilliseconds: 20,
      giveUp: async () => (this.running ? undefined : this.describeExit()),
    });
  }

  /** `http://127.0.0.1:PORT`, by its own log. */
  address(server: 'health' | 'metrics'): string {
    return `http://${String(this.log('starting')[0]?.[server])}`;
  }

  /** Asks one of its servers. */
  async get(server: 'health' | 'metrics', path: string): Promise<{ status: number; text: string }> {
    const response = await fetch(`${this.address(server)}${path}`, { signal: AbortSignal.timeout(10_000) });
    return { status: response.status, text: await response.text() };
  }

  /** Resident memory in bytes, as Linux counts it. */
  residentBytes(): Promise<number> {
    return this.#memoryBytes('VmRSS');
  }

  /** The most that {@link residentBytes} has been since its start, or since {@link resetPeak}. */
  peakBytes(): Promise<number> {
    return this.#memoryBytes('VmHWM');
  }

  async resetPeak(): Promise<void> {
    await writeFile(`/proc/${this.pid}/clear_refs`, '5');
  }

  /** CPU time since its start in milliseconds, as Linux counts it: in steps of 10. */
  async cpuMilliseconds(): Promise<number> {
    const stat = await readFile(`/proc/${this.pid}/stat`, 'utf8');
    // After the name in parentheses, which may hold anything: state is the first field, utime and stime 12th and 13th.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  /** SIGTERM, as the kubelet sends it, and SIGKILL where that was not enough. May be called twice. */
  stop(): Promise<Exit> {
    return this.#end('SIGTERM');
  }

  /** SIGKILL, as a node that dies ends it. */
  kill(): Promise<Exit> {
    return this.#end('SIGKILL');
  }

  /** Resolves when it ends, whatever ends it. */
  exit(): Promise<DaemonExit> {
    return this.#daemon.exit();
  }

  /** Why it ended, with the last lines of its log. */
  describeExit(): Promise<string> {
    return this.#daemon.describeExit();
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<Exit> {
    const since = performance.now();
    const exit = await this.#daemon.stop(signal, STOP_MILLISECONDS);
    const milliseconds = performance.now() - since;
    const files = [this.logFile, this.auditLogFile];
    this.#kept = Object.fromEntries(files.map((file) => [file, this.#read(file)]));
    await this.#reaper.close();
    return { ...exit, milliseconds };
  }

  async #memoryBytes(field: 'VmRSS' | 'VmHWM'): Promise<number> {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8');
    const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
    if (kibibytes === undefined) throw new Error(`/proc has no ${field} of the operator`);
    return Number(kibibytes) * 1024;
  }

  #read(file: string): string {
    return this.#kept[file] ?? readFileSync(file, 'utf8');
  }
}

import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { waitUntil } from './poll.js';
import type { Reaper } from './reaper.js';

export interface DaemonOptions {
  binary: string;
  args: string[];
  /** What the process prints is appended here. */
  logFile: string;
  /** Where given, its standard output is appended here instead. */
  outputFile?: string;
  reaper: Reaper;
  /** Default: that of this process. */
  env?: NodeJS.ProcessEnv;
  /** What it is called in messages. Default: the file name of the binary. */
  name?: string;
}

export interface DaemonExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** After SIGTERM, how long a process may take before SIGKILL. */
const STOP_MILLISECONDS = 10_000;
const START_MILLISECONDS = 60_000;
const LAST_LOG_LINES = 15;

/** One long-running child process; never keeps this process alive, and never outlives it. */
export class Daemon {
  readonly #name: string;
  readonly #logFile: string;
  readonly #process: ChildProcess;
  readonly #exited: Promise<DaemonExit>;
  #failure: Error | undefined;

  constructor({ binary, args, logFile, outputFile = logFile, reaper, env, name }: DaemonOptions) {
    this.#name = name ?? basename(binary);
    this.#logFile = logFile;
    const [output, log] = [outputFile, logFile].map((file) => openSync(file, 'a', 0o600));
    try {
      this.#process = spawn(binary, args, {
        stdio: ['ignore', output, log],
        env: env ?? process.env,
        // Ctrl-C at the terminal reaches us alone, so that the order of the stops is ours.
        detached: true,
      });
    } finally {
      for (const file of [output, log]) if (file !== undefined) closeSync(file);
    }
    this.#process.unref();
    const { pid } = this.#process;
    if (pid !== undefined) reaper.add(pid);
    this.#exited = new Promise((resolve) => {
      this.#process.once('error', (error) => {
        this.#failure = error;
        resolve({ code: null, signal: null });
      });
      this.#process.once('exit', (code, signal) => {
        if (pid !== undefined) reaper.forget(pid);
        resolve({ code, signal });
      });
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get running(): boolean {
    return (
      this.#failure === undefined && this.#process.exitCode === null && this.#process.signalCode === null
    );
  }

  /** Resolves when it has ended, whatever ended it; until then it does keep this process alive. */
  exit(): Promise<DaemonExit> {
    this.#process.ref();
    return this.#exited;
  }

  /** Sends the signal, then SIGKILL if the process is still there after the grace; resolves when it is gone. */
  async stop(
    signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM',
    graceMilliseconds = STOP_MILLISECONDS,
  ): Promise<DaemonExit> {
    if (!this.running) return this.#exited;
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), graceMilliseconds);
    this.#process.kill(signal);
    try {
      return await this.exit();
    } finally {
      clearTimeout(timer);
    }
  }

  /** Why the process ended, with the last lines it printed. */
  async describeExit(): Promise<string> {
    const how =
      this.#failure?.message ??
      (this.#process.signalCode === null
        ? `exit code ${this.#process.exitCode ?? 'unknown'}`
        : `signal ${this.#process.signalCode}`);
    const lines = (await readFile(this.#logFile, 'utf8').catch(() => '')).trimEnd().split('\n');
    return `${this.#name} ended (${how}); last lines of ${this.#logFile}:\n${lines.slice(-LAST_LOG_LINES).join('\n')}`;
  }
}

/** Polls until the daemon does what is asked; rejects with its last words when it ends first, or after a minute. */
export async function waitFor(
  daemon: Daemon,
  what: string,
  condition: () => Promise<boolean>,
): Promise<void> {
  await waitUntil(condition, {
    what,
    timeoutMilliseconds: START_MILLISECONDS,
    giveUp: async () => (daemon.running ? undefined : await daemon.describeExit()),
  });
}

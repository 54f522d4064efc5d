import { spawn, type ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';

/**
 * A shell that waits on a pipe from us. When this process goes, by whatever signal, the kernel closes the pipe, and the
 * shell ends the processes it was told of and removes the directory. Works on every Unix, unlike PR_SET_PDEATHSIG.
 */
const SCRIPT = `
pids=
while read -r verb pid; do
  case $verb in
    add) pids="$pids $pid" ;;
    forget) kept=; for p in $pids; do [ "$p" = "$pid" ] || kept="$kept $p"; done; pids=$kept ;;
  esac
done
[ -z "$pids" ] || { kill -KILL $pids 2>/dev/null; sleep 0.2; }
[ -z "$1" ] || rm -rf -- "$1"
`;

/** Ends child processes that would outlive this one, and removes their temporary directory. */
export class Reaper {
  readonly #shell: ChildProcess;
  readonly #pipe: Writable;

  /** @param temporaryDirectory removed once this process is gone; undefined: nothing is removed */
  constructor(temporaryDirectory?: string) {
    this.#shell = spawn('/bin/sh', ['-c', SCRIPT, 'config-weaver-reaper', temporaryDirectory ?? ''], {
      stdio: ['pipe', 'ignore', 'ignore'],
      // A session of its own: Ctrl-C at the terminal must not end the reaper before its work is done.
      detached: true,
    });
    if (this.#shell.stdin === null) throw new Error('the reaper has no pipe');
    this.#pipe = this.#shell.stdin;
    // The shell only goes before us when somebody kills it: the children then end by stop() alone.
    this.#pipe.on('error', () => undefined);
    this.#shell.on('error', () => undefined);
    this.#shell.unref();
    // A pipe to a child is a socket to Node: it must not keep this process alive either.
    if (this.#pipe instanceof Socket) this.#pipe.unref();
  }

  add(pid: number): void {
    this.#pipe.write(`add ${pid}\n`);
  }

  /** To be called as soon as the process has ended: its number may go to somebody else's. */
  forget(pid: number): void {
    this.#pipe.write(`forget ${pid}\n`);
  }

  /** Lets the shell end; resolves when it has. Whatever is still listed is killed. */
  async close(): Promise<void> {
    if (this.#shell.exitCode !== null || this.#shell.signalCode !== null) return;
    this.#shell.ref();
    const gone = new Promise<void>((resolve) => this.#shell.once('exit', () => resolve()));
    this.#pipe.end();
    await gone;
  }
}

import type { Command } from 'commander';

/** What a command may touch of the process it runs in. */
export interface CommandContext {
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** Called by an action that has ended, where the exit code is not 0. */
  exitWith(code: number): void;
}

/**
 * Adds one command to the program. It starts nothing by itself: what its action needs is imported then, so that
 * `--version` and a mistyped flag are answered at once. A flag with an optional value is a boolean one.
 */
export type RegisterCommand = (program: Command, context: CommandContext) => void;

/** A command line that cannot be carried out, where the flags' own checks could not tell: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Writes all of it and resolves when the stream has taken it. A reader that has seen enough and gone (`| head`) is no
 * failure.
 */
export function writeOut(stream: NodeJS.WritableStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error | null): void => {
      if (!error || (error as NodeJS.ErrnoException).code === 'EPIPE') resolve();
      else reject(error);
    };
    // The same failure comes to the callback and, if nobody listens, as an uncaught 'error'.
    stream.once('error', settle);
    stream.write(text, settle);
  });
}

/** A remark for the person at the terminal, as a comment so that it does no harm in a manifest either. */
export function remark(stderr: NodeJS.WritableStream, text: string): void {
  stderr.write(`# ${text}\n`);
}

import type { Command } from 'commander';

/** What a command may touch of the process it runs in. */
export interface CommandContext {
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** Called by an action that has ended, where the exit code is not 0. */
  exitWith(code: number): void;
  /** Called by an action that prints manifests: its failure is a comment from then on, as a remark is. */
  failAsRemark(): void;
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

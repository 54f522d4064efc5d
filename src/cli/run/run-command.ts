import type { RegisterCommand } from '../command.js';
import { addRunOptions, readRunOptions, type RunOptions } from './run-options.js';
import { version } from '../version.js';

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
    addRunOptions(command)
      .version(version(), '--version', 'print the version')
      .action(async () => {
        const options = readRunOptions(command, context.env);
        const operator = await load();
        context.exitWith(await operator.run(options, context.env).finally(ended));
      });
  };
}

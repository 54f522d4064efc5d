import type { RegisterCommand } from './command.js';
import { addRunOptions, readRunOptions, type RunOptions } from './run-options.js';
import { version } from './version.js';

/** The module that wires the operator together. */
export interface RunModule {
  /** Resolves, once everything has stopped, to the exit code. */
  run(options: RunOptions, env: Readonly<NodeJS.ProcessEnv>): Promise<number>;
}

/** `config-weaver run`, which is also what `config-weaver` alone means. */
export function runCommand(load: () => Promise<RunModule> = () => import('./run.js')): RegisterCommand {
  return (program, context) => {
    const command = program.command('run', { isDefault: true }).description('run the operator (the default)');
    addRunOptions(command)
      .version(version(), '--version', 'print the version')
      .action(async () => {
        const options = readRunOptions(command, context.env);
        const operator = await load();
        context.exitWith(await operator.run(options, context.env));
      });
  };
}

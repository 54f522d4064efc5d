import { Command, CommanderError } from 'commander';
import { messageOf } from '../k8s/util/text.js';
import { auditCommand } from './audit/audit-command.js';
import { type CommandContext, type RegisterCommand, UsageError } from './command.js';
import { grantCommand } from './grant/grant-command.js';
import { planCommand } from './plan/plan-command.js';
import { runCommand } from './run/run-command.js';
import { remark, writeLine, writeOut } from './terminal.js';
import { version } from './version.js';

/** Every command of the program: a new one is added here, and nowhere else. */
const COMMANDS: readonly RegisterCommand[] = [runCommand(), auditCommand, planCommand, grantCommand];

export const EXIT_FAILURE = 1;
export const EXIT_USAGE = 2;

const PROGRAM = 'config-weaver';
/** How the program was called, where that is not its own name: hack/kubectl-weaver sets it, so that help and errors name what the user can type. */
const CALLED_AS = 'CONFIG_WEAVER_CALLED_AS';

export type ProgramIO = Pick<CommandContext, 'env' | 'stdout' | 'stderr'>;

/**
 * Carries out one command line (without node and script). What goes wrong is one line on standard error.
 * @returns the exit code: 0, or 1 where the command failed, or 2 where the command line makes no sense
 */
export async function program(
  args: readonly string[],
  io: ProgramIO,
  commands: readonly RegisterCommand[] = COMMANDS,
): Promise<number> {
  const { env, stdout, stderr } = io;
  const name = env[CALLED_AS] ?? PROGRAM;
  let exitCode = 0;
  let fail = writeLine;
  try {
    const root = rootCommand(name, io);
    const context: CommandContext = {
      ...{ env, stdout, stderr },
      exitWith: (code) => void (exitCode = code),
      failAsRemark: () => void (fail = remark),
    };
    for (const register of commands) register(root, context);
    await root.parseAsync(spellOutBooleans(args, root), { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0; // --help, --version
    const usage = error instanceof CommanderError || error instanceof UsageError;
    fail(stderr, `${name}: ${errorLine(error, name)}`);
    return usage ? EXIT_USAGE : EXIT_FAILURE;
  }
}

/** An error as one line: its message. */
export function errorLine(error: unknown, name = PROGRAM): string {
  const message = error instanceof CommanderError ? usageMessage(error, name) : failureMessage(error);
  return message.replace(/\s+/g, ' ').trim();
}

function failureMessage(error: unknown): string {
  if (!(error instanceof Error) || error.message !== '') return messageOf(error);
  // A refused connection to a name with several addresses is an AggregateError without a message.
  return 'code' in error ? `${error.name} ${String(error.code)}` : error.name;
}

function usageMessage({ code, message }: CommanderError, name: string): string {
  const text = message.replace(/^error: /, '');
  switch (code) {
    case 'commander.unknownOption':
      return `${text}; ${name} COMMAND --help lists the flags of a command`;
    case 'commander.unknownCommand':
      return `${text}; ${name} --help lists the commands`;
    case 'commander.excessArguments': // `config-weaver foo` is `run` with a word too many, to commander
      return `unknown command or stray word ${/: (.*)\.$/.exec(text)?.[1] ?? ''}; ${name} --help lists the commands`;
    default:
      return text;
  }
}

function rootCommand(name: string, { stdout, stderr }: ProgramIO): Command {
  return new Command(name)
    .description(
      "Shares ConfigMaps across namespaces with the tenant's own ServiceAccount, and proves who did what.",
    )
    .version(version(), '--version', 'print the version')
    .addHelpText(
      'after',
      `\n${name === PROGRAM ? `${name} alone is ${name} run; ` : ''}${name} COMMAND --help lists its flags.`,
    )
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void writeOut(stdout, text),
      writeErr: (text) => void writeOut(stderr, text),
      outputError: () => undefined, // the line that program() writes is the only one
    });
}

/**
 * Writes `--flag` of a boolean flag as `--flag=true`, else commander would take the next word for its value:
 * in `--leader-elect false`, Go's flags see a boolean and a stray word, and so do we.
 */
function spellOutBooleans(args: readonly string[], root: Command): string[] {
  const options = [root, ...root.commands].flatMap((command) => command.options);
  const named = (kind: 'optional' | 'required'): Set<string | undefined> =>
    new Set(options.filter((option) => option[kind]).flatMap(({ long, short }) => [long, short]));
  const booleans = named('optional');
  const valued = named('required');
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  return args.map((arg, index) => {
    const isValue = index > 0 && valued.has(args[index - 1]);
    return index < end && !isValue && booleans.has(arg) ? `${arg}=true` : arg;
  });
}

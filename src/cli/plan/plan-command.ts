import { UsageError, type RegisterCommand } from '../command.js';
import * as flag from '../option-types.js';

const FLAGS = {
  filename: flag.FILENAME,
  kubeconfig: flag.KUBECONFIG,
  namespace: flag.short('n', flag.namespace("namespace of the ConfigMapSyncs (default: the context's)")),
  dryRun: flag.choice(
    'server: ask the API server what it would do, quota and admission included',
    ['client', 'server'],
    'client',
  ),
  output: flag.short('o', flag.choice('form of the plan', ['table', 'json'], 'table')),
};

export type PlanOptions = flag.ValuesOf<typeof FLAGS> & { filename: string };

/** `config-weaver plan`: what a ConfigMapSync would do, without doing it. */
export const planCommand: RegisterCommand = (program, context) => {
  const command = program
    .command('plan')
    .usage('-f FILE [options]')
    .description('tell what a ConfigMapSync would create, change, delete and be denied; writes nothing');
  const given = flag.addFlags(command, FLAGS);
  command.action(async () => {
    const { filename, ...others } = given();
    if (filename === undefined) {
      throw new UsageError('give -f FILE with a ConfigMapSync; - for standard input');
    }
    const { plan } = await import('./plan.js');
    await plan({ ...others, filename }, context);
  });
};

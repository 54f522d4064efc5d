import { UsageError, type RegisterCommand } from '../command.js';
import { choiceOption, namespaceOption, textOption } from '../option-types.js';

export const PLAN_FORMATS = ['table', 'json'] as const;
export type PlanFormat = (typeof PLAN_FORMATS)[number];
const DRY_RUNS = ['client', 'server'] as const;

/** What `plan` is told on its command line. */
export interface PlanOptions {
  kubeconfig?: string;
  /** A path, or `-` for standard input. */
  filename: string;
  /** For ConfigMapSyncs that name none; left out: the kubeconfig context's. */
  namespace?: string;
  output: PlanFormat;
  /** `server`: the API server is asked what it would do, admission and quota included. */
  dryRun: (typeof DRY_RUNS)[number];
}

/** `config-weaver plan`: what a ConfigMapSync would do, without doing it. */
export const planCommand: RegisterCommand = (program, context) => {
  const command = program
    .command('plan')
    .usage('-f FILE [options]')
    .description('tell what a ConfigMapSync would create, change, delete and be denied; writes nothing')
    .addOption(textOption('-f, --filename <file>', 'file with ConfigMapSyncs; - for standard input'))
    .addOption(textOption('--kubeconfig <file>', 'kubeconfig file (default: as for run)'))
    .addOption(namespaceOption('-n, --namespace', "namespace of the ConfigMapSyncs (default: the context's)"))
    .addOption(
      choiceOption(
        '--dry-run',
        'server: ask the API server what it would do, quota and admission included',
        DRY_RUNS,
        'client',
      ),
    )
    .addOption(choiceOption('-o, --output', 'form of the plan', PLAN_FORMATS, 'table'));
  command.action(async () => {
    const { filename, ...given } = command.opts<Omit<PlanOptions, 'filename'> & { filename?: string }>();
    if (filename === undefined)
      throw new UsageError('give -f FILE with a ConfigMapSync; - for standard input');
    const { plan } = await import('./plan.js');
    await plan({ ...given, filename }, context);
  });
};

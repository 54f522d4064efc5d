import type { RegisterCommand } from '../command.js';
import { booleanOption, choiceOption, namespaceOption, textOption, operatorOption } from '../option-types.js';

export const REPORT_FORMATS = ['table', 'json', 'csv', 'html'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** What `audit` is told on its command line. */
export interface AuditOptions {
  kubeconfig?: string;
  /** Left out: the kubeconfig context's. */
  namespace?: string;
  allNamespaces?: boolean;
  output: ReportFormat;
  failOnDenied: boolean;
  /** The operator's user name: the report says what a tenant grants it. */
  operatorServiceAccount: string;
}

/** `config-weaver audit`: who may sync what where. */
export const auditCommand: RegisterCommand = (program, context) => {
  const command = program
    .command('audit')
    .description(
      'tell who may sync what where: every ConfigMapSync and namespace, its state and missing verbs',
    )
    .addOption(textOption('--kubeconfig <file>', 'kubeconfig file (default: as for run)'))
    .addOption(namespaceOption('-n, --namespace', "namespace of the ConfigMapSyncs (default: the context's)"))
    .option('-A, --all-namespaces', 'ConfigMapSyncs of all namespaces')
    .addOption(choiceOption('-o, --output', 'form of the report', REPORT_FORMATS, 'table'))
    .addOption(booleanOption('--fail-on-denied', 'exit with 3 where something is denied', false))
    .addOption(operatorOption());
  command.action(async () => {
    const { audit } = await import('./audit.js');
    context.exitWith(await audit(command.opts<AuditOptions>(), context));
  });
};

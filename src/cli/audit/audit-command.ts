import type { RegisterCommand } from '../command.js';
import * as flag from '../option-types.js';

const FLAGS = {
  kubeconfig: flag.KUBECONFIG,
  namespace: flag.short('n', flag.namespace("namespace of the ConfigMapSyncs (default: the context's)")),
  allNamespaces: flag.short('A', flag.bare('ConfigMapSyncs of all namespaces')),
  output: flag.short('o', flag.choice('form of the report', ['table', 'json', 'csv', 'html'], 'table')),
  failOnDenied: flag.boolean('exit with 3 where something is denied', false),
  operatorServiceAccount: flag.OPERATOR,
};

export type AuditOptions = flag.ValuesOf<typeof FLAGS>;

/** `config-weaver audit`: who may sync what where. */
export const auditCommand: RegisterCommand = (program, context) => {
  const command = program
    .command('audit')
    .description(
      'tell who may sync what where: every ConfigMapSync and namespace, its state and missing verbs',
    );
  const given = flag.addFlags(command, FLAGS);
  command.action(async () => {
    const { audit } = await import('./audit.js');
    context.exitWith(await audit(given(), context));
  });
};

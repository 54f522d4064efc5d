import { UsageError, type RegisterCommand } from '../command.js';
import { operatorOption, namespaceOption, textOption } from '../option-types.js';

/** What `grant` is told on its command line. */
export interface GrantOptions {
  kubeconfig?: string;
  /** A file, `-` for standard input; left out where a ConfigMapSync on the server is named. */
  filename?: string;
  name?: string;
  /** Left out: the file's own, or the kubeconfig context's. */
  namespace?: string;
  /** The operator's user name. */
  operatorServiceAccount: string;
}

/** `config-weaver grant`: the Roles and RoleBindings that a ConfigMapSync lacks. */
export const grantCommand: RegisterCommand = (program, context) => {
  const command = program
    .command('grant')
    .usage('NAME | -f FILE [options]')
    .argument('[name]', 'a ConfigMapSync of the cluster')
    .description('print the Roles and RoleBindings that are missing, for kubectl apply -f -')
    .addOption(textOption('-f, --filename <file>', 'file with ConfigMapSyncs; - for standard input'))
    .addOption(textOption('--kubeconfig <file>', 'kubeconfig file (default: as for run)'))
    .addOption(namespaceOption('-n, --namespace', "namespace of the ConfigMapSync (default: the context's)"))
    .addOption(operatorOption());
  command.action(async (name: string | undefined) => {
    const given = command.opts<Omit<GrantOptions, 'name'>>();
    if ((name === undefined) === (given.filename === undefined)) {
      throw new UsageError(
        'give either -f FILE or the NAME of a ConfigMapSync, as in: grant NAME -n NAMESPACE',
      );
    }
    const { grant } = await import('./grant.js');
    await grant({ ...given, ...(name !== undefined && { name }) }, context);
  });
};

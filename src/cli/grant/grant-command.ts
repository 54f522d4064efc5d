import { UsageError, type RegisterCommand } from '../command.js';
import * as flag from '../option-types.js';

const FLAGS = {
  filename: flag.FILENAME,
  kubeconfig: flag.KUBECONFIG,
  namespace: flag.short('n', flag.namespace("namespace of the ConfigMapSync (default: the context's)")),
  operatorServiceAccount: flag.OPERATOR,
  includeSystemNamespaces: flag.boolean("grants in kube-* and the operator's own namespace too", false),
};

/** Either `filename` or `name` is there. */
export type GrantOptions = flag.ValuesOf<typeof FLAGS> & { name: string | undefined };

/** `config-weaver grant`: the Roles and RoleBindings that a ConfigMapSync lacks. */
export const grantCommand: RegisterCommand = (program, context) => {
  const command = program
    .command('grant')
    .usage('NAME | -f FILE [options]')
    .argument('[name]', 'a ConfigMapSync of the cluster')
    .description('print the Roles and RoleBindings that are missing, for kubectl apply -f -');
  const given = flag.addFlags(command, FLAGS);
  command.action(async (name: string | undefined) => {
    if ((name === undefined) === (given().filename === undefined)) {
      throw new UsageError(
        'give either -f FILE or the NAME of a ConfigMapSync, as in: grant NAME -n NAMESPACE',
      );
    }
    context.failAsRemark();
    const { grant } = await import('./grant.js');
    await grant({ ...given(), name }, context);
  });
};

import { InvalidArgumentError, Option } from 'commander';

/** Where config/ installs the operator. */
const DEFAULT_OPERATOR = 'config-weaver-system/config-weaver-controller-manager';

const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/;

/** `NAMESPACE/NAME` of the operator's ServiceAccount; its value is the user name that the API server knows it by. */
export function operatorOption(): Option {
  return new Option(
    '--operator-service-account <namespace/name>',
    'ServiceAccount of the operator, whom tenants let request tokens',
  )
    .default(operatorUsername(DEFAULT_OPERATOR), DEFAULT_OPERATOR)
    .argParser(operatorUsername);
}

function operatorUsername(text: string): string {
  const [namespace = '', name = '', ...rest] = text.split('/');
  if (!NAMESPACE.test(namespace) || !NAME.test(name) || name.length > 253 || rest.length > 0) {
    throw new InvalidArgumentError(`Write NAMESPACE/NAME, such as ${DEFAULT_OPERATOR}.`);
  }
  return `system:serviceaccount:${namespace}:${name}`;
}

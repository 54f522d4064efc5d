import { stringify } from 'yaml';
import type { ServiceAccount } from './service-account.js';

/** What a tenant applies in its namespace so that the operator may request tokens of that one ServiceAccount. */
export function tokenGrant(account: ServiceAccount, operator: string): object[] {
  const metadata = { name: `config-weaver-token-${account.name}`, namespace: account.namespace };
  return [
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata,
      rules: [
        {
          apiGroups: [''],
          resources: ['serviceaccounts/token'],
          resourceNames: [account.name],
          verbs: ['create'],
        },
      ],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name },
      subjects: [subjectOf(operator)],
    },
  ];
}

/** Several manifests as one YAML stream for `kubectl apply -f -`. */
export function toYaml(manifests: readonly object[]): string {
  return manifests.map((manifest) => `---\n${stringify(manifest)}`).join('');
}

/** The RBAC subject of a user name as the API server knows it. */
function subjectOf(username: string): object {
  const [system, kind, namespace, name] = username.split(':');
  if (system === 'system' && kind === 'serviceaccount') return { kind: 'ServiceAccount', namespace, name };
  return { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: username };
}

import { ALL_VERBS, type TestTenant } from '../../support/tenant.js';
import type { TestApi } from '../../support/test-api.js';

/** A ServiceAccount beside the one that every tenant has. */
export interface Account {
  namespace: string;
  name: string;
}

/** One more ServiceAccount of the tenant, whose token the operator may request. */
export async function addAccount(api: TestApi, tenant: TestTenant, name: string): Promise<Account> {
  const { namespace } = tenant;
  await api.create({ resource: 'serviceaccounts', namespace }, { metadata: { name } });
  const role = await api.get<{ rules: object[] }>({
    resource: 'roles',
    namespace,
    name: 'config-weaver-token',
  });
  await api.create(
    { resource: 'roles', namespace },
    {
      metadata: { name: `config-weaver-token-${name}` },
      rules: role?.rules.map((rule) => ({ ...rule, resourceNames: [name] })),
    },
  );
  const binding = await api.get<{ subjects: object[] }>({
    resource: 'rolebindings',
    namespace,
    name: 'config-weaver-token',
  });
  await api.create(
    { resource: 'rolebindings', namespace },
    {
      metadata: { name: `config-weaver-token-${name}` },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: `config-weaver-token-${name}` },
      subjects: binding?.subjects,
    },
  );
  return { namespace, name };
}

/** Rights over ConfigMaps of one namespace. */
export async function grantTo(
  api: TestApi,
  account: Account,
  namespace: string,
  verbs: readonly string[] = ALL_VERBS,
): Promise<void> {
  const name = `configmaps-of-${account.namespace}-${account.name}`;
  await api.create(
    { resource: 'roles', namespace },
    { metadata: { name }, rules: [{ apiGroups: [''], resources: ['configmaps'], verbs }] },
  );
  await api.create(
    { resource: 'rolebindings', namespace },
    {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', ...account }],
    },
  );
}

import type { ServiceAccount } from '../../src/api/kubernetes.js';

export interface Rule {
  apiGroups: readonly string[];
  resources: readonly string[];
  resourceNames?: readonly string[];
  verbs: readonly string[];
}

interface Metadata {
  name: string;
  /** Left out: it holds everywhere. */
  namespace?: string;
}

const API_GROUP = 'rbac.authorization.k8s.io';
const API_VERSION = `${API_GROUP}/v1`;

/** What contract and documentation ask of a ServiceAccount in a target namespace. */
export const NEEDED_VERBS = ['get', 'create', 'update', 'delete'] as const;
/** These as well: changes arrive at once. */
export const WATCH_VERBS = ['list', 'watch'] as const;
export const ALL_VERBS = [...NEEDED_VERBS, ...WATCH_VERBS] as const;

export function configMapRule(verbs: readonly string[]): Rule {
  return { apiGroups: [''], resources: ['configmaps'], verbs };
}

/** Lets the operator request tokens of that ServiceAccount. */
export function tokenRule(serviceAccount: string): Rule {
  const resources = ['serviceaccounts/token'];
  return { apiGroups: [''], resources, resourceNames: [serviceAccount], verbs: ['create'] };
}

export function role(metadata: Metadata, rule: Rule): object {
  return { apiVersion: API_VERSION, kind: `${scopeOf(metadata)}Role`, metadata, rules: [rule] };
}

/** Of the role of the same name, which for a namespace may also be one of the cluster. */
export function binding(
  metadata: Metadata,
  subject: ServiceAccount,
  roleScope: '' | 'Cluster' = scopeOf(metadata),
): object {
  return {
    apiVersion: API_VERSION,
    kind: `${scopeOf(metadata)}RoleBinding`,
    metadata,
    roleRef: { apiGroup: API_GROUP, kind: `${roleScope}Role`, name: metadata.name },
    subjects: [{ kind: 'ServiceAccount', ...subject }],
  };
}

function scopeOf({ namespace }: Metadata): '' | 'Cluster' {
  return namespace === undefined ? 'Cluster' : '';
}

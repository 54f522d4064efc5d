import type { ConfigMapSync } from '../../../api/v1alpha1/config-map-sync.js';
import { accountOf, copyName, requiredVerbs, sourceOf } from '../../../sync/targets.js';
import type { ServiceAccount, NamespacedName } from '../../../api/kubernetes.js';
import { nameWithDigest, roleAndBinding, tokenGrant } from '../../../tenant/token-grant.js';
import { isDenied } from '../../../sync/outcomes.js';
import type { ReportRow } from './report-row.js';

/** Lets the ServiceAccount read the source and nothing else. */
export function sourceGrant(sync: ConfigMapSync): object[] {
  const source = sourceOf(sync.spec, sync.metadata.namespace ?? '');
  return grant('read', sync, source, [configMapRule(['get', ...WATCH_VERBS], source.name)]);
}

/**
 * Lets the ServiceAccount keep the copies in one namespace: whether it has some of the rights or not, since a Role that
 * is applied replaces the one before. A create carries no name when it is authorized, so that it cannot be bound to one.
 */
export function targetGrant(sync: ConfigMapSync, namespace: string): object[] {
  const copy = { namespace, name: copyName(sync.spec) };
  const named = requiredVerbs(sync).filter((verb) => verb !== 'create');
  return grant('write', sync, copy, [
    configMapRule(['create']),
    configMapRule([...named, ...WATCH_VERBS], copy.name),
  ]);
}

/**
 * The Roles and RoleBindings that mend a refused target; nothing where no RBAC would, such as for a ServiceAccount that
 * is not there.
 * @param operator The operator's user name.
 */
export function remedyFor(sync: ConfigMapSync, row: ReportRow, operator: string): object[] {
  switch (row.reason) {
    case 'TokenRequestDenied':
      return tokenGrant(accountOf(sync), operator);
    case 'SourceDenied':
      return sourceGrant(sync);
    case 'ServiceAccountNotFound':
    case 'IdentityMismatch':
      return [];
    default:
      return isDenied(row) ? targetGrant(sync, row.targetNamespace) : [];
  }
}

/** Not needed, but with them changes arrive at once. They may be bound to a name: the operator watches by name then. */
const WATCH_VERBS = ['list', 'watch'] as const;

function configMapRule(verbs: readonly string[], name?: string): object {
  return { apiGroups: [''], resources: ['configmaps'], ...(name && { resourceNames: [name] }), verbs };
}

function grant(
  purpose: 'read' | 'write',
  sync: ConfigMapSync,
  { namespace, name }: NamespacedName,
  rules: object[],
): object[] {
  const account = accountOf(sync);
  const metadata = { name: grantName(purpose, account, name), namespace };
  return roleAndBinding(metadata, rules, { kind: 'ServiceAccount', ...account });
}

/** A DNS label's length, which every kind of name allows. */
const MAX_NAME = 63;

/**
 * The same for the same grant, so that applying it twice changes nothing. The digest keeps `a-b` of tenant `c` apart
 * from `b` of tenant `c-a`, and names apart that had to be cut.
 */
function grantName(purpose: string, { namespace, name }: ServiceAccount, configMap: string): string {
  const identity = JSON.stringify([purpose, namespace, name, configMap]);
  const readable = `config-weaver-${purpose}-${namespace}-${name}-${configMap}`;
  return nameWithDigest(readable, identity, MAX_NAME);
}

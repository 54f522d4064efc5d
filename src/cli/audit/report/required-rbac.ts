import { createHash } from 'node:crypto';
import type { ConfigMapSync } from '../../../api/v1alpha1/config-map-sync.js';
import { accountOf } from '../../../controller/plan-request.js';
import { requiredVerbs } from '../../../sync/required-rbac.js';
import { copyName, sourceOf } from '../../../sync/targets.js';
import type { ServiceAccount, NamespacedName } from '../../../api/kubernetes.js';
import { tokenGrant } from '../../../tenant/token-grant.js';
import { isDenied } from '../../../sync/outcomes.js';
import type { ReportRow } from './report-row.js';

/** The Roles and RoleBindings that a ConfigMapSync needs: one text for a refusal, for `grant` and for reports. */
export class Remedies {
  readonly #operator: string;

  /** @param operator The operator's user name. */
  constructor(operator: string) {
    this.#operator = operator;
  }

  /** Lets the operator request tokens of the ServiceAccount. */
  token(sync: ConfigMapSync): object[] {
    return tokenGrant(accountOf(sync), this.#operator);
  }

  /** Lets the ServiceAccount read the source and nothing else. */
  source(sync: ConfigMapSync): object[] {
    const source = sourceOf(sync.spec, sync.metadata.namespace ?? '');
    return grant('read', accountOf(sync), source, [configMapRule(['get', ...WATCH_VERBS], source.name)]);
  }

  /**
   * Lets the ServiceAccount keep the copies in one namespace: whether it has some of the rights or not, since a Role that
   * is applied replaces the one before. A create carries no name when it is authorized, so that it cannot be bound to one.
   */
  target(sync: ConfigMapSync, namespace: string): object[] {
    const copy = { namespace, name: copyName(sync.spec) };
    const named = requiredVerbs(sync).filter((verb) => verb !== 'create');
    return grant('write', accountOf(sync), copy, [
      configMapRule(['create']),
      configMapRule([...named, ...WATCH_VERBS], copy.name),
    ]);
  }

  /** What mends a refused target; nothing where no RBAC would, such as for a ServiceAccount that is not there. */
  for(sync: ConfigMapSync, row: ReportRow): object[] {
    switch (row.reason) {
      case 'TokenRequestDenied':
        return this.token(sync);
      case 'SourceDenied':
        return this.source(sync);
      case 'ServiceAccountNotFound':
      case 'IdentityMismatch':
        return [];
      default:
        return isDenied(row) ? this.target(sync, row.targetNamespace) : [];
    }
  }
}

/** Not needed, but with them changes arrive at once. They may be bound to a name: the operator watches by name then. */
const WATCH_VERBS = ['list', 'watch'] as const;

function configMapRule(verbs: readonly string[], name?: string): object {
  return { apiGroups: [''], resources: ['configmaps'], ...(name && { resourceNames: [name] }), verbs };
}

function grant(
  purpose: 'read' | 'write',
  account: ServiceAccount,
  place: NamespacedName,
  rules: object[],
): object[] {
  const metadata = { name: grantName(purpose, account, place.name), namespace: place.namespace };
  return [
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name },
      subjects: [{ kind: 'ServiceAccount', namespace: account.namespace, name: account.name }],
    },
  ];
}

/** A DNS label's length, which every kind of name allows. */
const MAX_NAME = 63;

/**
 * The same for the same grant, so that applying it twice changes nothing. The digest keeps `a-b` of tenant `c` apart
 * from `b` of tenant `c-a`, and names apart that had to be cut.
 */
function grantName(purpose: string, { namespace, name }: ServiceAccount, configMap: string): string {
  const identity = JSON.stringify([purpose, namespace, name, configMap]);
  const digest = createHash('sha256').update(identity).digest('hex').slice(0, 10);
  const readable = `config-weaver-${purpose}-${namespace}-${name}-${configMap}`
    .slice(0, MAX_NAME - digest.length - 1)
    .replace(/[-.]+$/, '');
  return `${readable}-${digest}`;
}

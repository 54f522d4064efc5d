import { createHash } from 'node:crypto';
import type { ConfigMapSync } from '../../../api/v1alpha1/config-map-sync.js';
import type { Verb } from '../../../api/v1alpha1/config-map-sync-status.js';
import { copyName, sourceOf } from '../../../sync/targets.js';
import type { ServiceAccount, NamespacedName } from '../../../api/kubernetes.js';
import { tokenGrant } from '../../../tenant/token-grant.js';
import { isDenied } from '../../../sync/outcomes.js';
import type { ReportRow } from './report-row.js';

export interface RemediesOptions {
  /** The operator's user name. */
  operator: string;
  /** What a ConfigMapSync needs in each target namespace. */
  neededVerbs: (sync: ConfigMapSync) => readonly Verb[];
}

/** The Roles and RoleBindings that a ConfigMapSync needs: one text for a refusal, for `grant` and for reports. */
export class Remedies {
  readonly #options: RemediesOptions;

  constructor(options: RemediesOptions) {
    this.#options = options;
  }

  /** Lets the operator request tokens of the ServiceAccount. */
  token(sync: ConfigMapSync): object[] {
    return tokenGrant(accountOf(sync), this.#options.operator);
  }

  source(sync: ConfigMapSync): object[] {
    return sourceGrant(accountOf(sync), sourceOf(sync.spec, sync.metadata.namespace ?? ''));
  }

  target(sync: ConfigMapSync, namespace: string): object[] {
    const copy = { namespace, name: copyName(sync.spec) };
    return targetGrant(accountOf(sync), copy, this.#options.neededVerbs(sync));
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

export function accountOf({ metadata, spec }: ConfigMapSync): ServiceAccount {
  return { namespace: metadata.namespace ?? '', name: spec.serviceAccount.name };
}

/** Not needed, but with them changes arrive at once. They may be bound to a name: the operator watches by name then. */
const WATCH_VERBS = ['list', 'watch'] as const;

/** Role and RoleBinding that let a ServiceAccount read one source and nothing else. */
export function sourceGrant(account: ServiceAccount, source: NamespacedName): object[] {
  return grant('read', account, source, [
    {
      apiGroups: [''],
      resources: ['configmaps'],
      resourceNames: [source.name],
      verbs: ['get', ...WATCH_VERBS],
    },
  ]);
}

/**
 * Role and RoleBinding that let a ServiceAccount keep the copies of one name in one namespace. A create carries no name
 * when it is authorized, so that this one verb cannot be bound to it.
 * @param verbs What the ConfigMapSync needs there, whether it has some of it or not: a Role that is applied replaces the one before.
 */
export function targetGrant(account: ServiceAccount, copy: NamespacedName, verbs: readonly Verb[]): object[] {
  const named = verbs.filter((verb) => verb !== 'create');
  return grant('write', account, copy, [
    ...(verbs.includes('create') ? [{ apiGroups: [''], resources: ['configmaps'], verbs: ['create'] }] : []),
    {
      apiGroups: [''],
      resources: ['configmaps'],
      resourceNames: [copy.name],
      verbs: [...named, ...WATCH_VERBS],
    },
  ]);
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

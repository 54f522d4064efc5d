import type { ConfigMapSync } from '../../../api/v1alpha1/config-map-sync.js';
import type { Verb } from '../../../api/v1alpha1/verb.js';
import { copyName, sourceOf } from '../../../sync/target-selection.js';
import type { ServiceAccount } from '../../../api/kubernetes.js';
import { tokenGrant } from '../../../tenant/token-grant.js';
import { isDenied } from '../../../reporting/denial.js';
import { sourceGrant, targetGrant } from './grants.js';
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

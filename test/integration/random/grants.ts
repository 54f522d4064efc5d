import { isApiError } from '../../../src/k8s/client/errors.js';
import type { ServiceAccount } from '../../../src/api/kubernetes.js';
import { OPERATOR_NAMESPACE, OPERATOR_SERVICE_ACCOUNT } from '../../support/operator.js';
import type { TestApi } from '../../support/test-api.js';
import type { Ledger } from './ledger.js';
import { ALL } from './steps.js';

/** Makes ServiceAccounts and says what they may do; writes down what it did. */
export class Grants {
  readonly #api: TestApi;
  readonly #ledger: Ledger;

  constructor(api: TestApi, ledger: Ledger) {
    this.#api = api;
    this.#ledger = ledger;
  }

  /** With the grant that lets the operator request its token. */
  async createAccount(account: ServiceAccount): Promise<void> {
    const { namespace, name } = account;
    await this.#api.create({ resource: 'serviceaccounts', namespace }, { metadata: { name } });
    this.#ledger.accountCreated(account);
    try {
      await this.#bind(namespace, `token-of-${name}`, {
        rule: {
          apiGroups: [''],
          resources: ['serviceaccounts/token'],
          resourceNames: [name],
          verbs: ['create'],
        },
        subject: { namespace: OPERATOR_NAMESPACE, name: OPERATOR_SERVICE_ACCOUNT },
      });
    } catch (error) {
      // An account that comes back finds its grant still there.
      if (!isApiError(error, 409)) throw error;
    }
  }

  async deleteAccount(account: ServiceAccount): Promise<void> {
    await this.#api.delete({ resource: 'serviceaccounts', ...account });
    this.#ledger.accountDeleted(account);
  }

  /** Exactly these verbs on ConfigMaps there, whatever was granted before. */
  async grant(account: ServiceAccount, namespace: string, verbs: readonly string[]): Promise<void> {
    const name = `${account.namespace}-${account.name}`;
    const rule = { apiGroups: [''], resources: ['configmaps'], verbs };
    const rules = verbs.length === 0 ? [] : [rule];
    try {
      await this.#api.patch({ resource: 'roles', namespace, name }, { rules });
    } catch (error) {
      if (!isApiError(error, 404) || verbs.length === 0) throw error;
      await this.#bind(namespace, name, { rule, subject: account });
    }
    this.#ledger.granted(account, namespace, verbs);
  }

  /** All verbs, also where no namespace is yet. */
  async grantEverywhere(account: ServiceAccount, name: string): Promise<void> {
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ALL }];
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name };
    const subjects = [{ kind: 'ServiceAccount', ...account }];
    await this.#api.create({ resource: 'clusterroles' }, { metadata: { name }, rules });
    await this.#api.create({ resource: 'clusterrolebindings' }, { metadata: { name }, roleRef, subjects });
    this.#ledger.grantedEverywhere(account);
  }

  async #bind(
    namespace: string,
    name: string,
    { rule, subject }: { rule: object; subject: ServiceAccount },
  ): Promise<void> {
    await this.#api.create({ resource: 'roles', namespace }, { metadata: { name }, rules: [rule] });
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name };
    const subjects = [{ kind: 'ServiceAccount', ...subject }];
    await this.#api.create(
      { resource: 'rolebindings', namespace },
      { metadata: { name }, roleRef, subjects },
    );
  }
}

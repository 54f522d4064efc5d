import { ALL_VERBS } from '../../../hack/rig/rbac.js';
import { Tenant } from '../../../hack/rig/tenant.js';
import { isApiError } from '../../../src/k8s/client/errors.js';
import type { ServiceAccount } from '../../../src/api/kubernetes.js';
import type { TestApi } from '../../support/test-api.js';
import type { Ledger } from './ledger.js';

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
    const tenant = this.#tenant(account);
    await tenant.createServiceAccount();
    this.#ledger.accountCreated(account);
    try {
      await tenant.grantToken();
    } catch (error) {
      // An account that comes back finds its grant still there.
      if (!isApiError(error, 409)) throw error;
    }
  }

  async deleteAccount(account: ServiceAccount): Promise<void> {
    await this.#tenant(account).deleteServiceAccount();
    this.#ledger.accountDeleted(account);
  }

  /** Exactly these verbs on ConfigMaps there, whatever was granted before. */
  async grant(account: ServiceAccount, namespace: string, verbs: readonly string[]): Promise<void> {
    await this.#tenant(account).grant(namespace, verbs);
    this.#ledger.granted(account, namespace, verbs);
  }

  /** All verbs, also where no namespace is yet. */
  async grantEverywhere(account: ServiceAccount): Promise<void> {
    await this.#tenant(account).grantEverywhere(ALL_VERBS);
    this.#ledger.grantedEverywhere(account);
  }

  async revokeEverywhere(account: ServiceAccount): Promise<void> {
    await this.#tenant(account).revokeEverywhere();
  }

  #tenant({ namespace, name }: ServiceAccount): Tenant {
    return new Tenant(this.#api, namespace, name);
  }
}

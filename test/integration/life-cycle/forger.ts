import { expect } from 'chai';
import { Tenant } from '../../../hack/rig/tenant.js';
import type { NamespacedName } from '../../../src/api/kubernetes.js';
import { isApiError } from '../../../src/k8s/client/errors.js';
import { plane } from '../../support/plane.js';
import { createNamespace, type ConfigMapObject } from '../../support/tenant.js';
import { TestApi } from '../../support/test-api.js';

/**
 * Somebody who may get and update ConfigMaps in a few namespaces, but neither create nor delete them, and gives them the
 * labels and annotations of somebody else's copies. Everything is done under its own token.
 */
export class Forger {
  readonly #own: TestApi;
  readonly #account: Tenant;

  private constructor(own: TestApi, account: Tenant) {
    this.#own = own;
    this.#account = account;
  }

  static async create(administrator: TestApi): Promise<Forger> {
    const account = new Tenant(administrator, await createNamespace(administrator, 'forger'), 'forger');
    await account.createServiceAccount();
    const shared = await plane();
    const kubeconfig = await shared.serviceAccountKubeconfig(account.namespace, account.serviceAccount);
    return new Forger(await TestApi.connect(kubeconfig), account);
  }

  close(): Promise<void> {
    return this.#own.close();
  }

  async allow(namespace: string): Promise<void> {
    await this.#account.grant(namespace, ['get', 'update']);
  }

  /** Marks `victim` as whatever `copy` is marked as. @returns what the API server has now */
  async mark(victim: NamespacedName, copy: NamespacedName): Promise<ConfigMapObject> {
    const place = { resource: 'configmaps', ...victim } as const;
    const genuine = await this.#own.get<ConfigMapObject>({ resource: 'configmaps', ...copy });
    const existing = await this.#own.get<ConfigMapObject>(place);
    expect(genuine?.metadata.labels, 'the labels of a copy').to.not.equal(undefined);
    const { labels, annotations } = genuine!.metadata;
    return this.#own.replace(place, {
      ...existing,
      metadata: { ...existing?.metadata, labels, annotations },
    });
  }

  /** Fails where it could have removed the ConfigMap, or put another one in its place, by itself. */
  async expectPowerless({ namespace, name }: NamespacedName): Promise<void> {
    const place = { resource: 'configmaps', namespace } as const;
    const refusals = await Promise.allSettled([
      this.#own.delete({ ...place, name }),
      this.#own.create(place, { metadata: { name: `${name}-too` } }),
    ]);
    const codes = refusals.map(
      (refusal) => refusal.status === 'rejected' && isApiError(refusal.reason, 403) && 403,
    );
    expect(codes).to.deep.equal([403, 403]);
  }
}

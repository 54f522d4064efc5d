import { expect } from 'chai';
import { ALL_VERBS, WATCH_VERBS } from '../../hack/rig/rbac.js';
import { SOURCE, SYNC, Tenant, type ConfigMapObject } from '../../hack/rig/tenant.js';
import type { ConditionType, Condition } from '../../src/api/v1alpha1/condition.js';
import type { TargetStatus } from '../../src/api/v1alpha1/config-map-sync-status.js';
import { eventually, type EventuallyOptions } from './eventually.js';
import type { TestApi } from './test-api.js';

export { ALL_VERBS, NEEDED_VERBS, WATCH_VERBS } from '../../hack/rig/rbac.js';
export type { ConfigMapObject, EventObject, PartialSpec as SpecUnderTest } from '../../hack/rig/tenant.js';

export interface TenantOptions {
  /** What its ServiceAccount may do with ConfigMaps of its own namespace. Default: get, list and watch. */
  home?: readonly string[];
  /** false: the operator may not request its token. Default: true. */
  tokenGrant?: boolean;
}

/** One test's own tenant: a namespace with a ServiceAccount, and target namespaces that nobody else uses. */
export class TestTenant extends Tenant {
  static async create(api: TestApi, options: TenantOptions = {}): Promise<TestTenant> {
    const tenant = new TestTenant(api, await createNamespace(api, 'tenant'), 'syncer');
    await tenant.createServiceAccount();
    if (options.tokenGrant !== false) await tenant.grantToken();
    await tenant.grant(tenant.namespace, options.home ?? ['get', ...WATCH_VERBS]);
    return tenant;
  }

  /** One more ServiceAccount of its namespace, whose token the operator may request. */
  async addAccount(name: string): Promise<Tenant> {
    const account = new Tenant(this.api, this.namespace, name);
    await account.createServiceAccount();
    await account.grantToken();
    return account;
  }

  /** A new namespace in which the ServiceAccount has these rights over ConfigMaps. */
  async target(verbs: readonly string[] = ALL_VERBS): Promise<string> {
    const namespace = await createNamespace(this.api, 'target');
    if (verbs.length > 0) await this.grant(namespace, verbs);
    return namespace;
  }

  /** No ConfigMap can be created there from now on: a quota that is in force. */
  async forbidConfigMaps(namespace: string): Promise<void> {
    await this.api.create(
      { resource: 'resourcequotas', namespace },
      { metadata: { name: 'none' }, spec: { hard: { 'count/configmaps': '0' } } },
    );
    await eventually(async () => {
      const quota = await this.api.get<{ status?: { used?: object } }>({
        resource: 'resourcequotas',
        namespace,
        name: 'none',
      });
      expect(quota?.status?.used).to.not.equal(undefined);
    });
  }

  /** Waits until the condition says so of the latest spec. */
  async condition(
    type: ConditionType,
    reason: string,
    { name = SYNC, ...options }: { name?: string } & EventuallyOptions = {},
  ): Promise<Condition> {
    return eventually(async () => {
      const sync = await this.sync(name);
      const found = sync?.status?.conditions?.find((condition) => condition.type === type);
      expect(found?.observedGeneration, `${type}, of generation`).to.equal(sync?.metadata.generation);
      expect(found?.reason, JSON.stringify(sync?.status, undefined, 1)).to.equal(reason);
      return found!;
    }, options);
  }

  /** Waits until every target is in step with the latest spec. */
  async ready(name = SYNC, options: EventuallyOptions = {}): Promise<Condition> {
    return this.condition('Ready', 'ReconciliationComplete', { name, ...options });
  }

  /** Waits until the status says so of one namespace. */
  async targetState(
    namespace: string,
    state: TargetStatus['state'],
    { name = SYNC, ...options }: { name?: string } & EventuallyOptions = {},
  ): Promise<TargetStatus> {
    return eventually(async () => {
      const status = await this.status(name);
      const found = status.targets?.find((target) => target.namespace === namespace);
      expect(found?.state, JSON.stringify(status, undefined, 1)).to.equal(state);
      return found!;
    }, options);
  }

  /** Waits until a whole look at this state of the source is over: its status is written. */
  async inStepWith(source: ConfigMapObject, name = SYNC): Promise<void> {
    await eventually(async () =>
      expect((await this.status(name)).sourceResourceVersion).to.equal(source.metadata.resourceVersion),
    );
  }

  /** Waits until the copy holds just this data. */
  async copied(
    namespace: string,
    data: Record<string, string> | undefined,
    { name = SOURCE, ...options }: { name?: string } & EventuallyOptions = {},
  ): Promise<ConfigMapObject> {
    return eventually(async () => {
      const copy = await this.copy(namespace, name);
      expect(copy, `ConfigMap ${namespace}/${name}`).to.not.equal(undefined);
      expect(copy?.data).to.deep.equal(data);
      return copy!;
    }, options);
  }

  /** Waits until there is no such ConfigMap. */
  async copyGone(namespace: string, name = SOURCE): Promise<void> {
    await eventually(async () => expect(await this.copy(namespace, name)).to.equal(undefined));
  }

  /** Waits until the ConfigMapSync is gone, finalizers and all. */
  async gone(name = SYNC, options: EventuallyOptions = {}): Promise<void> {
    await eventually(async () => {
      const sync = await this.sync(name);
      expect(sync, JSON.stringify(sync, undefined, 1)).to.equal(undefined);
    }, options);
  }
}

/** @returns its name, which is nobody else's. */
export async function createNamespace(
  api: TestApi,
  prefix: string,
  labels: Record<string, string> = {},
): Promise<string> {
  const { metadata } = await api.create<{ metadata: { name: string } }>(
    { resource: 'namespaces' },
    { metadata: { generateName: `${prefix}-`, labels } },
  );
  return metadata.name;
}

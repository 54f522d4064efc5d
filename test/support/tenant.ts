import { expect } from 'chai';
import type { ConditionType, Condition } from '../../src/api/v1alpha1/condition.js';
import type { ConfigMapSyncSpec } from '../../src/api/v1alpha1/config-map-sync-spec.js';
import type { ConfigMapSync } from '../../src/api/v1alpha1/config-map-sync.js';
import type { ConfigMapSyncStatus, TargetStatus } from '../../src/api/v1alpha1/config-map-sync-status.js';
import { API_VERSION, KIND } from '../../src/api/v1alpha1/well-known.js';
import { eventually, type EventuallyOptions } from './eventually.js';
import { OPERATOR_NAMESPACE, OPERATOR_SERVICE_ACCOUNT } from './operator.js';
import type { TestApi } from './test-api.js';

/** A ConfigMap as the API server gives it. */
export interface ConfigMapObject {
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    resourceVersion: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: unknown[];
  };
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
  immutable?: boolean;
}

/** The parts of an events.k8s.io/v1 Event that tests ask for. */
export interface EventObject {
  type: 'Normal' | 'Warning';
  reason: string;
  note: string;
  action: string;
  reportingController: string;
  regarding: { kind: string; apiVersion: string; namespace: string; name: string; uid: string };
  related?: { kind: string; name: string };
  series?: { count: number };
}

/** What contract and documentation ask of a ServiceAccount in a target namespace. */
export const NEEDED_VERBS = ['get', 'create', 'update', 'delete'] as const;
/** These as well: changes arrive at once. */
export const WATCH_VERBS = ['list', 'watch'] as const;
export const ALL_VERBS = [...NEEDED_VERBS, ...WATCH_VERBS] as const;

/** A ConfigMapSync's spec in a test: what is left out gets the schema's defaults, and the tenant's ServiceAccount. */
export type SpecUnderTest = Partial<Omit<ConfigMapSyncSpec, 'syncToNamespaces'>> & {
  syncToNamespaces?: readonly string[];
};

export interface TenantOptions {
  /** What its ServiceAccount may do with ConfigMaps of its own namespace. Default: get, list and watch. */
  home?: readonly string[];
  /** false: the operator may not request its token. Default: true. */
  tokenGrant?: boolean;
}

const SOURCE = 'source';
const SYNC = 'sync';

/** One test's own tenant: a namespace with a ServiceAccount, and target namespaces that nobody else uses. */
export class TestTenant {
  readonly serviceAccount = 'syncer';
  readonly #api: TestApi;

  private constructor(
    api: TestApi,
    /** Its home: ServiceAccount, source and ConfigMapSync are here. */
    readonly namespace: string,
  ) {
    this.#api = api;
  }

  static async create(api: TestApi, options: TenantOptions = {}): Promise<TestTenant> {
    const tenant = new TestTenant(api, await createNamespace(api, 'tenant'));
    await tenant.createServiceAccount();
    if (options.tokenGrant !== false) await tenant.grantToken();
    await tenant.grant(tenant.namespace, options.home ?? ['get', ...WATCH_VERBS]);
    return tenant;
  }

  get username(): string {
    return `system:serviceaccount:${this.namespace}:${this.serviceAccount}`;
  }

  async createServiceAccount(): Promise<void> {
    await this.#api.create(
      { resource: 'serviceaccounts', namespace: this.namespace },
      { metadata: { name: this.serviceAccount } },
    );
  }

  async deleteServiceAccount(): Promise<void> {
    await this.#api.delete({
      resource: 'serviceaccounts',
      namespace: this.namespace,
      name: this.serviceAccount,
    });
  }

  async grantToken(): Promise<void> {
    await this.#bind(this.namespace, 'config-weaver-token', {
      rule: {
        apiGroups: [''],
        resources: ['serviceaccounts/token'],
        resourceNames: [this.serviceAccount],
        verbs: ['create'],
      },
      subject: { namespace: OPERATOR_NAMESPACE, name: OPERATOR_SERVICE_ACCOUNT },
    });
  }

  /** A new namespace in which the ServiceAccount has these rights over ConfigMaps. */
  async target(verbs: readonly string[] = ALL_VERBS): Promise<string> {
    const namespace = await createNamespace(this.#api, 'target');
    if (verbs.length > 0) await this.grant(namespace, verbs);
    return namespace;
  }

  /** Grants exactly these verbs there, whatever was granted before, with no moment in between. */
  async grant(namespace: string, verbs: readonly string[]): Promise<void> {
    const rule = { apiGroups: [''], resources: ['configmaps'], verbs };
    const role = { resource: 'roles', namespace, name: this.#roleName } as const;
    if (verbs.length === 0) await this.revoke(namespace);
    else if ((await this.#api.get(role)) !== undefined) await this.#api.patch(role, { rules: [rule] });
    else await this.bind(namespace, this.#roleName, rule);
  }

  async revoke(namespace: string): Promise<void> {
    for (const resource of ['rolebindings', 'roles'] as const) {
      await this.#api.delete({ resource, namespace, name: this.#roleName });
    }
  }

  /** Grants these verbs on ConfigMaps of all namespaces, those that do not exist included. */
  async grantEverywhere(verbs: readonly string[]): Promise<void> {
    const name = this.#roleName;
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs }];
    await this.#api.create({ resource: 'clusterroles' }, { metadata: { name }, rules });
    await this.#api.create(
      { resource: 'clusterrolebindings' },
      {
        metadata: { name },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
        subjects: [{ kind: 'ServiceAccount', namespace: this.namespace, name: this.serviceAccount }],
      },
    );
  }

  async revokeEverywhere(): Promise<void> {
    for (const resource of ['clusterrolebindings', 'clusterroles'] as const) {
      await this.#api.delete({ resource, name: this.#roleName });
    }
  }

  /** Gives the ServiceAccount a rule of RBAC beside what was granted, under a name of its own. */
  async bind(namespace: string, name: string, rule: object): Promise<void> {
    await this.#bind(namespace, name, {
      rule,
      subject: { namespace: this.namespace, name: this.serviceAccount },
    });
  }

  async createSource(content: Partial<ConfigMapObject>, name = SOURCE): Promise<ConfigMapObject> {
    return this.createConfigMap(this.namespace, name, content);
  }

  async createConfigMap(
    namespace: string,
    name: string,
    { data, binaryData, immutable, metadata }: Partial<ConfigMapObject>,
  ): Promise<ConfigMapObject> {
    return this.#api.create(
      { resource: 'configmaps', namespace },
      { metadata: { ...metadata, name }, data, binaryData, immutable },
    );
  }

  /** Changes the source by a merge patch: null removes a key. */
  async patchSource(patch: object, name = SOURCE): Promise<ConfigMapObject> {
    return this.patchConfigMap(this.namespace, name, patch);
  }

  async patchConfigMap(namespace: string, name: string, patch: object): Promise<ConfigMapObject> {
    return this.#api.patch({ resource: 'configmaps', namespace, name }, patch);
  }

  async deleteConfigMap(namespace: string, name = SOURCE): Promise<void> {
    await this.#api.delete({ resource: 'configmaps', namespace, name });
  }

  /** Of the ConfigMap `source`, unless the spec names another one. */
  async createSync(spec: SpecUnderTest, name = SYNC): Promise<ConfigMapSync> {
    return this.#api.create(
      { resource: 'configmapsyncs', namespace: this.namespace },
      {
        apiVersion: API_VERSION,
        kind: KIND,
        metadata: { name },
        spec: { source: { name: SOURCE }, serviceAccount: { name: this.serviceAccount }, ...spec },
      },
    );
  }

  async patchSync(patch: object, name = SYNC): Promise<ConfigMapSync> {
    return this.#api.patch({ resource: 'configmapsyncs', namespace: this.namespace, name }, patch);
  }

  async deleteSync(name = SYNC): Promise<void> {
    await this.#api.delete({ resource: 'configmapsyncs', namespace: this.namespace, name });
  }

  async sync(name = SYNC): Promise<ConfigMapSync | undefined> {
    return this.#api.get({ resource: 'configmapsyncs', namespace: this.namespace, name });
  }

  async status(name = SYNC): Promise<ConfigMapSyncStatus> {
    return (await this.sync(name))?.status ?? {};
  }

  /** The copy, or whatever has its name there; undefined where there is nothing. */
  async copy(namespace: string, name = SOURCE): Promise<ConfigMapObject | undefined> {
    return this.#api.get({ resource: 'configmaps', namespace, name });
  }

  /** What is told about the ConfigMapSync, of one reason or of all. */
  async events(reason?: string, name = SYNC): Promise<EventObject[]> {
    const events = await this.#api.list<EventObject>({ resource: 'events', namespace: this.namespace });
    return events.filter(
      (event) => event.regarding.name === name && (reason === undefined || event.reason === reason),
    );
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

  get #roleName(): string {
    return `configmaps-of-${this.namespace}`;
  }

  async #bind(
    namespace: string,
    name: string,
    { rule, subject }: { rule: object; subject: { namespace: string; name: string } },
  ): Promise<void> {
    await this.#api.create({ resource: 'roles', namespace }, { metadata: { name }, rules: [rule] });
    await this.#api.create(
      { resource: 'rolebindings', namespace },
      {
        metadata: { name },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
        subjects: [{ kind: 'ServiceAccount', ...subject }],
      },
    );
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

import type { ConfigMapSyncSpec } from '../../src/api/v1alpha1/config-map-sync-spec.js';
import type { ConfigMapSync } from '../../src/api/v1alpha1/config-map-sync.js';
import type { ConfigMapSyncStatus } from '../../src/api/v1alpha1/config-map-sync-status.js';
import { API_VERSION, KIND } from '../../src/api/v1alpha1/well-known.js';
import type { Api } from './api.js';
import { OPERATOR_NAMESPACE, OPERATOR_SERVICE_ACCOUNT } from './installation.js';
import { binding, configMapRule, role, tokenRule, type Rule } from './rbac.js';

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

/** A ConfigMapSync's spec: what is left out gets the schema's defaults, and the tenant's source and ServiceAccount. */
export type PartialSpec = Partial<Omit<ConfigMapSyncSpec, 'syncToNamespaces'>> & {
  syncToNamespaces?: readonly string[];
};

export const SOURCE = 'source';
export const SYNC = 'sync';

/** A namespace and a ServiceAccount in it: what it is granted, and what is done in its name, by an administrator. */
export class Tenant {
  constructor(
    protected readonly api: Api,
    /** Its home: ServiceAccount, source and ConfigMapSync are here. */
    readonly namespace: string,
    readonly serviceAccount: string,
  ) {}

  get username(): string {
    return `system:serviceaccount:${this.namespace}:${this.serviceAccount}`;
  }

  async createServiceAccount(): Promise<void> {
    const { namespace, serviceAccount: name } = this;
    await this.api.create({ resource: 'serviceaccounts', namespace }, { metadata: { name } });
  }

  async deleteServiceAccount(): Promise<void> {
    const { namespace, serviceAccount: name } = this;
    await this.api.delete({ resource: 'serviceaccounts', namespace, name });
  }

  /** Lets the operator request its token. */
  async grantToken(): Promise<void> {
    const operator = { namespace: OPERATOR_NAMESPACE, name: OPERATOR_SERVICE_ACCOUNT };
    await this.#bind(this.namespace, this.#tokenRoleName, tokenRule(this.serviceAccount), operator);
  }

  async revokeToken(): Promise<void> {
    await this.#unbind(this.namespace, this.#tokenRoleName);
  }

  /** Grants exactly these verbs on ConfigMaps there, whatever was granted before, with no moment in between. */
  async grant(namespace: string, verbs: readonly string[]): Promise<void> {
    const rule = configMapRule(verbs);
    const place = { resource: 'roles', namespace, name: this.#roleName } as const;
    if (verbs.length === 0) await this.revoke(namespace);
    else if ((await this.api.get(place)) !== undefined) await this.api.patch(place, { rules: [rule] });
    else await this.bind(namespace, this.#roleName, rule);
  }

  async revoke(namespace: string): Promise<void> {
    await this.#unbind(namespace, this.#roleName);
  }

  /** Grants these verbs on ConfigMaps of all namespaces, those that do not exist included. */
  async grantEverywhere(verbs: readonly string[]): Promise<void> {
    const metadata = { name: this.#roleName };
    await this.api.create({ resource: 'clusterroles' }, role(metadata, configMapRule(verbs)));
    await this.api.create({ resource: 'clusterrolebindings' }, binding(metadata, this.#account));
  }

  async revokeEverywhere(): Promise<void> {
    for (const resource of ['clusterrolebindings', 'clusterroles'] as const) {
      await this.api.delete({ resource, name: this.#roleName });
    }
  }

  /** Gives the ServiceAccount a rule of RBAC beside what was granted, under a name of its own. */
  async bind(namespace: string, name: string, rule: Rule): Promise<void> {
    await this.#bind(namespace, name, rule, this.#account);
  }

  async createSource(content: Partial<ConfigMapObject>, name = SOURCE): Promise<ConfigMapObject> {
    return this.createConfigMap(this.namespace, name, content);
  }

  async createConfigMap(
    namespace: string,
    name: string,
    { data, binaryData, immutable, metadata }: Partial<ConfigMapObject>,
  ): Promise<ConfigMapObject> {
    return this.api.create(
      { resource: 'configmaps', namespace },
      { metadata: { ...metadata, name }, data, binaryData, immutable },
    );
  }

  /** Changes the source by a merge patch: null removes a key. */
  async patchSource(patch: object, name = SOURCE): Promise<ConfigMapObject> {
    return this.patchConfigMap(this.namespace, name, patch);
  }

  async patchConfigMap(namespace: string, name: string, patch: object): Promise<ConfigMapObject> {
    return this.api.patch({ resource: 'configmaps', namespace, name }, patch);
  }

  async deleteConfigMap(namespace: string, name = SOURCE): Promise<void> {
    await this.api.delete({ resource: 'configmaps', namespace, name });
  }

  /** Of the ConfigMap `source`, unless the spec names another one. */
  async createSync(spec: PartialSpec, name = SYNC, query = {}): Promise<ConfigMapSync> {
    return this.api.create(
      { resource: 'configmapsyncs', namespace: this.namespace },
      {
        apiVersion: API_VERSION,
        kind: KIND,
        metadata: { name },
        spec: { source: { name: SOURCE }, serviceAccount: { name: this.serviceAccount }, ...spec },
      },
      query,
    );
  }

  async patchSync(patch: object, name = SYNC): Promise<ConfigMapSync> {
    return this.api.patch({ resource: 'configmapsyncs', namespace: this.namespace, name }, patch);
  }

  async deleteSync(name = SYNC): Promise<void> {
    await this.api.delete({ resource: 'configmapsyncs', namespace: this.namespace, name });
  }

  async sync(name = SYNC): Promise<ConfigMapSync | undefined> {
    return this.api.get({ resource: 'configmapsyncs', namespace: this.namespace, name });
  }

  async status(name = SYNC): Promise<ConfigMapSyncStatus> {
    return (await this.sync(name))?.status ?? {};
  }

  /** The copy, or whatever has its name there; undefined where there is nothing. */
  async copy(namespace: string, name = SOURCE): Promise<ConfigMapObject | undefined> {
    return this.api.get({ resource: 'configmaps', namespace, name });
  }

  /** What is told about the ConfigMapSync, of one reason or of all. */
  async events(reason?: string, name = SYNC): Promise<EventObject[]> {
    const events = await this.api.list<EventObject>({ resource: 'events', namespace: this.namespace });
    return events.filter(
      (event) => event.regarding.name === name && (reason === undefined || event.reason === reason),
    );
  }

  get #account(): { namespace: string; name: string } {
    return { namespace: this.namespace, name: this.serviceAccount };
  }

  get #roleName(): string {
    return `configmaps-of-${this.namespace}-${this.serviceAccount}`;
  }

  get #tokenRoleName(): string {
    return `config-weaver-token-${this.serviceAccount}`;
  }

  async #bind(
    namespace: string,
    name: string,
    rule: Rule,
    subject: { namespace: string; name: string },
  ): Promise<void> {
    const metadata = { name, namespace };
    await this.api.create({ resource: 'roles', namespace }, role(metadata, rule));
    await this.api.create({ resource: 'rolebindings', namespace }, binding(metadata, subject));
  }

  async #unbind(namespace: string, name: string): Promise<void> {
    for (const resource of ['rolebindings', 'roles'] as const) {
      await this.api.delete({ resource, namespace, name });
    }
  }
}

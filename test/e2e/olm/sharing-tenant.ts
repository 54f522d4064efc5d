import {
  ALL_VERBS,
  binding,
  configMapRule,
  role,
  tokenRule,
  WATCH_VERBS,
  type Rule,
} from '../../../hack/rig/rbac.js';
import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import type { ConfigMapObject } from '../../support/tenant.js';
import { apply, getObject, listObjects, type AnyObject, type Kubectl } from '../../support/kubectl.js';

const SERVICE_ACCOUNT = 'sharer';
const SOURCE = 'settings';
const SYNC = 'share';

/** A tenant that shares a ConfigMap with two namespaces, of which only the first has agreed. */
export class SharingTenant {
  readonly #kubectl: Kubectl;

  private constructor(
    kubectl: Kubectl,
    readonly namespace: string,
    readonly allowed: string,
    readonly denied: string,
  ) {
    this.#kubectl = kubectl;
  }

  /** @param operator whom it lets act as its ServiceAccount, as `system:serviceaccount:NAMESPACE:NAME` */
  static async create(kubectl: Kubectl, namespace: string, operator: string): Promise<SharingTenant> {
    const tenant = new SharingTenant(kubectl, namespace, `${namespace}-allowed`, `${namespace}-denied`);
    const [, , operatorNamespace = '', operatorName = ''] = operator.split(':');
    const places = [namespace, tenant.allowed, tenant.denied];
    const account = { name: SERVICE_ACCOUNT, namespace };
    const grant = (place: string, name: string, rule: Rule, subject = account): object[] => {
      const metadata = { name, namespace: place };
      return [role(metadata, rule), binding(metadata, subject)];
    };
    await apply(
      kubectl,
      ...places.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: account },
      ...grant(namespace, 'token', tokenRule(SERVICE_ACCOUNT), {
        name: operatorName,
        namespace: operatorNamespace,
      }),
      ...grant(namespace, 'read', configMapRule(['get', ...WATCH_VERBS])),
      ...grant(tenant.allowed, 'write', configMapRule(ALL_VERBS)),
    );
    await tenant.edit('first');
    return tenant;
  }

  /** Writes the source. */
  async edit(value: string): Promise<void> {
    const { namespace } = this;
    await apply(this.#kubectl, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: SOURCE, namespace },
      data: { value },
    });
  }

  async share(): Promise<void> {
    await apply(this.#kubectl, {
      apiVersion: 'weaver.example.com/v1alpha1',
      kind: 'ConfigMapSync',
      metadata: { name: SYNC, namespace: this.namespace },
      spec: {
        source: { name: SOURCE },
        syncToNamespaces: [this.allowed, this.denied],
        serviceAccount: { name: SERVICE_ACCOUNT },
      },
    });
  }

  sync(): Promise<(ConfigMapSync & AnyObject) | undefined> {
    return getObject(this.#kubectl, 'configmapsyncs', SYNC, this.namespace);
  }

  async targetStates(): Promise<string[]> {
    const { status } = (await this.sync()) ?? {};
    return (status?.targets ?? []).map(({ state }) => state);
  }

  copy(namespace = this.allowed): Promise<(ConfigMapObject & AnyObject) | undefined> {
    return getObject(this.#kubectl, 'configmap', SOURCE, namespace);
  }

  async eventReasons(): Promise<string[]> {
    const events = await listObjects<AnyObject & { reason: string }>(
      this.#kubectl,
      'events.events.k8s.io',
      this.namespace,
    );
    return events.map(({ reason }) => reason).sort();
  }
}

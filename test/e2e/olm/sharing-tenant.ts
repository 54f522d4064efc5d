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
    await apply(
      kubectl,
      ...places.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: SERVICE_ACCOUNT, namespace } },
      ...grant(namespace, 'token', {
        rule: { resources: ['serviceaccounts/token'], resourceNames: [SERVICE_ACCOUNT], verbs: ['create'] },
        subject: { name: operatorName, namespace: operatorNamespace },
      }),
      ...grant(namespace, 'read', {
        rule: { resources: ['configmaps'], verbs: ['get', 'list', 'watch'] },
        subject: { name: SERVICE_ACCOUNT, namespace },
      }),
      ...grant(tenant.allowed, 'write', {
        rule: {
          resources: ['configmaps'],
          verbs: ['get', 'list', 'watch', 'create', 'update', 'delete'],
        },
        subject: { name: SERVICE_ACCOUNT, namespace },
      }),
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

interface Grant {
  rule: { resources: string[]; resourceNames?: string[]; verbs: string[] };
  subject: { name: string; namespace: string };
}

function grant(namespace: string, name: string, { rule, subject }: Grant): object[] {
  const apiGroup = 'rbac.authorization.k8s.io';
  return [
    {
      apiVersion: `${apiGroup}/v1`,
      kind: 'Role',
      metadata: { name, namespace },
      rules: [{ apiGroups: [''], ...rule }],
    },
    {
      apiVersion: `${apiGroup}/v1`,
      kind: 'RoleBinding',
      metadata: { name, namespace },
      roleRef: { apiGroup, kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', ...subject }],
    },
  ];
}

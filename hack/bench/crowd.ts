import { API_VERSION, KIND } from '../../src/api/v1alpha1/well-known.js';
import type { ConfigMapSync } from '../../src/api/v1alpha1/config-map-sync.js';
import { tokenGrant } from '../../src/tenant/token-grant.js';
import { TestApi } from '../../test/support/test-api.js';
import { waitUntil } from '../control-plane/poll.js';
import type { Rig } from '../rig/rig.js';

const NAMESPACE = 'crowd';
const SERVICE_ACCOUNT = 'nobody';
const NAME = 'crowd';
const WAIT_MILLISECONDS = 120_000;

/** Another tenant, whose ConfigMapSync has many targets and rights in none of them. They need not exist to be denied. */
export class Crowd {
  readonly username = `system:serviceaccount:${NAMESPACE}:${SERVICE_ACCOUNT}`;
  readonly #api: TestApi;

  private constructor(
    api: TestApi,
    readonly size: number,
  ) {
    this.#api = api;
  }

  static async create({ plane, installation }: Rig, size: number): Promise<Crowd> {
    const api = await TestApi.connect(plane.kubeconfig);
    const crowd = new Crowd(api, size);
    await api.create({ resource: 'namespaces' }, { metadata: { name: NAMESPACE } });
    await api.create(
      { resource: 'serviceaccounts', namespace: NAMESPACE },
      { metadata: { name: SERVICE_ACCOUNT } },
    );
    const account = { namespace: NAMESPACE, name: SERVICE_ACCOUNT };
    const [role = {}, binding = {}] = tokenGrant(account, installation.username);
    await api.create({ resource: 'roles', namespace: NAMESPACE }, role);
    await api.create({ resource: 'rolebindings', namespace: NAMESPACE }, binding);
    const name = 'source';
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'watch'] }];
    await api.create({ resource: 'roles', namespace: NAMESPACE }, { metadata: { name }, rules });
    await api.create(
      { resource: 'rolebindings', namespace: NAMESPACE },
      {
        metadata: { name },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
        subjects: [{ kind: 'ServiceAccount', ...account }],
      },
    );
    await api.create(
      { resource: 'configmaps', namespace: NAMESPACE },
      { metadata: { name }, data: { key: 'value' } },
    );
    return crowd;
  }

  /** Resolves when the API server has it: the operator begins to judge its targets. */
  async arrive(): Promise<void> {
    const syncToNamespaces = Array.from({ length: this.size }, (_, i) => `crowd-${i}`);
    await this.#api.create(
      { resource: 'configmapsyncs', namespace: NAMESPACE },
      {
        apiVersion: API_VERSION,
        kind: KIND,
        metadata: { name: NAME },
        spec: { source: { name: 'source' }, syncToNamespaces, serviceAccount: { name: SERVICE_ACCOUNT } },
      },
    );
  }

  /** Resolves when the status tells of every denial. */
  async denied(): Promise<void> {
    await waitUntil(async () => (await this.#sync())?.status?.deniedTargets === this.size, {
      what: `${this.size} targets to be denied`,
      timeoutMilliseconds: WAIT_MILLISECONDS,
    });
  }

  /** Resolves when its ConfigMapSync is gone. */
  async leave(): Promise<void> {
    await this.#api.delete({ resource: 'configmapsyncs', namespace: NAMESPACE, name: NAME });
    await waitUntil(async () => (await this.#sync()) === undefined, {
      what: 'the ConfigMapSync of many denied targets to be gone',
      timeoutMilliseconds: WAIT_MILLISECONDS,
    });
  }

  close(): Promise<void> {
    return this.#api.close();
  }

  #sync(): Promise<ConfigMapSync | undefined> {
    return this.#api.get({ resource: 'configmapsyncs', namespace: NAMESPACE, name: NAME });
  }
}

import { API_VERSION, GROUP, KIND, PLURAL, VERSION } from '../../src/api/v1alpha1/well-known.js';
import { type Query, apiPath } from '../../src/k8s/client/api-path.js';
import { isApiError } from '../../src/k8s/client/errors.js';
import { loadConnection } from '../../src/k8s/config/kubeconfig.js';
import { RestClient } from '../../src/k8s/client/rest-client.js';
import { Transport } from '../../src/k8s/client/transport.js';
import type { ConfigMap } from '../../src/sync/config-map.js';
import { tokenGrant } from '../../src/tenant/token-grant.js';
import { waitUntil } from '../control-plane/poll.js';
import type { Rig } from '../rig/rig.js';
import { forEachOf } from './pool.js';

/** The operator's own default of --max-concurrent-requests. */
export const CONCURRENCY = 32;

const NAMESPACE = 'bench';
const SERVICE_ACCOUNT = 'sharer';
const ROLE = 'bench-configmaps';
const WAIT_MILLISECONDS = 60_000;

/** A tenant that may write ConfigMaps in many namespaces, and what an administrator and itself do through the API. */
export class BenchTenant {
  readonly namespace = NAMESPACE;
  readonly serviceAccount = SERVICE_ACCOUNT;
  readonly username = `system:serviceaccount:${NAMESPACE}:${SERVICE_ACCOUNT}`;
  /** Acts as the tenant, over the same kind of connections as the operator. */
  readonly client: RestClient;
  readonly #admin: RestClient;
  readonly #transport: Transport;

  private constructor(
    readonly targets: readonly string[],
    parts: { client: RestClient; admin: RestClient; transport: Transport },
  ) {
    this.client = parts.client;
    this.#admin = parts.admin;
    this.#transport = parts.transport;
  }

  static async create({ plane, installation }: Rig, targetCount: number): Promise<BenchTenant> {
    const connection = await loadConnection({ kubeconfig: plane.kubeconfig, env: {}, home: '/' });
    const transport = new Transport(connection);
    const { server } = connection;
    const userAgent = 'config-weaver-bench';
    const admin = new RestClient({
      server,
      userAgent,
      dispatcher: (use) => transport.dispatcher('operator', use),
      authorize: (signal) => connection.authorize(signal),
    });
    const targets = Array.from({ length: targetCount }, (_, i) => `bench-${String(i).padStart(4, '0')}`);
    await grantEverywhere(admin, targets, installation.username);
    const token = await requestToken(admin);
    const client = new RestClient({
      server,
      userAgent,
      dispatcher: (use) => transport.dispatcher('bearer', use),
      authorize: () => Promise.resolve(`Bearer ${token}`),
      requireAuthorization: true,
    });
    const tenant = new BenchTenant(targets, { client, admin, transport });
    await tenant.#waitForCreations();
    return tenant;
  }

  async createSource(name: string, data: Record<string, string>): Promise<void> {
    await this.#post(configMaps(NAMESPACE), { metadata: { name }, data });
  }

  async editSource(name: string, data: Record<string, string>): Promise<void> {
    await this.#admin.request({ method: 'PATCH', path: configMaps(NAMESPACE, name), body: { data } });
  }

  async createSync(name: string, source: string, targets = this.targets): Promise<void> {
    await this.#post(syncs(), syncOf(name, source, targets));
  }

  /** Resolves when it is gone, and its copies with it. */
  async deleteSync(name: string): Promise<void> {
    await this.#admin.request({ method: 'DELETE', path: syncs(name) });
    await waitUntil(() => this.#isGone(syncs(name)), {
      what: `ConfigMapSync ${name} to be gone`,
      timeoutMilliseconds: WAIT_MILLISECONDS,
    });
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  async #post(path: string, body: object, query: Query = {}): Promise<void> {
    await this.#admin.request({ method: 'POST', path, body, query });
  }

  /**
   * kube-apiserver answers two seconds late where it is asked to create a custom resource within two seconds of the
   * CRD's establishment: no time of the operator, so it must not get into a measurement.
   */
  async #waitForCreations(): Promise<void> {
    await this.#post(syncs(), syncOf('dry-run', 'dry-run', this.targets), { dryRun: 'All' });
  }

  async #isGone(path: string): Promise<boolean> {
    try {
      await this.#admin.request({ method: 'GET', path });
      return false;
    } catch (error) {
      if (isApiError(error, 404)) return true;
      throw error;
    }
  }
}

/** What the numbers should stay below was said for a hundred targets. */
export function targetsApply({ targets }: BenchTenant): boolean {
  return targets.length <= 100;
}

export function configMaps(namespace: string, name?: string): string {
  return apiPath({ group: '', version: 'v1', namespace, resource: 'configmaps', ...(name && { name }) });
}

/** About 2 kB, as settings of an application have; another `version` is another content. */
export function contentOf(version: string): NonNullable<ConfigMap['data']> {
  const settings = Array.from({ length: 10 }, (_, i) => [`setting-${i}`, `value ${i} `.repeat(20)]);
  return { version, ...(Object.fromEntries(settings) as Record<string, string>) };
}

function syncs(name?: string): string {
  return apiPath({
    group: GROUP,
    version: VERSION,
    namespace: NAMESPACE,
    resource: PLURAL,
    ...(name && { name }),
  });
}

function syncOf(name: string, source: string, targets: readonly string[]): object {
  return {
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: { name, namespace: NAMESPACE },
    spec: {
      source: { name: source },
      syncToNamespaces: targets,
      serviceAccount: { name: SERVICE_ACCOUNT },
    },
  };
}

async function requestToken(admin: RestClient): Promise<string> {
  const { body } = await admin.request<{ status: { token: string } }>({
    method: 'POST',
    path: apiPath({
      ...{ group: '', version: 'v1', namespace: NAMESPACE },
      ...{ resource: 'serviceaccounts', name: SERVICE_ACCOUNT, subresource: 'token' },
    }),
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 24 * 3600 },
    },
  });
  return body.status.token;
}

async function grantEverywhere(
  admin: RestClient,
  targets: readonly string[],
  operator: string,
): Promise<void> {
  const create = async (path: string, body: object): Promise<void> => {
    await admin.request({ method: 'POST', path, body });
  };
  const rbac = (resource: string, namespace?: string): string =>
    apiPath({
      ...{ group: 'rbac.authorization.k8s.io', version: 'v1', resource },
      ...(namespace && { namespace }),
    });
  const namespaces = apiPath({ group: '', version: 'v1', resource: 'namespaces' });
  await create(namespaces, { metadata: { name: NAMESPACE } });
  await create(apiPath({ group: '', version: 'v1', namespace: NAMESPACE, resource: 'serviceaccounts' }), {
    metadata: { name: SERVICE_ACCOUNT },
  });
  const [role = {}, binding = {}] = tokenGrant({ namespace: NAMESPACE, name: SERVICE_ACCOUNT }, operator);
  await create(rbac('roles', NAMESPACE), role);
  await create(rbac('rolebindings', NAMESPACE), binding);
  const verbs = ['get', 'list', 'watch', 'create', 'update', 'delete'];
  await create(rbac('clusterroles'), {
    metadata: { name: ROLE },
    rules: [{ apiGroups: [''], resources: ['configmaps'], verbs }],
  });
  const allow = (namespace: string): Promise<void> =>
    create(rbac('rolebindings', namespace), {
      metadata: { name: ROLE },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: ROLE },
      subjects: [{ kind: 'ServiceAccount', namespace: NAMESPACE, name: SERVICE_ACCOUNT }],
    });
  await allow(NAMESPACE);
  await forEachOf(targets, CONCURRENCY, async (name) => {
    await create(namespaces, { metadata: { name } });
    await allow(name);
  });
}

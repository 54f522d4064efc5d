import { apiPath } from '../../src/k8s/client/api-path.js';
import { type RestClient } from '../../src/k8s/client/rest-client.js';
import type { ConfigMap } from '../../src/sync/config-map.js';
import { waitUntil } from '../control-plane/poll.js';
import { Api } from '../rig/api.js';
import { ALL_VERBS, binding, configMapRule, role } from '../rig/rbac.js';
import type { Rig } from '../rig/rig.js';
import { Tenant } from '../rig/tenant.js';
import { forEachOf } from './pool.js';

/** The operator's own default of --max-concurrent-requests. */
export const CONCURRENCY = 32;

const ACCOUNT = { namespace: 'bench', name: 'sharer' };
const ROLE = 'bench-configmaps';
const WAIT_MILLISECONDS = 60_000;

/** A tenant that may write ConfigMaps in many namespaces, and what an administrator and itself do through the API. */
export class BenchTenant {
  /** Acts as the tenant, over the same kind of connections as the operator. */
  readonly client: RestClient;
  readonly #api: Api;
  readonly #tenant: Tenant;

  private constructor(
    readonly targets: readonly string[],
    parts: { client: RestClient; api: Api; tenant: Tenant },
  ) {
    this.client = parts.client;
    this.#api = parts.api;
    this.#tenant = parts.tenant;
  }

  static async create({ plane }: Rig, targetCount: number): Promise<BenchTenant> {
    const api = await Api.connect(plane.kubeconfig);
    const tenant = new Tenant(api, ACCOUNT.namespace, ACCOUNT.name);
    const targets = Array.from({ length: targetCount }, (_, i) => `bench-${String(i).padStart(4, '0')}`);
    await api.create({ resource: 'namespaces' }, { metadata: { name: ACCOUNT.namespace } });
    await tenant.createServiceAccount();
    await tenant.grantToken();
    await grantEverywhere(api, targets);
    const client = api.clientOf(await requestToken(api));
    // kube-apiserver answers two seconds late where it is asked to create a custom resource within two seconds of the
    // CRD's establishment: no time of the operator, so it must not get into a measurement.
    await tenant.createSync({ syncToNamespaces: targets }, 'dry-run', { dryRun: 'All' });
    return new BenchTenant(targets, { client, api, tenant });
  }

  get namespace(): string {
    return this.#tenant.namespace;
  }

  get serviceAccount(): string {
    return this.#tenant.serviceAccount;
  }

  get username(): string {
    return this.#tenant.username;
  }

  async createSource(name: string, data: Record<string, string>): Promise<void> {
    await this.#tenant.createSource({ data }, name);
  }

  async editSource(name: string, data: Record<string, string>): Promise<void> {
    await this.#tenant.patchSource({ data }, name);
  }

  async createSync(name: string, source: string, targets = this.targets): Promise<void> {
    await this.#tenant.createSync({ source: { name: source }, syncToNamespaces: targets }, name);
  }

  /** Resolves when it is gone, and its copies with it. */
  async deleteSync(name: string): Promise<void> {
    await this.#tenant.deleteSync(name);
    await waitUntil(async () => (await this.#tenant.sync(name)) === undefined, {
      what: `ConfigMapSync ${name} to be gone`,
      timeoutMilliseconds: WAIT_MILLISECONDS,
    });
  }

  close(): Promise<void> {
    return this.#api.close();
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

async function requestToken(api: Api): Promise<string> {
  const { status } = await api.create<{ status: { token: string } }>(
    { resource: 'serviceaccounts', ...ACCOUNT, subresource: 'token' },
    {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 24 * 3600 },
    },
  );
  return status.token;
}

/** One role for all of its namespaces. */
async function grantEverywhere(api: Api, targets: readonly string[]): Promise<void> {
  await api.create({ resource: 'clusterroles' }, role({ name: ROLE }, configMapRule(ALL_VERBS)));
  const allow = async (namespace: string): Promise<void> => {
    const metadata = { name: ROLE, namespace };
    await api.create({ resource: 'rolebindings', namespace }, binding(metadata, ACCOUNT, 'Cluster'));
  };
  await allow(ACCOUNT.namespace);
  await forEachOf(targets, CONCURRENCY, async (name) => {
    await api.create({ resource: 'namespaces' }, { metadata: { name } });
    await allow(name);
  });
}

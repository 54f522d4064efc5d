import { Api } from '../rig/api.js';
import { waitUntil } from '../control-plane/poll.js';
import type { Rig } from '../rig/rig.js';
import { Tenant } from '../rig/tenant.js';

const NAMESPACE = 'crowd';
const WAIT_MILLISECONDS = 120_000;

/** Another tenant, whose ConfigMapSync has many targets and rights in none of them. They need not exist to be denied. */
export class Crowd {
  readonly #api: Api;
  readonly #tenant: Tenant;

  private constructor(
    api: Api,
    readonly size: number,
  ) {
    this.#api = api;
    this.#tenant = new Tenant(api, NAMESPACE, 'nobody');
  }

  static async create({ plane }: Rig, size: number): Promise<Crowd> {
    const api = await Api.connect(plane.kubeconfig);
    const crowd = new Crowd(api, size);
    await api.create({ resource: 'namespaces' }, { metadata: { name: NAMESPACE } });
    await crowd.#tenant.createServiceAccount();
    await crowd.#tenant.grantToken();
    await crowd.#tenant.grant(NAMESPACE, ['get', 'list', 'watch']);
    await crowd.#tenant.createSource({ data: { key: 'value' } });
    return crowd;
  }

  get username(): string {
    return this.#tenant.username;
  }

  /** Resolves when the API server has it: the operator begins to judge its targets. */
  async arrive(): Promise<void> {
    const syncToNamespaces = Array.from({ length: this.size }, (_, i) => `crowd-${i}`);
    await this.#tenant.createSync({ syncToNamespaces });
  }

  /** Resolves when the status tells of every denial. */
  async denied(): Promise<void> {
    await waitUntil(async () => (await this.#tenant.status()).deniedTargets === this.size, {
      what: `${this.size} targets to be denied`,
      timeoutMilliseconds: WAIT_MILLISECONDS,
    });
  }

  /** Resolves when its ConfigMapSync is gone. */
  async leave(): Promise<void> {
    await this.#tenant.deleteSync();
    await waitUntil(async () => (await this.#tenant.sync()) === undefined, {
      what: 'the ConfigMapSync of many denied targets to be gone',
      timeoutMilliseconds: WAIT_MILLISECONDS,
    });
  }

  close(): Promise<void> {
    return this.#api.close();
  }
}

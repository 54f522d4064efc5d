import { homedir } from 'node:os';
import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import { GROUP, PLURAL, VERSION } from '../api/v1alpha1/well-known.js';
import { undefinedAt, isApiError } from '../k8s/client/errors.js';
import { loadConnection } from '../k8s/config/kubeconfig.js';
import type { ClusterConnection } from '../k8s/config/cluster-connection.js';
import { listPages } from '../k8s/client/list-pages.js';
import { METADATA_ONLY_LIST, type KubernetesObject } from '../k8s/client/objects.js';
import { apiPath } from '../k8s/client/api-path.js';
import { Reachability } from '../k8s/client/reachability.js';
import { RestClient } from '../k8s/client/rest-client.js';
import type { RequestObserver } from '../k8s/client/rest-types.js';
import { Transport } from '../k8s/client/transport.js';
import { Tenancy, type TenancyOptions } from '../tenant/tenancy.js';
import { version } from './version.js';

export interface CallerOptions {
  kubeconfig: string | undefined;
  env: Readonly<NodeJS.ProcessEnv>;
  /** Connections for writes, at least. */
  writeConnections?: number;
  observer?: RequestObserver;
}

/** What a command does in the cluster under the identity of its kubeconfig: of whoever calls it, or of the operator. */
export class Caller {
  readonly client: RestClient;
  readonly server: string;
  /** The kubeconfig context's. */
  readonly namespace: string;
  /** Where the cluster was found, for the log. */
  readonly source: string;
  /** Found by all requests, the tenants' as well. */
  readonly reachability = new Reachability();
  readonly #userAgent = `config-weaver/${version()}`;
  readonly #closed = new AbortController();
  /** Aborts when the command is over. */
  readonly signal = this.#closed.signal;
  readonly #transport: Transport;
  readonly #observer: RequestObserver | undefined;

  private constructor(connection: ClusterConnection, { writeConnections = 0, observer }: CallerOptions) {
    this.server = connection.server;
    this.namespace = connection.namespace;
    this.source = connection.source;
    this.#transport = new Transport(connection, { writeConnections });
    this.#observer = observer;
    this.client = new RestClient({
      server: this.server,
      dispatcher: (use) => this.#transport.dispatcher('operator', use),
      authorize: (signal) => connection.authorize(signal),
      renew: async (rejected, signal) => {
        const hasCertificate = await this.#transport.refresh();
        return (await connection.renew?.(rejected, signal)) === true || hasCertificate;
      },
      userAgent: this.#userAgent,
      observer,
      reachability: this.reachability,
    });
  }

  /** @throws KubeconfigError where there is no cluster to talk to. */
  static async connect(options: CallerOptions): Promise<Caller> {
    const { kubeconfig, env } = options;
    return new Caller(await loadConnection({ kubeconfig, env, home: homedir() }), options);
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error('the command is over'));
    await this.#transport.close();
  }

  /** ServiceAccounts by tokens that the caller requests. Their clients send nothing of the caller's own identity. */
  tenancy(options: Omit<TenancyOptions, 'client' | 'clientFor' | 'userAgentPrefix'>): Tenancy {
    return new Tenancy({
      ...options,
      client: this.client,
      userAgentPrefix: this.#userAgent,
      clientFor: (authorize) =>
        new RestClient({
          server: this.server,
          dispatcher: (use) => this.#transport.dispatcher('bearer', use),
          authorize,
          userAgent: this.#userAgent,
          requireAuthorization: true,
          observer: this.#observer,
          reachability: this.reachability,
        }),
    });
  }

  /**
   * ConfigMapSyncs of one namespace, or of all.
   * @throws ApiError; Error with a hint where the cluster does not know the kind.
   */
  async listSyncs(namespace: string | undefined): Promise<ConfigMapSync[]> {
    const path = apiPath({ group: GROUP, version: VERSION, namespace, resource: PLURAL });
    try {
      return (await listPages<ConfigMapSync>({ client: this.client, path }, this.signal)).items;
    } catch (error) {
      if (!isApiError(error, 404)) throw error;
      const hint = `install config-weaver's CustomResourceDefinition there, or name another kubeconfig`;
      throw new Error(`${this.server} knows no ${PLURAL}.${GROUP}: ${hint}`, { cause: error });
    }
  }

  /** Undefined where there is none, or no such kind. */
  async findSync(namespace: string, name: string): Promise<ConfigMapSync | undefined> {
    const path = apiPath({ group: GROUP, version: VERSION, namespace, resource: PLURAL, name });
    const request = { method: 'GET', path, signal: this.signal } as const;
    return (await this.client.request<ConfigMapSync>(request).catch(undefinedAt(404)))?.body;
  }

  /** Names, labels and deletion of all namespaces; undefined where the caller may not list them. */
  async listNamespaces(): Promise<KubernetesObject[] | undefined> {
    const path = apiPath({ group: '', version: 'v1', resource: 'namespaces' });
    const request = { client: this.client, path, accept: { list: METADATA_ONLY_LIST } };
    return (await listPages(request, this.signal).catch(undefinedAt(403)))?.items;
  }
}

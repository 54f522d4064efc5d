import { homedir } from 'node:os';
import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import { GROUP, PLURAL, VERSION } from '../api/v1alpha1/well-known.js';
import { isApiError } from '../k8s/client/errors.js';
import { loadConnection } from '../k8s/config/kubeconfig.js';
import type { ClusterConnection } from '../k8s/config/cluster-connection.js';
import { listPages } from '../k8s/client/list-pages.js';
import { METADATA_ONLY_LIST, type KubernetesObject } from '../k8s/client/objects.js';
import { apiPath } from '../k8s/client/api-path.js';
import { RestClient } from '../k8s/client/rest-client.js';
import type { RequestObserver } from '../k8s/client/rest-types.js';
import { Transport } from '../k8s/client/transport.js';
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
  /** `config-weaver/<version>`. */
  readonly userAgent: string;
  readonly #connection: ClusterConnection;
  readonly #transport: Transport;
  readonly #observer: RequestObserver | undefined;
  readonly #closed = new AbortController();

  private constructor(connection: ClusterConnection, { writeConnections = 0, observer }: CallerOptions) {
    this.#connection = connection;
    this.#transport = new Transport(connection, { writeConnections });
    this.#observer = observer;
    this.userAgent = `config-weaver/${version()}`;
    this.client = new RestClient({
      server: connection.server,
      dispatcher: (use) => this.#transport.dispatcher('operator', use),
      authorize: (signal) => connection.authorize(signal),
      userAgent: this.userAgent,
      observer,
    });
  }

  /** @throws KubeconfigError where there is no cluster to talk to. */
  static async connect(options: CallerOptions): Promise<Caller> {
    const { kubeconfig, env } = options;
    return new Caller(await loadConnection({ kubeconfig, env, home: homedir() }), options);
  }

  /** The kubeconfig context's. */
  get namespace(): string {
    return this.#connection.namespace;
  }

  get server(): string {
    return this.#connection.server;
  }

  /** Where the cluster was found, for the log. */
  get source(): string {
    return this.#connection.source;
  }

  /** Aborts when the command is over. */
  get signal(): AbortSignal {
    return this.#closed.signal;
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error('the command is over'));
    await this.#transport.close();
  }

  /** A client that sends this token and nothing of the caller's own identity. */
  bearerClient(authorize: (signal?: AbortSignal) => Promise<string>): RestClient {
    return new RestClient({
      server: this.#connection.server,
      dispatcher: (use) => this.#transport.dispatcher('bearer', use),
      authorize,
      userAgent: this.userAgent,
      requireAuthorization: true,
      observer: this.#observer,
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
      throw isApiError(error, 404) ? notInstalled(this.server, error) : error;
    }
  }

  /** Undefined where there is none, or no such kind. */
  async findSync(namespace: string, name: string): Promise<ConfigMapSync | undefined> {
    const path = apiPath({ group: GROUP, version: VERSION, namespace, resource: PLURAL, name });
    try {
      return (await this.client.request<ConfigMapSync>({ method: 'GET', path, signal: this.signal })).body;
    } catch (error) {
      if (isApiError(error, 404)) return undefined;
      throw error;
    }
  }

  /** Names, labels and deletion of all namespaces; undefined where the caller may not list them. */
  async listNamespaces(): Promise<KubernetesObject[] | undefined> {
    const path = apiPath({ group: '', version: 'v1', resource: 'namespaces' });
    const accept = { list: METADATA_ONLY_LIST };
    try {
      return (await listPages<KubernetesObject>({ client: this.client, path, accept }, this.signal)).items;
    } catch (error) {
      if (isApiError(error, 403)) return undefined;
      throw error;
    }
  }
}

function notInstalled(server: string, cause: Error): Error {
  const message = `${server} knows no ${PLURAL}.${GROUP}: install config-weaver's CustomResourceDefinition there, or name another kubeconfig`;
  return new Error(message, { cause });
}

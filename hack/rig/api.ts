import type { Query } from '../../src/k8s/client/api-path.js';
import { apiPath } from '../../src/k8s/client/api-path.js';
import { RestClient } from '../../src/k8s/client/rest-client.js';
import { isApiError } from '../../src/k8s/client/errors.js';
import { loadConnection } from '../../src/k8s/config/kubeconfig.js';
import { type ClusterConnection } from '../../src/k8s/config/cluster-connection.js';
import { Transport, type TransportOptions } from '../../src/k8s/client/transport.js';

const RESOURCES = {
  configmaps: { group: '', version: 'v1' },
  namespaces: { group: '', version: 'v1' },
  serviceaccounts: { group: '', version: 'v1' },
  roles: { group: 'rbac.authorization.k8s.io', version: 'v1' },
  rolebindings: { group: 'rbac.authorization.k8s.io', version: 'v1' },
  clusterroles: { group: 'rbac.authorization.k8s.io', version: 'v1' },
  clusterrolebindings: { group: 'rbac.authorization.k8s.io', version: 'v1' },
  configmapsyncs: { group: 'weaver.example.com', version: 'v1alpha1' },
  resourcequotas: { group: '', version: 'v1' },
  events: { group: 'events.k8s.io', version: 'v1' },
  leases: { group: 'coordination.k8s.io', version: 'v1' },
  validatingadmissionpolicies: { group: 'admissionregistration.k8s.io', version: 'v1' },
  validatingadmissionpolicybindings: { group: 'admissionregistration.k8s.io', version: 'v1' },
  mutatingadmissionpolicies: { group: 'admissionregistration.k8s.io', version: 'v1' },
  mutatingadmissionpolicybindings: { group: 'admissionregistration.k8s.io', version: 'v1' },
} as const;

export type Resource = keyof typeof RESOURCES;

/** Where an object is; `namespace` is left out for a cluster-scoped one. */
export interface ObjectPlace {
  resource: Resource;
  namespace?: string;
  name?: string;
  subresource?: string;
}

export interface ApiOptions extends TransportOptions {
  /** In place of what the kubeconfig says. */
  connection?: Partial<ClusterConnection>;
}

const USER_AGENT = 'config-weaver-test';

/** The API as a kubeconfig's user sees it, without starting a kubectl for each look. Close it at the end. */
export class Api {
  /** For whatever is not among our resources. */
  readonly client: RestClient;
  readonly transport: Transport;

  protected constructor(
    readonly connection: ClusterConnection,
    options: TransportOptions,
  ) {
    const transport = new Transport(connection, options);
    this.transport = transport;
    this.client = new RestClient({
      server: connection.server,
      dispatcher: (use) => transport.dispatcher('operator', use),
      authorize: (signal) => connection.authorize(signal),
      userAgent: USER_AGENT,
    });
  }

  static async connect(kubeconfig: string, options: ApiOptions = {}): Promise<Api> {
    const connection = await loadConnection({ kubeconfig, env: {}, home: '/nonexistent' });
    return new Api({ ...connection, ...options.connection }, options);
  }

  /** For whoever has this token, over the same kind of connections as the operator has for its tenants. */
  clientOf(token: string): RestClient {
    return new RestClient({
      server: this.connection.server,
      dispatcher: (use) => this.transport.dispatcher('bearer', use),
      authorize: () => Promise.resolve(`Bearer ${token}`),
      requireAuthorization: true,
      userAgent: USER_AGENT,
    });
  }

  close(): Promise<void> {
    return this.transport.close();
  }

  /** Undefined where there is none. */
  async get<T>(place: Required<Pick<ObjectPlace, 'name'>> & ObjectPlace): Promise<T | undefined> {
    try {
      return (await this.client.request<T>({ method: 'GET', path: pathOf(place) })).body;
    } catch (error) {
      if (isApiError(error, 404)) return undefined;
      throw error;
    }
  }

  async list<T>(place: ObjectPlace): Promise<T[]> {
    const { body } = await this.client.request<{ items: T[] }>({ method: 'GET', path: pathOf(place) });
    return body.items;
  }

  async create<T>(place: ObjectPlace, body: object, query: Query = {}): Promise<T> {
    return (await this.client.request<T>({ method: 'POST', path: pathOf(place), body, query })).body;
  }

  /** A JSON merge patch. */
  async patch<T>(place: ObjectPlace, body: object): Promise<T> {
    return (await this.client.request<T>({ method: 'PATCH', path: pathOf(place), body })).body;
  }

  async replace<T>(place: ObjectPlace, body: object): Promise<T> {
    return (await this.client.request<T>({ method: 'PUT', path: pathOf(place), body })).body;
  }

  /** Does nothing where there is none. */
  async delete(place: ObjectPlace, options: object = {}): Promise<void> {
    try {
      await this.client.request({ method: 'DELETE', path: pathOf(place), body: options });
    } catch (error) {
      if (!isApiError(error, 404)) throw error;
    }
  }
}

function pathOf({ resource, ...place }: ObjectPlace): string {
  return apiPath({ ...RESOURCES[resource], resource, ...place });
}

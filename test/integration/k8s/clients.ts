import { homedir } from 'node:os';

import { type ClusterConnection, loadConnection } from '../../../src/k8s/config/kubeconfig.js';
import type { KubernetesObject } from '../../../src/k8s/client/objects.js';
import { apiPath, RestClient } from '../../../src/k8s/client/rest-client.js';
import { Transport, type TransportOptions } from '../../../src/k8s/client/transport.js';
import { plane } from '../../support/plane.js';

export interface ConfigMap extends KubernetesObject {
  data?: Record<string, string>;
}

/** The plane's administrator, on connections of its own: end them with `close`. */
export interface TestClient {
  client: RestClient;
  connection: ClusterConnection;
  transport: Transport;
  close(): Promise<void>;
}

export async function adminClient(
  options: TransportOptions & { connection?: Partial<ClusterConnection> } = {},
): Promise<TestClient> {
  const { kubeconfig } = await plane();
  const connection = {
    ...(await loadConnection({ kubeconfig, env: {}, home: homedir() })),
    ...options.connection,
  };
  const transport = new Transport(connection, options);
  const client = new RestClient({
    server: connection.server,
    dispatcher: (use) => transport.dispatcher('operator', use),
    authorize: (signal) => connection.authorize(signal),
    userAgent: 'config-weaver-test',
  });
  return { client, connection, transport, close: () => transport.close() };
}

export function configMaps(namespace: string, name?: string): string {
  return apiPath({ group: '', version: 'v1', namespace, resource: 'configmaps', name });
}

export async function createConfigMap(
  client: RestClient,
  namespace: string,
  name: string,
  data: Record<string, string> = {},
): Promise<ConfigMap> {
  const { body } = await client.request<ConfigMap>({
    method: 'POST',
    path: configMaps(namespace),
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data },
  });
  return body;
}

/** Creates a namespace with a name of its own; nothing waits for its default ServiceAccount. */
export async function createNamespace(client: RestClient, prefix: string): Promise<string> {
  const { body } = await client.request<KubernetesObject>({
    method: 'POST',
    path: apiPath({ group: '', version: 'v1', resource: 'namespaces' }),
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { generateName: `${prefix}-` } },
  });
  return body.metadata.name;
}

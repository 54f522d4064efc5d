import type { KubernetesObject } from '../../../src/k8s/client/objects.js';
import { apiPath } from '../../../src/k8s/client/api-path.js';
import { type RestClient } from '../../../src/k8s/client/rest-client.js';

export interface ConfigMap extends KubernetesObject {
  data?: Record<string, string>;
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

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { repositoryRoot } from '../../../hack/repository.js';

/** The parts of a ServiceMonitor that we use. */
export interface ServiceMonitor {
  spec: {
    jobLabel: string;
    selector: { matchLabels: Record<string, string> };
    endpoints: [
      {
        port: string;
        path: string;
        scheme: string;
        honorLabels: boolean;
        bearerTokenFile: string;
        tlsConfig: { insecureSkipVerify: boolean };
      },
    ];
  };
}

export interface Service {
  metadata: { name: string; namespace: string; labels: Record<string, string> };
  spec: { ports: { name: string }[] };
}

export async function shippedMonitor(): Promise<ServiceMonitor> {
  return (await readManifest('config/prometheus/monitor.yaml')) as ServiceMonitor;
}

export async function shippedService(): Promise<Service> {
  return (await readManifest('config/manager/metrics_service.yaml')) as Service;
}

/**
 * What the Prometheus Operator makes of our ServiceMonitor and Service, for one pod behind the Service at `address`
 * (`host:port`). The token is read from the file `token` beside Prometheus' configuration.
 */
export function scrapeConfig(monitor: ServiceMonitor, service: Service, address: string): object {
  const [endpoint] = monitor.spec.endpoints;
  const { name, namespace, labels } = service.metadata;
  return {
    job_name: labels[monitor.spec.jobLabel],
    honor_labels: endpoint.honorLabels,
    scheme: endpoint.scheme,
    metrics_path: endpoint.path,
    authorization: { type: 'Bearer', credentials_file: 'token' },
    tls_config: { insecure_skip_verify: endpoint.tlsConfig.insecureSkipVerify },
    static_configs: [
      {
        targets: [address],
        labels: {
          namespace,
          service: name,
          endpoint: endpoint.port,
          pod: 'config-weaver-controller-manager-0',
          container: 'manager',
        },
      },
    ],
  };
}

async function readManifest(path: string): Promise<unknown> {
  return parse(await readFile(join(repositoryRoot(), path), 'utf8'));
}

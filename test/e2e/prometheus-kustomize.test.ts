import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import { repositoryRoot } from '../../hack/repository.js';
import { eventually } from '../support/eventually.js';
import { apply, getObject, type AnyObject } from '../support/kubectl.js';
import { OPERATOR_NAMESPACE, operatorKubeconfig } from '../support/operator.js';
import { plane, type TestPlane } from '../support/plane.js';

interface Built extends AnyObject {
  spec?: { endpoints?: Record<string, unknown>[] };
}

const TOKEN = 'config-weaver-metrics-reader-token';
const READER = `system:serviceaccount:${OPERATOR_NAMESPACE}:config-weaver-metrics-reader`;

describe('config/prometheus', () => {
  let shared: TestPlane;

  before(async () => {
    shared = await plane();
  });

  /** What an overlay of config/prometheus with these components of it gives. */
  async function build(...components: string[]): Promise<Built[]> {
    const folder = await mkdtemp(join(tmpdir(), 'config-weaver-overlay-'));
    try {
      const overlay = join(folder, 'overlay');
      const base = relative(overlay, join(repositoryRoot(), 'config/prometheus'));
      const kustomization = {
        resources: [base],
        components: components.map((name) => join(base, 'components', name)),
      };
      await mkdir(overlay);
      await writeFile(join(overlay, 'kustomization.yaml'), JSON.stringify(kustomization));
      const text = await shared.kubectl(['kustomize', overlay]);
      return parseAllDocuments(text).map((document) => document.toJS() as Built);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  const endpointOf = (objects: readonly Built[]): Record<string, unknown> | undefined =>
    objects.find(({ kind }) => kind === 'ServiceMonitor')?.spec?.endpoints?.[0];

  it('is a ServiceMonitor and a PrometheusRule', async () => {
    const objects = await build();

    expect(objects.map(({ kind }) => kind)).to.have.members(['ServiceMonitor', 'PrometheusRule']);
  });

  it('verifies a mounted certificate with the component verified-tls', async () => {
    const endpoint = endpointOf(await build('verified-tls'));

    expect(endpoint?.tlsConfig).to.deep.equal({
      serverName: `config-weaver-controller-manager-metrics-service.${OPERATOR_NAMESPACE}.svc`,
      ca: { secret: { name: 'config-weaver-metrics-cert', key: 'ca.crt' } },
    });
  });

  it('gives Prometheus a token that opens the metrics and no Secret with the component token-secret', async function () {
    this.timeout(60_000);
    await operatorKubeconfig(); // the namespace, and the ClusterRole that the component binds
    const objects = await build('token-secret');
    const own = objects.filter(({ apiVersion }) => !apiVersion.startsWith('monitoring.'));

    await apply(shared.kubectl, ...own);
    try {
      const secret = await eventually(async () => {
        const found = await getObject<AnyObject & { data?: Record<string, string> }>(
          shared.kubectl,
          'secret',
          TOKEN,
          OPERATOR_NAMESPACE,
        );
        expect(found?.data).to.have.property('token');
        return found!;
      });

      const endpoint = endpointOf(objects);
      expect(endpoint).to.not.have.property('bearerTokenFile');
      expect(endpoint?.authorization).to.deep.equal({
        type: 'Bearer',
        credentials: { name: secret.metadata.name, key: 'token' },
      });
      const may = (...what: string[]): Promise<string> =>
        shared.kubectl(['auth', 'can-i', ...what, `--as=${READER}`]).catch(() => 'no');
      expect((await may('get', '/metrics')).trim()).to.equal('yes');
      expect(await may('get', 'secrets', '-A')).to.equal('no');
    } finally {
      for (const { kind, metadata } of own) {
        await shared.kubectl(['delete', kind, metadata.name, '-n', OPERATOR_NAMESPACE, '--ignore-not-found']);
      }
    }
  });

  it('puts the dashboard into a ConfigMap that the sidecar of Grafana looks for', async () => {
    const text = await shared.kubectl(['kustomize', join(repositoryRoot(), 'config/grafana')]);

    const [configMap] = parseAllDocuments(text).map((document) => document.toJS() as AnyObject);
    expect(configMap).to.deep.include({ kind: 'ConfigMap' });
    expect(configMap?.metadata.labels).to.include({ grafana_dashboard: '1' });
    expect(Buffer.byteLength(text)).to.be.lessThan(1_000_000);
  });
});

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { repositoryRoot } from '../../../hack/repository.js';

interface Container {
  ports: { name: string; containerPort: number }[];
}

interface Objects {
  policy: {
    spec: {
      podSelector: { matchLabels: Record<string, string> };
      policyTypes: string[];
      ingress: {
        from: { namespaceSelector?: { matchLabels?: Record<string, string> } }[];
        ports: { port: number }[];
      }[];
    };
  };
  deployment: {
    spec: { template: { metadata: { labels: Record<string, string> }; spec: { containers: Container[] } } };
  };
}

describe('config/network-policy', () => {
  const read = async (path: string): Promise<unknown> =>
    parse(await readFile(join(repositoryRoot(), path), 'utf8'));
  let policy: Objects['policy'];
  let deployment: Objects['deployment'];

  before(async () => {
    policy = (await read('config/network-policy/allow_metrics.yaml')) as Objects['policy'];
    deployment = (await read('config/manager/manager.yaml')) as Objects['deployment'];
  });

  it("selects the manager's pods, for all that comes in", () => {
    expect(deployment.spec.template.metadata.labels).to.include(policy.spec.podSelector.matchLabels);
    expect(policy.spec.policyTypes).to.deep.equal(['Ingress']);
  });

  it('lets nothing be reached but the metrics, and not the health endpoint', () => {
    const [manager] = deployment.spec.template.spec.containers;
    const metrics = manager?.ports.find(({ name }) => name === 'https')?.containerPort;

    const open = policy.spec.ingress.flatMap(({ ports }) => ports.map(({ port }) => port));

    expect(open).to.deep.equal([metrics]);
  });

  it('lets in nobody without a label', () => {
    const sources = policy.spec.ingress.flatMap(({ from }) => from);

    expect(sources.map(({ namespaceSelector }) => namespaceSelector?.matchLabels)).to.deep.equal([
      { metrics: 'enabled' },
      { 'network.openshift.io/policy-group': 'monitoring' },
    ]);
  });

  it('is not in the bundle, which older releases of OLM would refuse for it', async () => {
    const files = await readdir(join(repositoryRoot(), 'bundle/manifests'));

    expect(files.filter((name) => name.includes('networkpolicy'))).to.deep.equal([]);
  });
});

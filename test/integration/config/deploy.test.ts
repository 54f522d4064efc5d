import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { controlPlaneAssets } from '../../../hack/control-plane/assets.js';
import { ControlPlane } from '../../../hack/control-plane/control-plane.js';
import { repositoryRoot } from '../../../hack/repository.js';
import { getObject, listObjects, type AnyObject, type Kubectl } from '../../support/kubectl.js';

const NAMESPACE = 'config-weaver-system';
const IMAGE = 'registry.test:5000/config-weaver:v0.0.1';
const run = promisify(execFile);

interface Deployment extends AnyObject {
  spec: { template: { metadata: object; spec: { containers: { image: string }[] } } };
}

/** A control plane of its own: what `make deploy` makes is the shared one's fixture, too, and would go with `make undeploy`. */
describe('what kustomize deploys', function () {
  this.timeout(120_000);
  let plane: ControlPlane;
  let kubectl: Kubectl;

  before(async () => {
    plane = await ControlPlane.start({ assets: await controlPlaneAssets() });
    kubectl = plane.kubectl;
  });

  after(() => plane.stop());

  /** Both streams, for warnings of the API server go to the second one. */
  async function output(program: string, ...args: string[]): Promise<string> {
    const env = {
      ...process.env,
      KUBECONFIG: plane.kubeconfig,
      KUBECACHEDIR: join(plane.dir, 'kubectl-cache'),
    };
    const { stdout, stderr } = await run(program, args, { cwd: repositoryRoot(), env });
    return `${stdout}${stderr}`;
  }

  async function versions(): Promise<string[]> {
    const kinds =
      'deployments,services,poddisruptionbudgets,networkpolicies,serviceaccounts,roles,rolebindings';
    const objects = await listObjects(kubectl, kinds, NAMESPACE);
    return objects.map(({ kind, metadata }) => `${kind} ${metadata.name} ${metadata.resourceVersion}`);
  }

  it('passes a dry run of the API server without a warning, twice, in a namespace of restricted Pod Security', async () => {
    await kubectl(['apply', '-f', join(repositoryRoot(), 'config/manager/namespace.yaml')]);
    const dryRun = ['apply', '--dry-run=server', '-k', 'config/default'];

    for (const time of ['first', 'second']) {
      const said = await output(join(plane.assets, 'kubectl'), ...dryRun);

      expect(said, time).to.include(
        'deployment.apps/config-weaver-controller-manager created (server dry run)',
      );
      expect(said, time).to.not.match(/warning/i);
    }
  });

  it('is applied by make deploy with the image that was asked for, and again without a change', async () => {
    const said = await output('make', '-s', 'deploy', `IMG=${IMAGE}`);
    const before = await versions();

    await output('make', '-s', 'deploy', `IMG=${IMAGE}`);

    const deployment = await getObject<Deployment>(
      kubectl,
      'deployment',
      'config-weaver-controller-manager',
      NAMESPACE,
    );
    expect(deployment?.spec.template.spec.containers.map(({ image }) => image)).to.deep.equal([IMAGE]);
    expect(said).to.not.match(/warning/i);
    expect(await versions()).to.deep.equal(before);
  });

  it('makes pods that a namespace of restricted Pod Security admits', async () => {
    const namespace = await getObject(kubectl, 'namespace', NAMESPACE);
    const deployment = await getObject<Deployment>(
      kubectl,
      'deployment',
      'config-weaver-controller-manager',
      NAMESPACE,
    );
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      ...deployment!.spec.template,
      metadata: { ...deployment!.spec.template.metadata, name: 'like-the-managers', namespace: NAMESPACE },
    };

    const said = await kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(pod));

    expect(namespace?.metadata.labels).to.include({ 'pod-security.kubernetes.io/enforce': 'restricted' });
    expect(said).to.include('pod/like-the-managers created');
  });

  it('is taken away by make undeploy, but for the CRD and what tenants made of it', async () => {
    const sync = {
      apiVersion: 'weaver.example.com/v1alpha1',
      kind: 'ConfigMapSync',
      metadata: { name: 'kept', namespace: 'default' },
      spec: { source: { name: 'any' }, syncToNamespaces: ['other'] },
    };
    await kubectl(['apply', '-f', '-'], JSON.stringify(sync));

    await output('make', '-s', 'undeploy');

    const left = await listObjects(kubectl, 'clusterroles,clusterrolebindings,priorityclasses,namespaces');
    expect(left.map(({ metadata }) => metadata.name).filter((name) => name.startsWith('config-weaver'))).to.be
      .empty;
    expect(await getObject(kubectl, 'configmapsyncs', 'kept', 'default')).to.not.equal(undefined);
  });
});

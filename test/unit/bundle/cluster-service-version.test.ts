import { expect } from 'chai';
import { version } from '../../../src/cli/version.js';
import { clusterServiceVersion } from '../../../hack/bundle/cluster-service-version.js';
import { parseManifests, type Manifest } from '../../../hack/bundle/manifest.js';
import { committedBundle, repositoryFile, type CommittedBundle } from './committed.js';

/**
 * What OLM, of either generation, installs on every cluster, and takes away again: not so ClusterRoles. ServiceMonitors fail
 * where Prometheus' CRDs are missing.
 */
const KINDS = ['ClusterServiceVersion', 'CustomResourceDefinition', 'PodDisruptionBudget', 'Service'];

describe('the ClusterServiceVersion', () => {
  let bundle: CommittedBundle;

  before(async () => {
    bundle = await committedBundle();
  });

  const annotation = (name: string): string => bundle.csv.metadata.annotations[name] ?? '';

  it("is that of the program's version", () => {
    expect(bundle.csv.metadata.name).to.equal(`config-weaver.v${version()}`);
    expect(bundle.csv.spec.version).to.equal(version());
    expect(annotation('containerImage')).to.match(new RegExp(`:v${version()}$`));
  });

  it('tells a catalog what it shows: texts, links, people, an icon', () => {
    const { spec } = bundle.csv;

    expect(annotation('description').length).to.be.within(60, 135);
    expect(annotation('categories')).to.equal('Security, Integration & Delivery');
    expect(annotation('createdAt')).to.match(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/);
    for (const name of ['capabilities', 'repository', 'support', 'certified']) {
      expect(annotation(name), name).to.not.equal('');
    }
    expect(spec.description).to.match(/## Features[^]*## Prerequisites/);
    expect(spec.minKubeVersion).to.match(/^\d+\.\d+\.\d+$/);
    expect(spec.maintainers).to.satisfy((people: { name: string; email: string }[]) =>
      people.every(({ name, email }) => name !== '' && email.includes('@')),
    );
    expect(spec.provider).to.have.property('name');
    expect(spec.links).to.not.be.empty;
    expect(spec.keywords).to.not.be.empty;
  });

  it("has an icon within the console's 80 by 40", () => {
    const [icon, ...more] = bundle.csv.spec.icon;
    const svg = Buffer.from(icon!.base64data, 'base64').toString();

    expect(more).to.be.empty;
    expect(icon!.mediatype).to.equal('image/svg+xml');
    expect(Number(/width="(\d+)"/.exec(svg)?.[1])).to.be.at.most(80);
    expect(Number(/height="(\d+)"/.exec(svg)?.[1])).to.be.at.most(40);
  });

  it('supports all four install modes, told by WATCH_NAMESPACE', () => {
    const [container] = bundle.csv.spec.install.spec.deployments[0]!.spec.template.spec.containers;

    expect(bundle.csv.spec.installModes).to.have.deep.members(
      ['OwnNamespace', 'SingleNamespace', 'MultiNamespace', 'AllNamespaces'].map((type) => ({
        type,
        supported: true,
      })),
    );
    expect(container).to.deep.include({
      name: 'manager',
      env: [
        {
          name: 'WATCH_NAMESPACE',
          valueFrom: { fieldRef: { fieldPath: "metadata.annotations['olm.targetNamespaces']" } },
        },
      ],
    });
  });

  it('suggests a namespace under the strictest Pod Security', () => {
    const suggested = JSON.parse(annotation('operatorframework.io/suggested-namespace-template')) as Manifest;

    expect(suggested.metadata.name).to.equal('config-weaver-system');
    expect(suggested.metadata.labels).to.include({ 'pod-security.kubernetes.io/enforce': 'restricted' });
  });

  it('answers each of the features that OpenShift asks about', () => {
    const features = ['cnf', 'cni', 'csi', 'disconnected', 'fips-compliant', 'proxy-aware', 'tls-profiles'];
    const tokens = ['aws', 'azure', 'gcp'].map((cloud) => `token-auth-${cloud}`);

    for (const feature of [...features, ...tokens]) {
      expect(annotation(`features.operators.openshift.io/${feature}`), feature).to.match(/^(true|false)$/);
    }
  });

  it('says the same of architectures in labels and in what it deploys', () => {
    const { labels } = bundle.csv.metadata;
    const pod = JSON.stringify(bundle.csv.spec.install.spec.deployments[0]!.spec.template.spec);

    expect(labels).to.include({
      'operatorframework.io/arch.amd64': 'supported',
      'operatorframework.io/arch.arm64': 'supported',
      'operatorframework.io/os.linux': 'supported',
    });
    expect(pod).to.include('{"key":"kubernetes.io/arch","operator":"In","values":["amd64","arm64"]}');
  });

  it("leaves the user to the cluster: OpenShift refuses one that is not of the namespace's range", () => {
    const pod = JSON.stringify(bundle.csv.spec.install.spec.deployments[0]!.spec);

    expect(pod).to.include('"runAsNonRoot":true').and.not.include('runAsUser').and.not.include('fsGroup');
  });

  it('needs nothing that a cluster may not have: no PriorityClass, and only kinds that OLM installs', () => {
    const pod = JSON.stringify(bundle.csv.spec.install.spec.deployments[0]!.spec);

    expect(pod).to.not.include('priorityClassName');
    expect([...new Set(bundle.manifests.map(({ kind }) => kind))].sort()).to.deep.equal(KINDS);
  });

  it('names no namespace: OLM installs everything where the operator is', () => {
    const others = bundle.manifests.filter(({ kind }) => kind !== 'ClusterServiceVersion');

    expect(others.filter(({ metadata }) => metadata.namespace !== undefined)).to.deep.equal([]);
  });

  it("lists its image as related, under the Deployment's own name for it", () => {
    const { relatedImages, install } = bundle.csv.spec;
    const [container] = install.spec.deployments[0]!.spec.template.spec.containers;

    expect(relatedImages).to.deep.equal([{ name: 'manager', image: container!.image }]);
  });
});

describe('a ClusterServiceVersion that is generated', () => {
  const digest = `registry.test/weaver@sha256:${'0'.repeat(64)}`;

  async function generate(release: Parameters<typeof clusterServiceVersion>[0]) {
    const bases = await repositoryFile('config/manifests/bases/config-weaver.clusterserviceversion.yaml');
    const files = ['manager/manager.yaml', 'rbac/role.yaml', 'rbac/leader_election_role.yaml'];
    const others = await Promise.all(files.map((file) => repositoryFile('config', file)));
    const manifests = [bases, ...others].flatMap((yaml) => parseManifests(yaml));
    return clusterServiceVersion(release, { manifests, samples: [], icon: '<svg/>' });
  }

  it('takes the place of the release that it is told of', async () => {
    const csv = await generate({ version: '0.2.0', replaces: 'config-weaver.v0.1.0' });

    expect(csv.metadata.name).to.equal('config-weaver.v0.2.0');
    expect(csv.spec.replaces).to.equal('config-weaver.v0.1.0');
  });

  it('puts another image everywhere', async () => {
    const csv = await generate({ version: '0.2.0', image: digest });

    const [container] = csv.spec.install.spec.deployments[0]!.spec.template.spec.containers;
    expect(container?.image).to.equal(digest);
    expect(csv.metadata.annotations.containerImage).to.equal(digest);
    expect(csv.spec.relatedImages).to.deep.equal([{ name: 'manager', image: digest }]);
  });

  it('claims to work in a cluster that is cut off only where its image can be mirrored, by digest', async () => {
    const feature = 'features.operators.openshift.io/disconnected';

    const byDigest = await generate({ version: '0.2.0', image: digest });
    const byTag = await generate({ version: '0.2.0' });

    expect(byDigest.metadata.annotations[feature]).to.equal('true');
    expect(byTag.metadata.annotations[feature]).to.equal('false');
  });
});

import { ConfigMapSyncSpec } from '../../src/api/v1alpha1/config-map-sync-spec.js';
import { ConfigMapSyncStatus } from '../../src/api/v1alpha1/config-map-sync-status.js';
import { DESCRIPTION, GROUP, KIND, PLURAL, VERSION } from '../../src/api/v1alpha1/well-known.js';
import { descriptorsOf, edited, shown, type Descriptor } from './descriptors.js';
import { only, type Deployment, type Manifest, type Role } from './manifest.js';
import { isNamespaced, type Permissions } from './permissions.js';

/** The parts of operators.coreos.com/v1alpha1 ClusterServiceVersion that we write. */
export interface ClusterServiceVersion extends Manifest {
  metadata: Manifest['metadata'] & { annotations: Record<string, string> };
  spec: {
    version: string;
    replaces?: string;
    minKubeVersion: string;
    installModes: { type: string; supported: boolean }[];
    icon: { base64data: string; mediatype: string }[];
    relatedImages: { name: string; image: string }[];
    customresourcedefinitions: { owned: OwnedResource[] };
    install: {
      strategy: 'deployment';
      spec: {
        clusterPermissions: Permissions[];
        permissions: Permissions[];
        deployments: { name: string; label?: Record<string, string>; spec: Deployment['spec'] }[];
      };
    };
    [field: string]: unknown;
  };
}

interface OwnedResource {
  name: string;
  kind: string;
  version: string;
  displayName: string;
  description: string;
  resources: { kind: string; name: string; version: string }[];
  specDescriptors: Descriptor[];
  statusDescriptors: Descriptor[];
}

export interface Release {
  /** `X.Y.Z`, without a v. */
  version: string;
  /** Name of the CSV that this one takes the place of; left out: that of the base, if it names one. */
  replaces?: string | undefined;
  /** Left out: the base's image, tagged with the version. */
  image?: string | undefined;
}

export interface Ingredients {
  /** What config/manifests makes: the base CSV, the operator's roles and its Deployment. */
  manifests: readonly Manifest[];
  /** What config/samples makes. */
  samples: readonly Manifest[];
  /** The icon's SVG text. */
  icon: string;
}

/** Name of the OLM package, and what the names of its CSVs begin with. */
export const PACKAGE = 'config-weaver';
const MANAGER_ROLE = 'config-weaver-manager-role';
const LEADER_ELECTION_ROLE = 'config-weaver-leader-election-role';

/** The CSV of a release: the base in config/manifests, completed from the models and from what config/ deploys. */
export function clusterServiceVersion(release: Release, ingredients: Ingredients): ClusterServiceVersion {
  const { manifests } = ingredients;
  const base = only(manifests, 'ClusterServiceVersion') as ClusterServiceVersion;
  const deployment = only(manifests, 'Deployment') as Deployment;
  const image = release.image ?? `${base.metadata.annotations.containerImage ?? ''}:v${release.version}`;
  const replaces = release.replaces ?? base.spec.replaces;
  return {
    apiVersion: base.apiVersion,
    kind: base.kind,
    metadata: {
      name: `${PACKAGE}.v${release.version}`,
      namespace: 'placeholder',
      annotations: sorted({
        ...base.metadata.annotations,
        'alm-examples': JSON.stringify(examplesOf(ingredients.samples), undefined, 2),
        containerImage: image,
        // Only an image named by its digest can be mirrored into a cluster that is cut off.
        'features.operators.openshift.io/disconnected': String(image.includes('@sha256:')),
        'operatorframework.io/suggested-namespace-template': JSON.stringify(suggestedNamespace()),
      }),
      labels: base.metadata.labels ?? {},
    },
    spec: {
      ...base.spec,
      version: release.version,
      ...(replaces !== undefined && { replaces }),
      icon: [{ base64data: Buffer.from(ingredients.icon).toString('base64'), mediatype: 'image/svg+xml' }],
      relatedImages: [{ name: 'manager', image }],
      customresourcedefinitions: { owned: [ownedResource()] },
      install: { strategy: 'deployment', spec: installation(manifests, deployment, image) },
    },
  };
}

function ownedResource(): OwnedResource {
  return {
    name: `${PLURAL}.${GROUP}`,
    kind: KIND,
    version: VERSION,
    displayName: 'ConfigMap Sync',
    description: DESCRIPTION,
    resources: [{ kind: 'ConfigMap', name: '', version: 'v1' }],
    specDescriptors: descriptorsOf(ConfigMapSyncSpec, edited),
    statusDescriptors: descriptorsOf(ConfigMapSyncStatus, shown),
  };
}

function installation(
  manifests: readonly Manifest[],
  deployment: Deployment,
  image: string,
): ClusterServiceVersion['spec']['install']['spec'] {
  const { serviceAccountName } = deployment.spec.template.spec;
  const { rules } = only(manifests, 'ClusterRole', MANAGER_ROLE) as Role;
  const election = only(manifests, 'Role', LEADER_ELECTION_ROLE) as Role;
  const { labels } = deployment.metadata;
  return {
    clusterPermissions: [{ serviceAccountName, rules: rules.filter((rule) => !isNamespaced(rule)) }],
    permissions: [
      { serviceAccountName, rules: [...rules.filter((rule) => isNamespaced(rule)), ...election.rules] },
    ],
    deployments: [
      {
        name: deployment.metadata.name,
        ...(labels !== undefined && { label: labels }),
        spec: withImage(deployment.spec, image),
      },
    ],
  };
}

function withImage(spec: Deployment['spec'], image: string): Deployment['spec'] {
  const pod = spec.template.spec;
  const containers = pod.containers.map((container) => ({ ...container, image }));
  return { ...spec, template: { ...spec.template, spec: { ...pod, containers } } };
}

/** Without their namespaces: the console puts in the one where the user is. */
function examplesOf(samples: readonly Manifest[]): Manifest[] {
  return samples
    .filter(({ kind }) => kind === KIND)
    .map(({ apiVersion, kind, metadata, ...rest }) => {
      const kept = { ...metadata };
      delete kept.namespace;
      return { apiVersion, kind, metadata: kept, ...rest };
    });
}

/** Pod Security as config/manager sets it; tenants' grants in the documentation name this namespace. */
function suggestedNamespace(): object {
  const modes = ['enforce', 'audit', 'warn'].map((mode) => [
    `pod-security.kubernetes.io/${mode}`,
    'restricted',
  ]);
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: `${PACKAGE}-system`, labels: Object.fromEntries(modes) as Record<string, string> },
  };
}

function sorted(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

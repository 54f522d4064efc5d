import { expect } from 'chai';
import { parseConfigMapSync } from '../../../src/api/v1alpha1/parse-config-map-sync.js';
import { only, type Manifest } from '../../../hack/bundle/manifest.js';
import { committedBundle, type CommittedBundle } from './committed.js';

interface Schema {
  properties: Record<string, { properties: Record<string, object> }>;
}

/** The checks of operator-sdk's scorecard, which itself runs them in pods only. */
describe("the bundle, by the scorecard's rules", () => {
  let bundle: CommittedBundle;
  let examples: Manifest[];
  let schema: Schema;

  before(async () => {
    bundle = await committedBundle();
    examples = JSON.parse(bundle.csv.metadata.annotations['alm-examples'] ?? '') as Manifest[];
    const crd = only(bundle.manifests, 'CustomResourceDefinition');
    const { versions } = crd.spec as { versions: { schema: { openAPIV3Schema: Schema } }[] };
    schema = versions[0]!.schema.openAPIV3Schema;
  });

  const owned = () => bundle.csv.spec.customresourcedefinitions.owned;

  it('basic-check-spec: has examples, and each has a spec', () => {
    expect(examples).to.not.be.empty;
    for (const example of examples) expect(example.spec, example.metadata.name).to.be.an('object');
  });

  it('basic-check-spec: has examples without a slip of the pen, in whatever namespace they are made', () => {
    for (const example of examples) {
      const here = { ...example, metadata: { ...example.metadata, namespace: 'anywhere' } };
      expect(example.metadata.namespace).to.equal(undefined);
      expect(() => parseConfigMapSync(here)).to.not.throw();
    }
  });

  it('olm-bundle-validation: owns each CRD that it brings, by name, kind and version, and no other', () => {
    const crds = bundle.manifests.filter(({ kind }) => kind === 'CustomResourceDefinition');
    const brought = crds.map(({ metadata, spec }) => {
      const { names, versions } = spec as { names: { kind: string }; versions: { name: string }[] };
      return { name: metadata.name, kind: names.kind, versions: versions.map(({ name }) => name) };
    });

    expect(owned().map(({ name, kind, version }) => ({ name, kind, versions: [version] }))).to.deep.equal(
      brought,
    );
  });

  it('olm-bundle-validation: says in its annotations where everything is', () => {
    expect(bundle.annotations).to.deep.include({
      'operators.operatorframework.io.bundle.mediatype.v1': 'registry+v1',
      'operators.operatorframework.io.bundle.manifests.v1': 'manifests/',
      'operators.operatorframework.io.bundle.metadata.v1': 'metadata/',
      'operators.operatorframework.io.bundle.package.v1': 'config-weaver',
      'operators.operatorframework.io.bundle.channels.v1': 'stable,candidate',
      'operators.operatorframework.io.bundle.channel.default.v1': 'stable',
      'operators.operatorframework.io.test.mediatype.v1': 'scorecard+v1',
      'operators.operatorframework.io.test.config.v1': 'tests/scorecard/',
    });
  });

  it('olm-crds-have-validation: has a schema for each key of the spec of the examples', () => {
    const known = Object.keys(schema.properties.spec!.properties);
    for (const example of examples) expect(known).to.include.members(Object.keys(example.spec as object));
  });

  it('olm-crds-have-resources: says of each owned CRD what it makes', () => {
    for (const { resources } of owned()) {
      expect(resources).to.deep.equal([{ kind: 'ConfigMap', name: '', version: 'v1' }]);
    }
  });

  for (const [check, part, list] of [
    ['olm-spec-descriptors', 'spec', 'specDescriptors'],
    ['olm-status-descriptors', 'status', 'statusDescriptors'],
  ] as const) {
    it(`${check}: describes each field of ${part}, by its own path`, () => {
      const fields = Object.keys(schema.properties[part]!.properties);

      const paths = owned().flatMap((resource) => resource[list].map(({ path }) => path));

      expect(paths.filter((path) => !/[.[]/.test(path))).to.deep.equal(fields);
    });

    it(`${check}: has a name and a sentence to show for each`, () => {
      for (const { path, displayName, description } of owned().flatMap((resource) => resource[list])) {
        expect(displayName, path).to.match(/^[A-Z]/);
        expect(description, path).to.match(/\.$/);
      }
    });
  }

  it('shows fields as what they are: ServiceAccounts, namespaces, choices, switches, conditions', () => {
    const [resource] = owned();
    const shownAs = new Map(
      [...resource!.specDescriptors, ...resource!.statusDescriptors].map((descriptor) => [
        `${descriptor.path}: ${descriptor.displayName}`,
        (descriptor['x-descriptors'] ?? []).map((urn) => urn.replace(/^urn:alm:descriptor:/, '')),
      ]),
    );

    expect(shownAs.get('source.name: Source Name')).to.include('io.kubernetes:ConfigMap');
    expect(shownAs.get('source.namespace: Source Namespace')).to.include('io.kubernetes:Namespace');
    expect(resource!.specDescriptors.find(({ path }) => path === 'serviceAccount')?.displayName).to.equal(
      'Service Account',
    );
    // On the list itself the picker would write a text.
    expect(shownAs.get('syncToNamespaces: Target Namespaces')).to.deep.equal([
      'com.tectonic.ui:arrayFieldGroup:syncToNamespaces',
    ]);
    expect(shownAs.get('syncToNamespaces[0]: Target Namespace')).to.deep.equal([
      'com.tectonic.ui:arrayFieldGroup:syncToNamespaces',
      'io.kubernetes:Namespace',
    ]);
    expect(shownAs.get('keys: Keys')).to.include('com.tectonic.ui:advanced');
    expect(shownAs.get('serviceAccount.name: ServiceAccount Name')).to.include.members([
      'com.tectonic.ui:text',
      'io.kubernetes:ServiceAccount',
    ]);
    expect(shownAs.get('deletionPolicy: Deletion Policy')).to.deep.equal([
      'com.tectonic.ui:select:Delete',
      'com.tectonic.ui:select:Orphan',
    ]);
    expect(shownAs.get('suspend: Suspend')).to.deep.equal(['com.tectonic.ui:booleanSwitch']);
    expect(shownAs.get('conditions: Conditions')).to.deep.equal(['io.kubernetes.conditions']);
  });
});

import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { customResourceDefinitionYaml, FILE_NAME } from '../../../../hack/crd/custom-resource-definition.js';
import { structuralSchemaOf, type StructuralSchema } from '../../../../hack/crd/structural-schema.js';
import { repositoryRoot } from '../../../../hack/repository.js';
import { ConfigMapSync } from '../../../../src/api/v1alpha1/config-map-sync.js';
import { ConfigMapSyncSpec } from '../../../../src/api/v1alpha1/config-map-sync-spec.js';
import { ConfigMapSyncStatus } from '../../../../src/api/v1alpha1/config-map-sync-status.js';
import { fieldsOf } from '../../../../src/api/schema/schema.js';

/** Every schema below spec and status, with its path. */
function schemasOf(schema: StructuralSchema, path = ''): [path: string, schema: StructuralSchema][] {
  const below = [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
      schemasOf(property, `${path}.${name}`),
    ),
    ...(schema.items === undefined ? [] : schemasOf(schema.items, `${path}[]`)),
    ...(schema.additionalProperties === undefined ? [] : schemasOf(schema.additionalProperties, `${path}{}`)),
  ];
  return [[path, schema], ...below];
}

const root = structuralSchemaOf(ConfigMapSync);
const all = schemasOf(root).filter(([path]) => path.startsWith('.spec') || path.startsWith('.status'));

describe('the generated CustomResourceDefinition', () => {
  it('is the file in the repository', async () => {
    const file = await readFile(join(repositoryRoot(), 'config', 'crd', 'bases', FILE_NAME), 'utf8');

    expect(file, 'run "make manifests"').to.equal(customResourceDefinitionYaml());
  });

  it('is the same text each time, without anchors', () => {
    const yaml = customResourceDefinitionYaml();

    expect(customResourceDefinitionYaml()).to.equal(yaml);
    expect(yaml).not.to.match(/^\s*\S+: [&*]/m);
  });

  it('survives YAML: what the file says is what the models say', () => {
    const definition = parse(customResourceDefinitionYaml()) as {
      spec: { versions: { schema: { openAPIV3Schema: StructuralSchema } }[] };
    };

    const schema = definition.spec.versions[0]?.schema.openAPIV3Schema;
    expect(schema?.properties?.spec).to.deep.equal(root.properties?.spec);
    expect(schema?.properties?.status).to.deep.equal(root.properties?.status);
    expect(schema?.required).to.deep.equal(['spec']);
  });

  it('bounds every list, map and string, because a later release cannot', () => {
    const boundless = all
      .filter(
        ([, { type, enum: values, format, maxLength, maxItems, additionalProperties, maxProperties }]) => {
          switch (type) {
            case 'string':
              return maxLength === undefined && values === undefined && format === undefined;
            case 'array':
              return maxItems === undefined;
            case 'object':
              return additionalProperties !== undefined && maxProperties === undefined;
            default:
              return false;
          }
        },
      )
      .map(([path]) => path);

    expect(boundless).to.deep.equal([]);
  });

  it('gives every list its type, and a list by keys those keys as required fields', () => {
    const lists = all.filter(([, { type }]) => type === 'array');

    for (const [path, list] of lists) {
      expect(list, path).to.have.property('x-kubernetes-list-type');
      expect(list.items?.required ?? [], path).to.include.members([
        ...(list['x-kubernetes-list-map-keys'] ?? []),
      ]);
    }
  });

  it('describes every field', () => {
    const silent = all.filter(([path, schema]) => /\w$/.test(path) && !schema.description?.endsWith('.'));

    expect(silent.map(([path]) => path)).to.deep.equal([]);
  });

  it('anchors every pattern', () => {
    const loose = all.filter(([, { pattern }]) => pattern !== undefined && !/^\^.*\$$/.test(pattern));

    expect(loose.map(([path]) => path)).to.deep.equal([]);
  });

  it('requires nothing of a spec but its source: the rest has defaults or is optional', () => {
    expect(structuralSchemaOf(ConfigMapSyncSpec).required).to.deep.equal(['source']);
  });

  it('has a display name of its own for every field of spec and status', () => {
    for (const model of [ConfigMapSyncSpec, ConfigMapSyncStatus]) {
      const names = [...fieldsOf(model).values()].map(({ displayName }) => displayName);

      expect(new Set(names)).to.have.property('size', names.length);
    }
  });
});

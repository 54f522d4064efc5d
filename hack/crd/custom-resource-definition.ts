import { stringify } from 'yaml';
import { ConfigMapSync } from '../../src/api/v1alpha1/config-map-sync.js';
import {
  DESCRIPTION,
  GROUP,
  KIND,
  LIST_KIND,
  PLURAL,
  SHORT_NAMES,
  SINGULAR,
  VERSION,
} from '../../src/api/v1alpha1/well-known.js';
import { PRINTER_COLUMNS } from './printer-columns.js';
import { structuralSchemaOf, type StructuralSchema } from './structural-schema.js';

/** Name of the generated file, after kubebuilder's pattern GROUP_PLURAL. */
export const FILE_NAME = `${GROUP}_${PLURAL}.yaml`;

/** The CustomResourceDefinition that the models describe. */
export function customResourceDefinition(): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${PLURAL}.${GROUP}` },
    spec: {
      group: GROUP,
      names: {
        kind: KIND,
        listKind: LIST_KIND,
        plural: PLURAL,
        singular: SINGULAR,
        shortNames: [...SHORT_NAMES],
      },
      scope: 'Namespaced',
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: PRINTER_COLUMNS.map(({ wide, ...column }) => ({
            ...column,
            ...(wide === true && { priority: 1 }),
          })),
          schema: { openAPIV3Schema: rootSchema() },
        },
      ],
    },
  };
}

/** The same text for the same models, on every machine. */
export function customResourceDefinitionYaml(): string {
  const head =
    '# Generated from src/api by hack/generate-crd.ts: run "make manifests" after a change there.\n';
  return `${head}---\n${stringify(customResourceDefinition(), { lineWidth: 110, aliasDuplicateObjects: false })}`;
}

/** The API server sees to these itself, and takes no constraint on them. */
const TYPE_META = new Set(['apiVersion', 'kind']);

function rootSchema(): StructuralSchema {
  const root = structuralSchemaOf(ConfigMapSync);
  return {
    description: DESCRIPTION,
    ...root,
    required: (root.required ?? []).filter((name) => name !== 'metadata' && !TYPE_META.has(name)),
    properties: Object.fromEntries(
      Object.entries(root.properties ?? {}).map(([name, property]) => [
        name,
        TYPE_META.has(name) ? withoutEnum(property) : property,
      ]),
    ),
  };
}

function withoutEnum(property: StructuralSchema): StructuralSchema {
  const copy = { ...property };
  delete copy.enum;
  return copy;
}

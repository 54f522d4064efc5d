import { ConfigMapSyncSpec } from './config-map-sync-spec.js';
import { ConfigMapSyncStatus } from './config-map-sync-status.js';
import { API_VERSION, KIND } from './well-known.js';
import type { ObjectMeta } from '../kubernetes.js';
import { Field } from '../schema/field.js';
import { metadata, object, oneOf } from '../schema/schema.js';

/** Copies a ConfigMap to other namespaces, with the rights of a ServiceAccount of its own namespace. */
export class ConfigMapSync {
  @Field(oneOf([API_VERSION]), {
    description: 'Group and version of this kind.',
    required: true,
  })
  declare apiVersion: typeof API_VERSION;

  @Field(oneOf([KIND]), { description: 'The kind of object.', required: true })
  declare kind: typeof KIND;

  @Field(metadata(), { description: "The object's name, namespace, labels and so on.", required: true })
  declare metadata: ObjectMeta;

  @Field(object(ConfigMapSyncSpec), {
    description: 'What is copied where, and under whose rights.',
    displayName: 'Spec',
    required: true,
  })
  declare spec: ConfigMapSyncSpec;

  @Field(object(ConfigMapSyncStatus), {
    description: 'What the operator found and did.',
    displayName: 'Status',
  })
  declare status?: ConfigMapSyncStatus;
}

/** A column of `kubectl get configmapsyncs`. */
export interface PrinterColumn {
  /** kubectl shows it in capitals. */
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  /** Shown with `-o wide` only. */
  readonly wide?: boolean;
}

export const PRINTER_COLUMNS: readonly PrinterColumn[] = [
  {
    name: 'Ready',
    type: 'string',
    jsonPath: '.status.conditions[?(@.type=="Ready")].status',
    description: 'Whether every target is in step with the source.',
  },
  {
    name: 'Reason',
    type: 'string',
    jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
    description: 'Why it is ready, or why not.',
    wide: true,
  },
  {
    name: 'Synced',
    type: 'string',
    jsonPath: '.status.summary',
    description: 'Targets in step with the source, and targets wanted.',
  },
  {
    name: 'Denied',
    type: 'integer',
    jsonPath: '.status.deniedTargets',
    description: 'Targets where the ServiceAccount lacks rights.',
  },
  {
    name: 'Source',
    type: 'string',
    jsonPath: '.spec.source.name',
    description: 'The ConfigMap that is copied.',
  },
  {
    name: 'ServiceAccount',
    type: 'string',
    jsonPath: '.spec.serviceAccount.name',
    description: 'The ServiceAccount under whose rights it is copied.',
    wide: true,
  },
  {
    name: 'Age',
    type: 'date',
    jsonPath: '.metadata.creationTimestamp',
    description: 'Time since the ConfigMapSync was created.',
  },
];

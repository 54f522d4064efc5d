import { ConfigMapSyncSpec } from './config-map-sync-spec.js';
import { ConfigMapSyncStatus } from './config-map-sync-status.js';
import { API_VERSION, KIND } from './well-known.js';
import type { ObjectMeta } from '../kubernetes.js';
import { Field } from '../schema/field.js';
import { metadata, object, oneOf } from '../schema/schema.js';

/** Copies a ConfigMap to other namespaces, with the rights of a ServiceAccount of its own namespace. */
export class ConfigMapSync {
  @Field(oneOf([API_VERSION]), { description: 'Group and version of this kind.', required: true })
  declare apiVersion: typeof API_VERSION;

  @Field(oneOf([KIND]), { description: 'The kind of object.', required: true })
  declare kind: typeof KIND;

  @Field(metadata(), { description: "The object's name, namespace, labels and so on.", required: true })
  declare metadata: ObjectMeta;

  @Field(object(ConfigMapSyncSpec), {
    description: 'What is copied where, and under whose rights.',
    required: true,
  })
  declare spec: ConfigMapSyncSpec;

  @Field(object(ConfigMapSyncStatus), {
    description: 'What the operator found and did.',
  })
  declare status?: ConfigMapSyncStatus;
}

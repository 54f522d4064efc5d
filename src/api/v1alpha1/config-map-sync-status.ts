import { Condition } from './condition.js';
import { CONDITIONS, STATUS_TEXT } from '../schema/descriptors.js';
import { Field } from '../schema/field.js';
import { integer, listOf, object, text } from '../schema/schema.js';
import { TargetStatus } from './target-status.js';

/**
 * How many targets a status may list, leftovers included. Measured with names of 23 characters: 4,000 synced targets
 * make an object of 1.0 MB, 4,000 denied ones 1.2 MB once the API server has left out its managed fields, as it does
 * with an object that would be too large. etcd takes 1.5 MiB.
 */
export const MAX_TARGETS = 4000;

const count = integer({ format: 'int32', minimum: 0 });

/** What the operator found and did; written by it alone. */
export class ConfigMapSyncStatus {
  @Field(integer({ format: 'int64', minimum: 0 }), {
    description:
      'metadata.generation that this status was computed for; an older one means that the latest change has not been looked at.',
    displayName: 'Observed Generation',
    xDescriptors: [STATUS_TEXT],
  })
  declare observedGeneration?: number;

  @Field(text({ maxLength: 512 }), {
    description:
      'User name of the identity under which everything happens: system:serviceaccount:NAMESPACE:NAME.',
    displayName: 'Service Account',
    xDescriptors: [STATUS_TEXT],
  })
  declare serviceAccount?: string;

  @Field(
    text({ maxLength: 32, pattern: '^[0-9]+/[0-9]+$', syntax: 'two numbers with a slash between them' }),
    {
      description: 'Targets in step with the source, and targets wanted: SYNCED/WANTED.',
      displayName: 'Summary',
      xDescriptors: [STATUS_TEXT],
    },
  )
  declare summary?: string;

  @Field(count, {
    description: "How many namespaces are to have a copy; the source's own place is not counted.",
    displayName: 'Wanted Targets',
    xDescriptors: [STATUS_TEXT],
  })
  declare wantedTargets?: number;

  @Field(count, {
    description: 'How many targets have a copy that equals the source.',
    displayName: 'Synced Targets',
    xDescriptors: [STATUS_TEXT],
  })
  declare syncedTargets?: number;

  @Field(count, {
    description: 'How many targets are Denied or Stale: the ServiceAccount lacks rights there.',
    displayName: 'Denied Targets',
    xDescriptors: [STATUS_TEXT],
  })
  declare deniedTargets?: number;

  @Field(text({ maxLength: 128 }), {
    description: 'resourceVersion of the source that was copied last.',
    displayName: 'Source Version',
    xDescriptors: [STATUS_TEXT],
  })
  declare sourceResourceVersion?: string;

  @Field(
    text({ maxLength: 128, pattern: '^sha256:[0-9a-zA-Z+/=_-]+$', syntax: 'a digest such as sha256:4f2a…' }),
    {
      description: 'Digest of what is copied: data, binaryData and immutable of the source, after keys.',
      displayName: 'Content Hash',
      xDescriptors: [STATUS_TEXT],
    },
  )
  declare contentHash?: string;

  @Field(listOf(object(Condition), { listType: 'map', keys: ['type'], maxItems: 32 }), {
    description:
      'ValidServiceAccount, SourceConfigMapFound, TargetsAuthorized and AllTargetsSynced, in the order of the work, and Ready, which sums them up.',
    displayName: 'Conditions',
    xDescriptors: [CONDITIONS],
  })
  declare conditions?: Condition[];

  @Field(listOf(object(TargetStatus), { listType: 'map', keys: ['namespace'], maxItems: MAX_TARGETS }), {
    description: 'Every target namespace, and every namespace where copies of ours are left over.',
    displayName: 'Targets',
  })
  declare targets?: TargetStatus[];
}

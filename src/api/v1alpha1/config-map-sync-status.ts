import { dnsLabel, dnsSubdomain } from './kubernetes-syntax.js';
import { Field, SHOW } from '../schema/field.js';
import { listOf, object, oneOf, text, timestamp, integer } from '../schema/schema.js';
import { Condition } from './condition.js';

/** What the operator does to ConfigMaps with a tenant's rights, in the order in which `missingVerbs` names them. */
export const VERBS = ['get', 'create', 'update', 'delete'] as const;
export type Verb = (typeof VERBS)[number];

export const TARGET_STATES = [
  'Pending',
  'Synced',
  'Denied',
  'Conflict',
  'NamespaceNotFound',
  'Terminating',
  'Failed',
  'Skipped',
  'Stale',
] as const;
export type TargetState = (typeof TARGET_STATES)[number];

/** The API server refuses a longer message, in code points. */
export const MAX_TARGET_MESSAGE = 4096;

/**
 * The most copies of one ConfigMapSync in one namespace: the current one, and those of former names that could not be
 * removed yet.
 */
export const MAX_COPIES = 16;

/** One ConfigMap that is a copy, as the API server confirmed it. */
export class CopyReference {
  @Field(dnsSubdomain, { description: 'Name of the ConfigMap.', required: true })
  declare name: string;

  @Field(text({ minLength: 1, maxLength: 128 }), {
    description: 'uid of the ConfigMap: another one of the same name is not this copy.',
    displayName: 'UID',
    required: true,
  })
  declare uid: string;
}

/** How far one target namespace has come. */
export class TargetStatus {
  @Field(dnsLabel, { description: 'The target namespace.', required: true })
  declare namespace: string;

  @Field(oneOf(TARGET_STATES), {
    description:
      "Pending: not looked at yet. Synced: the copy equals the source. Denied: the ServiceAccount lacks verbs there. Stale: as Denied, and a copy from earlier is still there. Conflict: a ConfigMap of that name belongs to somebody else. NamespaceNotFound: there is no such namespace. Terminating: the namespace is being deleted. Failed: the API server refused for another reason. Skipped: it is the source's own place.",
    required: true,
  })
  declare state: TargetState;

  @Field(text({ maxLength: 256 }), {
    description: 'Why the target is in its state: one word for programs.',
  })
  declare reason?: string;

  @Field(text({ maxLength: MAX_TARGET_MESSAGE }), {
    description: 'Why the target is in its state, and what to do about it: a sentence for people.',
  })
  declare message?: string;

  @Field(listOf(oneOf(VERBS), { listType: 'set', maxItems: VERBS.length }), {
    description: 'Verbs on ConfigMaps that the ServiceAccount needs in the namespace and does not have.',
  })
  declare missingVerbs?: Verb[];

  @Field(listOf(object(CopyReference), { listType: 'map', keys: ['name'], maxItems: MAX_COPIES }), {
    description:
      'ConfigMaps in the namespace that the API server confirmed to be copies of this ConfigMapSync. Only these are ever deleted, replaced or released.',
  })
  declare copies?: CopyReference[];

  @Field(timestamp(), {
    description: 'When state last changed.',
    displayName: 'Last Transition',
    required: true,
  })
  declare lastTransitionTime: string;
}

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
  })
  declare observedGeneration?: number;

  @Field(text({ maxLength: 512 }), {
    description:
      'User name of the identity under which everything happens: system:serviceaccount:NAMESPACE:NAME.',
  })
  declare serviceAccount?: string;

  @Field(
    text({ maxLength: 32, pattern: '^[0-9]+/[0-9]+$', syntax: 'two numbers with a slash between them' }),
    { description: 'Targets in step with the source, and targets wanted: SYNCED/WANTED.' },
  )
  declare summary?: string;

  @Field(count, {
    description: "How many namespaces are to have a copy; the source's own place is not counted.",
  })
  declare wantedTargets?: number;

  @Field(count, { description: 'How many targets have a copy that equals the source.' })
  declare syncedTargets?: number;

  @Field(count, {
    description: 'How many targets are Denied or Stale: the ServiceAccount lacks rights there.',
  })
  declare deniedTargets?: number;

  @Field(text({ maxLength: 128 }), {
    description: 'resourceVersion of the source that was copied last.',
    displayName: 'Source Version',
  })
  declare sourceResourceVersion?: string;

  @Field(
    text({ maxLength: 128, pattern: '^sha256:[0-9a-zA-Z+/=_-]+$', syntax: 'a digest such as sha256:4f2a…' }),
    { description: 'Digest of what is copied: data, binaryData and immutable of the source, after keys.' },
  )
  declare contentHash?: string;

  @Field(listOf(object(Condition), { listType: 'map', keys: ['type'], maxItems: 32 }), {
    description:
      'ValidServiceAccount, SourceConfigMapFound, TargetsAuthorized and AllTargetsSynced, in the order of the work, and Ready, which sums them up.',
    xDescriptors: [SHOW.conditions],
  })
  declare conditions?: Condition[];

  @Field(listOf(object(TargetStatus), { listType: 'map', keys: ['namespace'], maxItems: MAX_TARGETS }), {
    description: 'Every target namespace, and every namespace where copies of ours are left over.',
  })
  declare targets?: TargetStatus[];
}

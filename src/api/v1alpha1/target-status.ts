import { dnsLabel, dnsSubdomain } from './kubernetes-syntax.js';
import { Field } from '../schema/field.js';
import { listOf, object, oneOf, text, timestamp } from '../schema/schema.js';
import { VERBS, type Verb } from './verb.js';

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
  @Field(dnsSubdomain(), {
    description: 'Name of the ConfigMap.',
    displayName: 'Name',
    required: true,
  })
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
  @Field(dnsLabel(), {
    description: 'The target namespace.',
    displayName: 'Namespace',
    required: true,
  })
  declare namespace: string;

  @Field(oneOf(TARGET_STATES), {
    description:
      "Pending: not looked at yet. Synced: the copy equals the source. Denied: the ServiceAccount lacks verbs there. Stale: as Denied, and a copy from earlier is still there. Conflict: a ConfigMap of that name belongs to somebody else. NamespaceNotFound: there is no such namespace. Terminating: the namespace is being deleted. Failed: the API server refused for another reason. Skipped: it is the source's own place.",
    displayName: 'State',
    required: true,
  })
  declare state: TargetState;

  @Field(text({ maxLength: 256 }), {
    description: 'Why the target is in its state: one word for programs.',
    displayName: 'Reason',
  })
  declare reason?: string;

  @Field(text({ maxLength: MAX_TARGET_MESSAGE }), {
    description: 'Why the target is in its state, and what to do about it: a sentence for people.',
    displayName: 'Message',
  })
  declare message?: string;

  @Field(listOf(oneOf(VERBS), { listType: 'set', maxItems: VERBS.length }), {
    description: 'Verbs on ConfigMaps that the ServiceAccount needs in the namespace and does not have.',
    displayName: 'Missing Verbs',
  })
  declare missingVerbs?: Verb[];

  @Field(listOf(object(CopyReference), { listType: 'map', keys: ['name'], maxItems: MAX_COPIES }), {
    description:
      'ConfigMaps in the namespace that the API server confirmed to be copies of this ConfigMapSync. Only these are ever deleted, replaced or released.',
    displayName: 'Copies',
  })
  declare copies?: CopyReference[];

  @Field(timestamp(), {
    description: 'When state last changed.',
    displayName: 'Last Transition',
    required: true,
  })
  declare lastTransitionTime: string;
}

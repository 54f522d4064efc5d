import { Field } from '../schema/field.js';
import { integer, oneOf, text, timestamp } from '../schema/schema.js';

/** In the order in which they are evaluated: Ready takes its reason from the first that is False. */
export const CONDITION_TYPES = [
  'ValidServiceAccount',
  'SourceConfigMapFound',
  'TargetsAuthorized',
  'AllTargetsSynced',
  'Ready',
] as const;
export type ConditionType = (typeof CONDITION_TYPES)[number];

export const CONDITION_STATUSES = ['True', 'False', 'Unknown'] as const;
export type ConditionStatus = (typeof CONDITION_STATUSES)[number];

/** The API server refuses a longer message, in code points. */
export const MAX_CONDITION_MESSAGE = 32768;

/** metav1.Condition, with its own bounds and patterns. */
export class Condition {
  // No enum: a status that a later release wrote must stay readable after a downgrade.
  @Field(
    text({
      maxLength: 316,
      pattern:
        '^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$',
      syntax: 'a word in CamelCase',
    }),
    { description: 'What the condition is about, in CamelCase.', required: true },
  )
  declare type: ConditionType;

  @Field(oneOf(CONDITION_STATUSES), {
    description: 'True, False, or Unknown while it has not been found out.',
    required: true,
  })
  declare status: ConditionStatus;

  @Field(integer({ format: 'int64', minimum: 0 }), {
    description:
      'metadata.generation that the condition was computed for; an older one means that the latest change has not been looked at.',
  })
  declare observedGeneration?: number;

  @Field(timestamp(), { description: 'When status last changed.', required: true })
  declare lastTransitionTime: string;

  @Field(
    text({
      minLength: 1,
      maxLength: 1024,
      pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$',
      syntax: 'a word in CamelCase',
    }),
    { description: 'Why the condition has its status: one word for programs.', required: true },
  )
  declare reason: string;

  @Field(text({ maxLength: MAX_CONDITION_MESSAGE }), {
    description: 'Why the condition has its status, and what to do about it: a sentence for people.',
    required: true,
  })
  declare message: string;
}

import { labelKey, labelValue, selectedLabels } from './kubernetes-syntax.js';
import { Field, ObjectRule } from '../schema/field.js';
import { listOf, object, oneOf } from '../schema/schema.js';

export const SELECTOR_OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;
export type SelectorOperator = (typeof SELECTOR_OPERATORS)[number];

/** metav1.LabelSelectorRequirement. */
@ObjectRule<LabelSelectorRequirement>({
  cel: "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0",
  message: 'operators In and NotIn need at least one value in values, Exists and DoesNotExist take none',
  holds: ({ operator, values = [] }) => (operator === 'In' || operator === 'NotIn') === values.length > 0,
})
export class LabelSelectorRequirement {
  @Field(labelKey(), { description: "Key of the namespace's label.", displayName: 'Key', required: true })
  declare key: string;

  @Field(oneOf(SELECTOR_OPERATORS), {
    description:
      'In and NotIn compare the label with values; Exists and DoesNotExist ask only whether the namespace has the label.',
    displayName: 'Operator',
    required: true,
  })
  declare operator: SelectorOperator;

  @Field(listOf(labelValue(), { listType: 'atomic', maxItems: 1000 }), {
    description: 'Values for In and NotIn: at least one. Left out for Exists and DoesNotExist.',
    displayName: 'Values',
  })
  declare values?: string[];
}

/** metav1.LabelSelector: all of its requirements must hold; one without any selects everything. */
export class LabelSelector {
  @Field(selectedLabels(), {
    description: 'Labels, with their values, that a namespace must have; all of them.',
    displayName: 'Match Labels',
  })
  declare matchLabels?: Record<string, string>;

  @Field(listOf(object(LabelSelectorRequirement), { listType: 'atomic', maxItems: 64 }), {
    description: 'Further requirements on the labels of a namespace; all of them must hold.',
    displayName: 'Match Expressions',
  })
  declare matchExpressions?: LabelSelectorRequirement[];
}

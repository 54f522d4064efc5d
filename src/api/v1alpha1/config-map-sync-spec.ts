import * as syntax from './kubernetes-syntax.js';
import { Field, SHOW } from '../schema/field.js';
import { boolean, listOf, object, ObjectRule, oneOf } from '../schema/schema.js';

export const SELECTOR_OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;

/** metav1.LabelSelectorRequirement. */
@ObjectRule<LabelSelectorRequirement>({
  cel: "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0",
  message: 'operators In and NotIn need at least one value in values, Exists and DoesNotExist take none',
  holds: ({ operator, values = [] }) => (operator === 'In' || operator === 'NotIn') === values.length > 0,
})
export class LabelSelectorRequirement {
  @Field(syntax.labelKey, { description: "Key of the namespace's label.", required: true })
  declare key: string;

  @Field(oneOf(SELECTOR_OPERATORS), {
    description:
      'In and NotIn compare the label with values; Exists and DoesNotExist ask only whether the namespace has the label.',
    required: true,
  })
  declare operator: (typeof SELECTOR_OPERATORS)[number];

  @Field(listOf(syntax.labelValue, { listType: 'atomic', maxItems: 1000 }), {
    description: 'Values for In and NotIn: at least one. Left out for Exists and DoesNotExist.',
  })
  declare values?: string[];
}

/** metav1.LabelSelector: all of its requirements must hold; one without any selects everything. */
export class LabelSelector {
  @Field(syntax.selectedLabels, {
    description: 'Labels, with their values, that a namespace must have; all of them.',
  })
  declare matchLabels?: Record<string, string>;

  @Field(listOf(object(LabelSelectorRequirement), { listType: 'atomic', maxItems: 64 }), {
    description: 'Further requirements on the labels of a namespace; all of them must hold.',
  })
  declare matchExpressions?: LabelSelectorRequirement[];
}

/** What to do with a ConfigMap of the copy's name that is not ours. */
export const CONFLICT_POLICIES = ['Fail', 'Overwrite'] as const;
export type ConflictPolicy = (typeof CONFLICT_POLICIES)[number];

/** What becomes of the copies when the ConfigMapSync, or a target, goes away. */
export const DELETION_POLICIES = ['Delete', 'Orphan'] as const;

/** What becomes of the copies when the source goes away. */
export const SOURCE_DELETION_POLICIES = ['Retain', 'Delete'] as const;

/** Which ConfigMap is copied. */
export class SourceReference {
  @Field(syntax.dnsSubdomain, {
    description: 'Name of the ConfigMap to copy.',
    displayName: 'Source Name',
    xDescriptors: [SHOW.configMap],
    required: true,
  })
  declare name: string;

  @Field(syntax.dnsLabel, {
    description:
      "Namespace of the ConfigMap to copy; the ConfigMapSync's own namespace when left out. The ServiceAccount needs the right to get the ConfigMap there.",
    displayName: 'Source Namespace',
    xDescriptors: [SHOW.namespace],
  })
  declare namespace?: string;
}

/** Under whose rights everything happens. */
export class ServiceAccountReference {
  @Field(syntax.dnsSubdomain, {
    description: "Name of a ServiceAccount in the ConfigMapSync's own namespace.",
    displayName: 'ServiceAccount Name',
    xDescriptors: [SHOW.serviceAccount],
    default: 'default',
  })
  declare name: string;
}

/** How the copies differ from their source. */
export class TargetTemplate {
  @Field(syntax.dnsSubdomain, {
    description: "Name of the copies; the source's name when left out.",
    displayName: 'Name of the Copies',
  })
  declare name?: string;

  @Field(syntax.labels, {
    description:
      'Labels to put on each copy. Keys that begin with configmapsync.io/ (or a subdomain of it) and app.kubernetes.io/managed-by are reserved. Labels of the source are not copied.',
  })
  declare labels?: Record<string, string>;

  @Field(syntax.annotations, {
    description:
      'Annotations to put on each copy. Keys that begin with configmapsync.io/ (or a subdomain of it) and app.kubernetes.io/managed-by are reserved. Annotations of the source are not copied.',
  })
  declare annotations?: Record<string, string>;
}

/** What the tenant asks for. Fields with a default are always there once the object was parsed. */
@ObjectRule<ConfigMapSyncSpec>({
  cel: '(has(self.syncToNamespaces) && size(self.syncToNamespaces) > 0) || has(self.namespaceSelector)',
  message:
    'name at least one namespace in syncToNamespaces, or set namespaceSelector ({} selects every namespace)',
  holds: ({ syncToNamespaces = [], namespaceSelector }) =>
    syncToNamespaces.length > 0 || namespaceSelector !== undefined,
})
export class ConfigMapSyncSpec {
  @Field(object(SourceReference), {
    description: 'The ConfigMap to copy. It is only ever read.',
    required: true,
  })
  declare source: SourceReference;

  @Field(listOf(syntax.dnsLabel, { listType: 'set', maxItems: 1000 }), {
    description:
      'Namespaces to copy the source to. At least one of syncToNamespaces and namespaceSelector is needed; with both, every namespace that either names gets a copy.',
    displayName: 'Target Namespaces',
    xDescriptors: [SHOW.namespace],
  })
  declare syncToNamespaces?: string[];

  @Field(object(LabelSelector, { atomic: true }), {
    description:
      'Copies the source to each namespace whose labels match, as namespaces come and go. An empty selector matches every namespace but those that begin with kube-.',
  })
  declare namespaceSelector?: LabelSelector;

  @Field(object(ServiceAccountReference), {
    description:
      "The ServiceAccount, in the ConfigMapSync's own namespace, under whose rights the source is read and the copies are written. It needs get on the source, and get, create, update and delete on ConfigMaps in each target namespace; the operator needs the right to request its token.",
    default: { name: 'default' },
  })
  declare serviceAccount: ServiceAccountReference;

  @Field(object(TargetTemplate), {
    description: 'Name, labels and annotations of the copies.',
  })
  declare target?: TargetTemplate;

  @Field(listOf(syntax.configMapKey, { listType: 'set', minItems: 1, maxItems: 1000 }), {
    description:
      'Copy only these keys of data and binaryData; all of them when left out. A key that the source lacks is left out of the copies and named in the condition AllTargetsSynced.',
    xDescriptors: [SHOW.advanced],
  })
  declare keys?: string[];

  @Field(oneOf(CONFLICT_POLICIES), {
    description:
      'What to do where a target namespace already has a ConfigMap of that name which config-weaver did not create: Fail leaves it alone and reports the conflict, Overwrite takes it over. A copy of another living ConfigMapSync is never taken over.',
    default: 'Fail',
  })
  declare conflictPolicy: ConflictPolicy;

  @Field(oneOf(DELETION_POLICIES), {
    description:
      'What happens to the copies when the ConfigMapSync is deleted or a namespace is no longer a target: Delete removes them, Orphan keeps them as plain ConfigMaps.',
    default: 'Delete',
  })
  declare deletionPolicy: (typeof DELETION_POLICIES)[number];

  @Field(oneOf(SOURCE_DELETION_POLICIES), {
    description:
      'What happens to the copies when the source is deleted: Retain keeps them as they were last, Delete removes them.',
    default: 'Retain',
  })
  declare sourceDeletionPolicy: (typeof SOURCE_DELETION_POLICIES)[number];

  @Field(boolean(), {
    description:
      'While true nothing is read or written, and the condition Ready is False with reason Suspended. Deleting the ConfigMapSync still works.',
    default: false,
  })
  declare suspend: boolean;
}

import { GROUP } from '../../src/api/v1alpha1/group-version.js';
import type { PolicyRule } from './manifest.js';

/** The rights of one ServiceAccount, as OLM takes them. */
export interface Permissions {
  serviceAccountName: string;
  rules: PolicyRule[];
}

/** All resources of these API groups that the operator uses live in namespaces. */
const NAMESPACED_GROUPS: ReadonlySet<string> = new Set([GROUP, 'events.k8s.io', 'coordination.k8s.io']);

/**
 * Whether the rule is about objects in namespaces only. OLM grants such a rule in the namespaces of the OperatorGroup, and
 * in the cluster only where the operator watches all of it: an installation for one tenant gets no right over another.
 */
export function isNamespaced({ apiGroups = [] }: PolicyRule): boolean {
  return apiGroups.length > 0 && apiGroups.every((group) => NAMESPACED_GROUPS.has(group));
}

/** `resource: verbs` with the names that they are limited to: one line for each right, sorted. */
export function rightsOf(rules: readonly PolicyRule[]): string[] {
  return rules
    .flatMap(({ resources = [], nonResourceURLs = [], resourceNames = [], verbs }) =>
      [...resources, ...nonResourceURLs].map(
        (resource) => `${[resource, ...resourceNames].join(' ')}: ${verbs.join(' ')}`,
      ),
    )
    .sort();
}

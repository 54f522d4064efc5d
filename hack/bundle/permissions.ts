import { GROUP } from '../../src/api/v1alpha1/well-known.js';
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

/**
 * `resource.group/subresource: verbs` with the names that they are limited to: one line for each right, sorted. The core
 * group has no name.
 */
export function rightsOf(rules: readonly PolicyRule[]): string[] {
  return rules
    .flatMap(({ apiGroups = [], resources = [], nonResourceURLs = [], resourceNames = [], verbs }) => {
      const things = apiGroups.flatMap((group) => resources.map((resource) => inGroup(resource, group)));
      return [...things, ...nonResourceURLs].map(
        (thing) => `${[thing, ...resourceNames].join(' ')}: ${verbs.join(' ')}`,
      );
    })
    .sort();
}

/** As kubectl writes it. */
function inGroup(resource: string, group: string): string {
  const [name = '', ...subresource] = resource.split('/');
  return [group === '' ? name : `${name}.${group}`, ...subresource].join('/');
}

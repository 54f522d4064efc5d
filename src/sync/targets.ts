import type { ConfigMapSyncSpec, LabelSelector } from '../api/v1alpha1/config-map-sync-spec.js';
import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { Verb } from '../api/v1alpha1/config-map-sync-status.js';
import { sameNamespacedName, type NamespacedName, type ServiceAccount } from '../api/kubernetes.js';

export interface TargetSelection {
  /** Sorted, without duplicates, without the source's own place. */
  wanted: string[];
  /** The source's namespace, where the copy would be the source itself. */
  skipped: string | undefined;
}

export function accountOf({ metadata, spec }: ConfigMapSync): ServiceAccount {
  return { namespace: metadata.namespace ?? '', name: spec.serviceAccount.name };
}

export function sourceOf(spec: ConfigMapSyncSpec, ownNamespace: string): NamespacedName {
  return { namespace: spec.source.namespace ?? ownNamespace, name: spec.source.name };
}

export function copyName(spec: ConfigMapSyncSpec): string {
  return spec.target?.name ?? spec.source.name;
}

/** What the ServiceAccount needs in each target namespace; `delete` is not needed where copies are meant to stay. */
export function requiredVerbs({ spec }: Pick<ConfigMapSync, 'spec'>): readonly Verb[] {
  return spec.deletionPolicy === 'Orphan'
    ? ['get', 'create', 'update']
    : ['get', 'create', 'update', 'delete'];
}

/**
 * The namespaces named in the spec and those its selector reaches.
 * @param selected Names of the latter: see {@link selectorOf}.
 */
export function selectTargets(
  spec: ConfigMapSyncSpec,
  ownNamespace: string,
  selected: Iterable<string>,
): TargetSelection {
  const names = new Set([...(spec.syncToNamespaces ?? []), ...selected]);
  const source = sourceOf(spec, ownNamespace);
  const skipped = sameNamespacedName(source, { namespace: source.namespace, name: copyName(spec) })
    ? [...names].find((name) => name === source.namespace)
    : undefined;
  return { wanted: [...names].filter((name) => name !== skipped).sort(), skipped };
}

/** Kubernetes' own namespaces begin with it: no selector reaches them. */
export const SYSTEM_PREFIX = 'kube-';

/**
 * Tells by the metadata of a namespace whether the spec's selector reaches it, never `kube-*`; undefined where there is none.
 * Made for one look at some namespaces and not kept: it may take as much memory as the spec.
 */
export function selectorOf({ namespaceSelector }: ConfigMapSyncSpec) {
  if (namespaceSelector === undefined) return undefined;
  const matches = labelMatcher(namespaceSelector);
  return ({ name, labels = {} }: { name: string; labels?: Record<string, string> }): boolean =>
    !name.startsWith(SYSTEM_PREFIX) && matches(labels);
}

/** metav1.LabelSelector's meaning: all parts must hold; an empty selector matches everything. */
export function labelMatcher({ matchLabels = {}, matchExpressions = [] }: LabelSelector) {
  const equal = Object.entries(matchLabels);
  const requirements = matchExpressions.map(({ key, operator, values = [] }) => {
    return { key, operator, isAmong: membership(values) };
  });
  return (labels: Record<string, string>): boolean =>
    equal.every(([key, value]) => labels[key] === value) &&
    requirements.every(({ key, operator, isAmong }) => {
      const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
      switch (operator) {
        case 'In':
          return value !== undefined && isAmong(value);
        case 'NotIn':
          return value === undefined || !isAmong(value);
        case 'Exists':
          return value !== undefined;
        case 'DoesNotExist':
          return value === undefined;
      }
    });
}

/** Searching a list a few times costs less than making a Set of it. */
const MAX_SEARCHES = 16;

function membership(values: readonly string[]): (value: string) => boolean {
  let searches = 0;
  let set: Set<string> | undefined;
  return (value) => {
    searches += 1;
    if (searches > MAX_SEARCHES) set ??= new Set(values);
    return set?.has(value) ?? values.includes(value);
  };
}

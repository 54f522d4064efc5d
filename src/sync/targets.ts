import type { ConfigMapSyncSpec, LabelSelector } from '../api/v1alpha1/config-map-sync-spec.js';
import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { Verb } from '../api/v1alpha1/config-map-sync-status.js';
import { sameNamespacedName, type NamespacedName, type ServiceAccount } from '../api/kubernetes.js';

/** A namespace as far as a selector looks at it. */
export interface SelectableNamespace {
  name: string;
  labels: Record<string, string>;
}

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

/** The namespaces named in the spec and those its selector matches; a selector never reaches `kube-*`. */
export function selectTargets(
  spec: ConfigMapSyncSpec,
  ownNamespace: string,
  namespaces: Iterable<SelectableNamespace>,
): TargetSelection {
  const names = new Set(spec.syncToNamespaces ?? []);
  if (spec.namespaceSelector !== undefined) {
    for (const { name, labels } of namespaces) {
      if (selectorReaches(spec, name, labels)) names.add(name);
    }
  }
  const source = sourceOf(spec, ownNamespace);
  const skipped = sameNamespacedName(source, { namespace: source.namespace, name: copyName(spec) })
    ? [...names].find((name) => name === source.namespace)
    : undefined;
  return { wanted: [...names].filter((name) => name !== skipped).sort(), skipped };
}

/** Kubernetes' own namespaces begin with it: no selector reaches them. */
export const SYSTEM_PREFIX = 'kube-';

export function selectorReaches(
  spec: ConfigMapSyncSpec,
  namespace: string,
  labels: Record<string, string>,
): boolean {
  return (
    spec.namespaceSelector !== undefined &&
    !namespace.startsWith(SYSTEM_PREFIX) &&
    matchesSelector(spec.namespaceSelector, labels)
  );
}

/** metav1.LabelSelector's meaning: all parts must hold; an empty selector matches everything. */
export function matchesSelector(selector: LabelSelector, labels: Record<string, string>): boolean {
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  if (!equal) return false;
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value);
      case 'NotIn':
        return value === undefined || !values.includes(value);
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
    }
  });
}

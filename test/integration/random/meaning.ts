import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import type { ConfigMapObject } from '../../support/tenant.js';
import type { WorldView } from './world-view.js';

/** What the contract's words mean, said once more and apart from the program's own code. */

interface NamespacedName {
  namespace: string;
  name: string;
}

export function sourceOf({ spec, metadata }: ConfigMapSync): NamespacedName {
  return { namespace: spec.source.namespace ?? metadata.namespace ?? '', name: spec.source.name };
}

export function copyNameOf({ spec }: ConfigMapSync): string {
  return spec.target?.name ?? spec.source.name;
}

/** What admission is asked when a copy is removed, or released. */
export function removalOf({ spec }: ConfigMapSync): 'DELETE' | 'UPDATE' {
  return spec.deletionPolicy === 'Delete' ? 'DELETE' : 'UPDATE';
}

/** All namespaces that the spec names or selects, the source's own place left out. */
export function selected(sync: ConfigMapSync, view: WorldView): string[] {
  const everywhere = named(sync, view);
  const source = sourceOf(sync);
  return everywhere.filter((namespace) => namespace !== source.namespace || copyNameOf(sync) !== source.name);
}

/** True where the source's own place is among the targets. */
export function isSkipping(sync: ConfigMapSync, view: WorldView): boolean {
  return named(sync, view).length > selected(sync, view).length;
}

function named({ spec }: ConfigMapSync, view: WorldView): string[] {
  const { matchLabels, matchExpressions = [] } = spec.namespaceSelector ?? {};
  const matching = [...view.namespaces]
    .filter(([, labels]) => {
      const equal = Object.entries(matchLabels ?? {}).every(([key, value]) => labels[key] === value);
      // The stories use no other operator.
      return equal && matchExpressions.every(({ key, values = [] }) => !values.includes(labels[key] ?? ''));
    })
    .map(([name]) => name);
  return [...new Set([...(spec.syncToNamespaces ?? []), ...(spec.namespaceSelector ? matching : [])])].sort();
}

export function isWantedPlace({ metadata }: ConfigMapObject, sync: ConfigMapSync, view: WorldView): boolean {
  return metadata.name === copyNameOf(sync) && selected(sync, view).includes(metadata.namespace);
}

export interface Marks {
  uid: string;
  living: boolean;
  /** Its annotations name the owner too. */
  complete: boolean;
}

/** Whose a ConfigMap says that it is; the uid is '' where nobody's. */
export function marksOf(configMap: ConfigMapObject | undefined, syncs: readonly ConfigMapSync[]): Marks {
  const { labels, annotations } = configMap?.metadata ?? {};
  const uid = labels?.['configmapsync.io/owner-uid'] ?? '';
  const owner = syncs.find((sync) => sync.metadata.uid === uid);
  const complete =
    annotations?.['configmapsync.io/owner-name'] === owner?.metadata.name &&
    annotations?.['configmapsync.io/owner-namespace'] === owner?.metadata.namespace;
  return { uid, living: owner !== undefined, complete };
}

/** True where the marks are those of a ConfigMapSync of the same name and source that is gone. */
export function isHeirOf({ metadata }: ConfigMapObject, sync: ConfigMapSync): boolean {
  const { annotations = {} } = metadata;
  const source = sourceOf(sync);
  return (
    metadata.labels?.['configmapsync.io/owner-uid'] !== undefined &&
    annotations['configmapsync.io/owner-name'] === sync.metadata.name &&
    annotations['configmapsync.io/owner-namespace'] === sync.metadata.namespace &&
    annotations['configmapsync.io/source'] === `${source.namespace}/${source.name}`
  );
}

type Content = Pick<ConfigMapObject, 'data' | 'binaryData' | 'immutable'>;

/** What a copy of it holds. */
export function contentOf(source: Content, keys: readonly string[] | undefined): Required<Content> {
  const pick = (values: Record<string, string> = {}): Record<string, string> =>
    Object.fromEntries(Object.entries(values).filter(([key]) => keys === undefined || keys.includes(key)));
  return {
    data: pick(source.data),
    binaryData: pick(source.binaryData),
    immutable: source.immutable ?? false,
  };
}

export function sameContent(copy: Content, source: Content, keys: readonly string[] | undefined): boolean {
  return canonical(contentOf(copy, undefined)) === canonical(contentOf(source, keys));
}

export function canonical(value: object): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** True where the specs alone would let what `sync` writes to `namespace` come back to its source. */
export function mayCloseLoop(sync: ConfigMapSync, namespace: string, view: WorldView): boolean {
  const key = ({ namespace: ns, name }: NamespacedName): string => `${ns}/${name}`;
  const end = key(sourceOf(sync));
  const seen = new Set<string>();
  const open = [key({ namespace, name: copyNameOf(sync) })];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (place === end) return true;
    if (seen.has(place)) continue;
    seen.add(place);
    for (const other of view.syncs) {
      if (key(sourceOf(other)) !== place) continue;
      open.push(...selected(other, view).map((ns) => key({ namespace: ns, name: copyNameOf(other) })));
    }
  }
  return false;
}

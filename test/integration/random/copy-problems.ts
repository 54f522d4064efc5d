import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import type { ConfigMapObject } from '../../support/tenant.js';
import { canonical, contentOf, sourceOf } from './meaning.js';
import type { WorldView } from './world-view.js';

/** In what a copy is not as it should be, in words. */
export function copyProblems(
  copy: ConfigMapObject,
  original: ConfigMapObject,
  sync: ConfigMapSync,
  view: WorldView,
): string[] {
  const { spec, metadata } = sync;
  const source = sourceOf(sync);
  const problems: string[] = [];
  const compare = (what: string, is: object | undefined, should: object): void => {
    if (canonical(is ?? {}) !== canonical(should))
      problems.push(`${what} is ${canonical(is ?? {})}, not ${canonical(should)}`);
  };
  compare('content', contentOf(copy, undefined), contentOf(original, spec.keys));

  const foreign = view.releasedBefore ? ['app', 'note', 'tier', 'hint'] : ['app', 'note'];
  const without = (
    values: Record<string, string> | undefined,
    keys: readonly string[],
  ): Record<string, string> =>
    Object.fromEntries(Object.entries(values ?? {}).filter(([key]) => !keys.includes(key)));
  const target = spec.target ?? {};
  const labels = {
    ...target.labels,
    'app.kubernetes.io/managed-by': 'config-weaver',
    'configmapsync.io/owner-uid': metadata.uid,
  };
  const annotations = {
    ...target.annotations,
    'configmapsync.io/owner-name': metadata.name,
    'configmapsync.io/owner-namespace': metadata.namespace,
    'configmapsync.io/source': `${source.namespace}/${source.name}`,
    'configmapsync.io/content-hash': sync.status?.contentHash,
    'configmapsync.io/service-account': spec.serviceAccount.name,
  };
  const others = (ours: object): string[] => foreign.filter((key) => !Object.hasOwn(ours, key));
  compare('labels', without(copy.metadata.labels, others(labels)), labels);
  const version = 'configmapsync.io/source-resource-version';
  const ownBooks = [version, 'configmapsync.io/target-metadata'];
  compare(
    'annotations',
    without(copy.metadata.annotations, [...others(annotations), ...ownBooks]),
    annotations,
  );
  if (!/^\d+$/.test(copy.metadata.annotations?.[version] ?? '')) problems.push(`it has no ${version}`);
  return problems;
}

import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import { OWNER_UID_LABEL } from '../../../src/api/v1alpha1/well-known.js';
import type { PlanAction, PlanRow } from '../../../src/cli/plan/plan-table.js';
import type { ConfigMapObject } from '../../support/tenant.js';

/** What one spec does, in ConfigMaps (`namespace/name`) and in namespaces, sorted. */
export interface Effects {
  created: string[];
  /** Replaced ones included. */
  updated: string[];
  /** Deleted or released. */
  pruned: string[];
  conflicting: string[];
  /** Namespaces in which something cannot be done for want of a verb. */
  denied: string[];
  /** Namespaces that are not there. */
  missing: string[];
}

/** What `plan` says of one ConfigMapSync. */
export function foretold(rows: readonly PlanRow[]): Effects {
  const placesOf = (...actions: PlanAction[]): string[] =>
    sorted(
      rows
        .filter(({ action }) => actions.includes(action))
        .map(({ targetNamespace, configMap }) => `${targetNamespace}/${configMap}`),
    );
  const namespacesOf = (action: PlanAction): string[] =>
    sorted(rows.filter((row) => row.action === action).map(({ targetNamespace }) => targetNamespace));
  return {
    created: placesOf('create'),
    updated: placesOf('update', 'replace'),
    pruned: placesOf('delete', 'release'),
    conflicting: placesOf('conflict'),
    denied: namespacesOf('denied'),
    missing: namespacesOf('wait'),
  };
}

/** What the ConfigMaps before and after, and the status afterwards, show. */
export function happened(
  before: readonly ConfigMapObject[],
  after: readonly ConfigMapObject[],
  { spec, status, metadata }: ConfigMapSync,
): Effects {
  const [earlier, later] = [byPlace(before), byPlace(after)];
  const isOurs = (configMap: ConfigMapObject): boolean =>
    configMap.metadata.labels?.[OWNER_UID_LABEL] === metadata.uid;
  const pruned = [...earlier]
    .filter(([place, configMap]) => {
      const now = later.get(place);
      return now === undefined || (isOurs(configMap) && !isOurs(now));
    })
    .map(([place]) => place);
  const updated = [...later]
    .filter(([place, { metadata: now }]) => {
      const then = earlier.get(place)?.metadata;
      return then !== undefined && then.resourceVersion !== now.resourceVersion && !pruned.includes(place);
    })
    .map(([place]) => place);
  const targets = status?.targets ?? [];
  const copyName = spec.target?.name ?? spec.source.name;
  return {
    created: sorted([...later.keys()].filter((place) => !earlier.has(place))),
    updated: sorted(updated),
    pruned: sorted(pruned),
    conflicting: sorted(
      targets.filter(({ state }) => state === 'Conflict').map(({ namespace }) => `${namespace}/${copyName}`),
    ),
    denied: sorted(
      targets
        .filter(({ missingVerbs = [], reason }) => missingVerbs.length > 0 || reason === 'CleanupBlocked')
        .map(({ namespace }) => namespace),
    ),
    missing: sorted(
      targets.filter(({ state }) => state === 'NamespaceNotFound').map(({ namespace }) => namespace),
    ),
  };
}

function byPlace(configMaps: readonly ConfigMapObject[]): Map<string, ConfigMapObject> {
  return new Map(
    configMaps.map((configMap) => [`${configMap.metadata.namespace}/${configMap.metadata.name}`, configMap]),
  );
}

function sorted(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}

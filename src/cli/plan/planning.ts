import type { ConfigMapSync } from '../../api/v1alpha1/config-map-sync.js';
import type { KubernetesObject } from '../../k8s/client/objects.js';
import type { NamespacedName } from '../../api/kubernetes.js';
import type { IsLiving, Owner } from '../../sync/ownership.js';
import type { SelectableNamespace, TargetSelection } from '../../sync/target-selection.js';
import type { Session } from '../../tenant/tenancy.js';
import type { PlanVerdict } from './plan-row.js';

/** One ConfigMapSync that is planned, and what it may act with. */
export interface Planning {
  sync: ConfigMapSync;
  /** Of that name on the server: what it owns counts as owned. */
  existing: ConfigMapSync | undefined;
  owner: Owner;
  source: NamespacedName;
  selection: TargetSelection;
  session: Session;
  cluster: ClusterView;
  signal: AbortSignal;
}

export interface ClusterFacts {
  /** Undefined where the caller may not list them. */
  namespaces: readonly KubernetesObject[] | undefined;
  /** Of all namespaces; undefined where the caller may not list them. */
  syncs: readonly ConfigMapSync[] | undefined;
  findSync: (namespace: string, name: string) => Promise<ConfigMapSync | undefined>;
}

/** What the caller knows of the cluster, beside what tenants see: the operator knows as much from its watches. */
export class ClusterView {
  readonly #facts: ClusterFacts;

  constructor(facts: ClusterFacts) {
    this.#facts = facts;
  }

  get syncs(): readonly ConfigMapSync[] {
    return this.#facts.syncs ?? [];
  }

  async findSync(namespace: string, name: string): Promise<ConfigMapSync | undefined> {
    const { syncs, findSync } = this.#facts;
    if (syncs === undefined) return findSync(namespace, name);
    return syncs.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  }

  /** @throws Error where `sync` has a selector and the caller may not list namespaces. */
  selectableFor(sync: ConfigMapSync): SelectableNamespace[] {
    return selectableNamespaces(sync, this.#facts.namespaces);
  }

  /** Why nothing can be written to a namespace, whoever writes; undefined where it is there, as far as is known. */
  absence(namespace: string): PlanVerdict | undefined {
    const { namespaces } = this.#facts;
    if (namespaces === undefined) return undefined;
    const known = namespaces.find(({ metadata }) => metadata.name === namespace);
    if (known === undefined) {
      const message = 'there is no such namespace; the copy follows as soon as there is';
      return { action: 'wait', reason: 'NamespaceNotFound', message };
    }
    if (known.metadata.deletionTimestamp === undefined) return undefined;
    return { action: 'wait', reason: 'NamespaceTerminating', message: 'the namespace is being deleted' };
  }

  /** Where not all ConfigMapSyncs may be listed, any owner may be alive. */
  readonly isLiving: IsLiving = ({ uid }) =>
    this.#facts.syncs?.some(({ metadata }) => metadata.uid === uid) ?? true;
}

/**
 * The namespaces that a selector chooses from.
 * @param namespaces Undefined where the caller may not list them.
 * @throws Error where that matters.
 */
export function selectableNamespaces(
  { metadata, spec }: ConfigMapSync,
  namespaces: readonly KubernetesObject[] | undefined,
): SelectableNamespace[] {
  if (namespaces === undefined && spec.namespaceSelector !== undefined) {
    throw new Error(
      `ConfigMapSync "${metadata.name}" selects namespaces by label: that takes the right to list namespaces, which you lack`,
    );
  }
  return (namespaces ?? []).map((namespace) => ({
    name: namespace.metadata.name,
    labels: namespace.metadata.labels ?? {},
  }));
}

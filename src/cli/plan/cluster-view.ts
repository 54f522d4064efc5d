import type { ConfigMapSync } from '../../api/v1alpha1/config-map-sync.js';
import type { NamespaceState } from '../../controller/namespace-lister.js';
import type { KubernetesObject } from '../../k8s/client/objects.js';
import type { SyncLookup } from '../../sync/cycle-detector.js';
import type { IsLiving } from '../../sync/ownership.js';
import type { SelectableNamespace } from '../../sync/targets.js';

export interface ClusterFacts {
  /** Undefined where the caller may not list them. */
  namespaces: readonly KubernetesObject[] | undefined;
  /** Of all namespaces; undefined where the caller may not list them. */
  syncs: readonly ConfigMapSync[] | undefined;
  findSync: (namespace: string, name: string) => Promise<ConfigMapSync | undefined>;
}

/** What the caller knows of the cluster, beside what tenants see: the operator knows as much from its watches. */
export class ClusterView implements SyncLookup {
  readonly #facts: ClusterFacts;
  readonly #namespaces: ReadonlyMap<string, KubernetesObject> | undefined;

  constructor(facts: ClusterFacts) {
    this.#facts = facts;
    this.#namespaces =
      facts.namespaces && new Map(facts.namespaces.map((each) => [each.metadata.name, each]));
  }

  async findSync(namespace: string, name: string): Promise<ConfigMapSync | undefined> {
    const { syncs, findSync } = this.#facts;
    if (syncs === undefined) return findSync(namespace, name);
    return syncs.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  }

  byUid(uid: string): ConfigMapSync | undefined {
    return this.#facts.syncs?.find(({ metadata }) => metadata.uid === uid);
  }

  naming(namespace: string): ConfigMapSync[] {
    return (this.#facts.syncs ?? []).filter(({ status }) =>
      status?.targets?.some((target) => target.namespace === namespace),
    );
  }

  /** As far as is known: one that cannot be listed is taken for there. */
  state(name: string): NamespaceState {
    if (this.#namespaces === undefined) return 'active';
    const namespace = this.#namespaces.get(name);
    if (namespace === undefined) return 'missing';
    return namespace.metadata.deletionTimestamp === undefined ? 'active' : 'terminating';
  }

  *all(): Generator<SelectableNamespace, void, undefined> {
    for (const { metadata } of this.#facts.namespaces ?? []) {
      yield { name: metadata.name, labels: metadata.labels ?? {} };
    }
  }

  /** @throws Error where `sync` has a selector and the caller may not list namespaces. */
  checkSelector(sync: ConfigMapSync): void {
    selectableNamespaces(sync, this.#facts.namespaces);
  }

  /** Where not all ConfigMapSyncs may be listed, any owner may be alive. */
  readonly isLiving: IsLiving = ({ uid }) => this.#facts.syncs === undefined || this.byUid(uid) !== undefined;
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

import type { KubernetesObject } from '../k8s/client/objects.js';
import type { ReadableStore } from '../k8s/cache/store.js';
import type { SelectableNamespace } from '../sync/targets.js';

export type NamespaceState = 'active' | 'terminating' | 'missing';

/** The cluster's namespaces as the operator's own watch knows them: names, labels and whether they are going. */
export class NamespaceLister {
  readonly #store: ReadableStore<KubernetesObject>;

  constructor(store: ReadableStore<KubernetesObject>) {
    this.#store = store;
  }

  state(name: string): NamespaceState {
    const namespace = this.#store.get(name);
    if (namespace === undefined) return 'missing';
    return namespace.metadata.deletionTimestamp === undefined ? 'active' : 'terminating';
  }

  /** Nothing is gathered until somebody asks for the first: most ConfigMapSyncs have no selector. */
  *all(): Generator<SelectableNamespace, void, undefined> {
    for (const { metadata } of this.#store.list())
      yield { name: metadata.name, labels: metadata.labels ?? {} };
  }
}

/** Keeps of a Namespace only what {@link NamespaceLister} tells. */
export function namespaceOutline({ metadata }: KubernetesObject): KubernetesObject {
  const { name, uid, resourceVersion, labels, deletionTimestamp } = metadata;
  const set = { ...(labels && { labels }), ...(deletionTimestamp && { deletionTimestamp }) };
  return { metadata: { name, uid, resourceVersion, ...set } };
}

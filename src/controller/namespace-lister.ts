import type { ConfigMapSyncSpec } from '../api/v1alpha1/config-map-sync-spec.js';
import type { KubernetesObject } from '../k8s/client/objects.js';
import type { ReadableStore } from '../k8s/cache/store.js';
import { inSlices } from '../k8s/util/async.js';
import { selectorOf } from '../sync/targets.js';

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

  /** Names of those that the spec's selector reaches. */
  async selectedBy(spec: ConfigMapSyncSpec): Promise<string[]> {
    const reaches = selectorOf(spec);
    const names: string[] = [];
    await inSlices(reaches ? this.#store.list() : [], ({ metadata }) => {
      if (reaches?.(metadata)) names.push(metadata.name);
    });
    return names;
  }
}

/** Keeps of a Namespace only what {@link NamespaceLister} tells. */
export function namespaceOutline({ metadata }: KubernetesObject): KubernetesObject {
  const { name, uid, resourceVersion, labels, deletionTimestamp } = metadata;
  const set = { ...(labels && { labels }), ...(deletionTimestamp && { deletionTimestamp }) };
  return { metadata: { name, uid, resourceVersion, ...set } };
}

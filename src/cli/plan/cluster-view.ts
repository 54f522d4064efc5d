import type { ConfigMapSyncSpec } from '../../api/v1alpha1/config-map-sync-spec.js';
import type { ConfigMapSync } from '../../api/v1alpha1/config-map-sync.js';
import { NamespaceLister } from '../../controller/namespace-lister.js';
import { SyncIndex } from '../../controller/sync-index.js';
import { Store } from '../../k8s/cache/store.js';
import { undefinedAt } from '../../k8s/client/errors.js';
import type { KubernetesObject } from '../../k8s/client/objects.js';
import type { IsLiving } from '../../sync/ownership.js';
import type { Caller } from '../caller.js';

export type ClusterView = Awaited<ReturnType<typeof lookAround>>;

/**
 * What the caller knows of the cluster, in place of the operator's watches. What the caller may not list stays unknown:
 * namespaces are taken to exist then, and owners to be alive.
 */
export async function lookAround(caller: Caller) {
  const [namespaces, syncs] = await Promise.all([
    caller.listNamespaces(),
    caller.listSyncs(undefined).catch(undefinedAt(403)),
  ]);
  const syncStore = storeOf(syncs ?? []);
  const index = new SyncIndex(syncStore);
  index.start();
  const lister = new NamespaceLister(storeOf(namespaces ?? []));
  return {
    namespaces: {
      state: (name: string) => (namespaces === undefined ? 'active' : lister.state(name)),
      selectedBy: (spec: ConfigMapSyncSpec) => lister.selectedBy(spec),
    },
    syncs: index,
    isLiving: (({ uid }) => syncs === undefined || index.byUid(uid) !== undefined) satisfies IsLiving,
    findSync: async (namespace: string, name: string) =>
      syncs === undefined ? caller.findSync(namespace, name) : syncStore.get(`${namespace}/${name}`),
    /** @throws Error where `sync` has a selector and the caller may not list namespaces. */
    checkSelector: (sync: ConfigMapSync) => void selectableNamespaces(sync, namespaces),
  };
}

function storeOf<T extends KubernetesObject>(objects: readonly T[]): Store<T> {
  const store = new Store<T>();
  store.replace(objects);
  return store;
}

/**
 * The namespaces that a selector chooses from.
 * @param namespaces Undefined where the caller may not list them.
 * @throws Error where that matters.
 */
export function selectableNamespaces(
  { metadata, spec }: ConfigMapSync,
  namespaces: readonly KubernetesObject[] | undefined,
): readonly KubernetesObject[] {
  if (namespaces === undefined && spec.namespaceSelector !== undefined) {
    throw new Error(
      `ConfigMapSync "${metadata.name}" selects namespaces by label: that takes the right to list namespaces, which you lack`,
    );
  }
  return namespaces ?? [];
}

import type { ConfigMapSync } from '../../api/v1alpha1/config-map-sync.js';
import { GROUP, PLURAL, VERSION } from '../../api/v1alpha1/well-known.js';
import { namespaceOutline } from '../../controller/namespace-lister.js';
import type { RuntimeLog } from '../../k8s/util/cause-log.js';
import type { Clock } from '../../k8s/util/clock.js';
import { METADATA_ONLY, METADATA_ONLY_LIST, type KubernetesObject } from '../../k8s/client/objects.js';
import { ListWatcher } from '../../k8s/cache/list-watcher.js';
import { apiPath } from '../../k8s/client/api-path.js';
import type { RestClient } from '../../k8s/client/rest-client.js';
import { Store } from '../../k8s/cache/store.js';

export type SyncWatches = ReturnType<typeof syncWatches>;

/**
 * The operator's own watches, under its own identity: ConfigMapSyncs, and the names and labels of namespaces.
 * @param watchNamespaces Empty: all.
 */
export function syncWatches(
  watchNamespaces: readonly string[],
  runtime: { client: RestClient; log: RuntimeLog; clock: Clock },
) {
  const namespaceStore = new Store<KubernetesObject>();
  const namespaces = new ListWatcher<KubernetesObject>({
    ...runtime,
    path: apiPath({ group: '', version: 'v1', resource: 'namespaces' }),
    accept: { list: METADATA_ONLY_LIST, watch: METADATA_ONLY },
    store: namespaceStore,
    name: 'namespaces',
    transform: namespaceOutline,
  });
  const syncs = new Store<ConfigMapSync>();
  const scopes = watchNamespaces.length === 0 ? [undefined] : watchNamespaces;
  const reflectors = scopes.map(
    (namespace) =>
      new ListWatcher<ConfigMapSync>({
        ...runtime,
        path: apiPath({ group: GROUP, version: VERSION, resource: PLURAL, namespace }),
        store: syncs,
        namespace,
        name: namespace === undefined ? PLURAL : `${PLURAL} in ${namespace}`,
        transform: withoutManagedFields,
      }),
  );
  const byResource = { namespaces: [namespaces], [PLURAL]: reflectors };
  return { syncs, namespaces: namespaceStore, byResource, reflectors: [namespaces, ...reflectors] };
}

/** Most of the bytes of an object, and nobody reads them here. */
function withoutManagedFields(sync: ConfigMapSync): ConfigMapSync {
  const metadata: ConfigMapSync['metadata'] & { managedFields?: unknown } = { ...sync.metadata };
  delete metadata.managedFields;
  return { ...sync, metadata };
}

import type { ConfigMapSync } from '../../api/v1alpha1/config-map-sync.js';
import { GROUP, PLURAL, VERSION } from '../../api/v1alpha1/well-known.js';
import { namespaceOutline } from '../../controller/namespace-lister.js';
import type { RuntimeLog } from '../../k8s/util/cause-log.js';
import type { Clock } from '../../k8s/util/clock.js';
import { METADATA_ONLY, METADATA_ONLY_LIST, type KubernetesObject } from '../../k8s/client/objects.js';
import { ListWatcher } from '../../k8s/cache/list-watcher.js';
import { apiPath } from '../../k8s/client/api-path.js';
import type { RestClient } from '../../k8s/client/rest-client.js';
import { type ReadableStore, Store } from '../../k8s/cache/store.js';

/** The operator's own watches, under its own identity: ConfigMapSyncs, and the names and labels of namespaces. */
export interface SyncWatches {
  syncs: ReadableStore<ConfigMapSync>;
  namespaces: ReadableStore<KubernetesObject>;
  reflectors: readonly Pick<
    ListWatcher<KubernetesObject>,
    'name' | 'run' | 'synced' | 'waitForSync' | 'lastProgress'
  >[];
}

export function syncWatches(options: {
  client: RestClient;
  /** Empty: all. */
  watchNamespaces: readonly string[];
  log: RuntimeLog;
  clock: Clock;
}): SyncWatches {
  const { client, watchNamespaces, log, clock } = options;
  const namespaceStore = new Store<KubernetesObject>();
  const namespaces = new ListWatcher<KubernetesObject>({
    client,
    path: apiPath({ group: '', version: 'v1', resource: 'namespaces' }),
    accept: { list: METADATA_ONLY_LIST, watch: METADATA_ONLY },
    store: namespaceStore,
    name: 'namespaces',
    transform: namespaceOutline,
    log,
    clock,
  });
  const scopes: (string | undefined)[] = watchNamespaces.length === 0 ? [undefined] : [...watchNamespaces];
  const syncs = new Store<ConfigMapSync>();
  const reflectors = scopes.map(
    (namespace) =>
      new ListWatcher<ConfigMapSync>({
        client,
        path: apiPath({ group: GROUP, version: VERSION, resource: PLURAL, ...(namespace && { namespace }) }),
        store: syncs,
        namespace,
        name: namespace === undefined ? PLURAL : `${PLURAL} in ${namespace}`,
        transform: withoutManagedFields,
        log,
        clock,
      }),
  );
  return { syncs, namespaces: namespaceStore, reflectors: [namespaces, ...reflectors] };
}

/** Most of the bytes of an object, and nobody reads them here. */
function withoutManagedFields(sync: ConfigMapSync): ConfigMapSync {
  const metadata: ConfigMapSync['metadata'] & { managedFields?: unknown } = { ...sync.metadata };
  delete metadata.managedFields;
  return { ...sync, metadata };
}

import { getHeapStatistics } from 'node:v8';
import type { ConfigMapSync } from '../../api/v1alpha1/config-map-sync.js';
import { GROUP, PLURAL, VERSION } from '../../api/v1alpha1/well-known.js';
import { namespaceOutline } from '../../controller/namespace-lister.js';
import { SyncAdmission } from '../../controller/sync-admission.js';
import { MemoryBudget } from '../../k8s/cache/memory-budget.js';
import type { RuntimeLog } from '../../k8s/util/cause-log.js';
import type { Clock } from '../../k8s/util/clock.js';
import { METADATA_ONLY, METADATA_ONLY_LIST, type KubernetesObject } from '../../k8s/client/objects.js';
import { ListWatcher } from '../../k8s/cache/list-watcher.js';
import { apiPath } from '../../k8s/client/api-path.js';
import type { RestClient } from '../../k8s/client/rest-client.js';
import { Store } from '../../k8s/cache/store.js';

export type SyncWatches = ReturnType<typeof syncWatches>;

/** What the program itself takes of the heap that V8 may have, in bytes, with 12 MiB for what is young. */
const OWN_BYTES = 36 * 2 ** 20;
/** Of all else; the rest is for what is under way. */
const BUDGET_PART = 1 / 2;
/** A page of the largest objects that etcd stores has to fit into memory, parsed, beside all else. */
const PAGE_SIZE = 5;

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
  const limit = BUDGET_PART * Math.max(getHeapStatistics().heap_size_limit - OWN_BYTES, 0);
  const budget = new MemoryBudget(limit, (key) => admission.withhold(key));
  const admission: SyncAdmission = new SyncAdmission({ ...runtime, store: syncs, budget });
  const scopes = watchNamespaces.length === 0 ? [undefined] : watchNamespaces;
  const reflectors = scopes.map(
    (namespace) =>
      new ListWatcher<ConfigMapSync>({
        ...runtime,
        path: apiPath({ group: GROUP, version: VERSION, resource: PLURAL, namespace }),
        store: syncs,
        namespace,
        name: namespace === undefined ? PLURAL : `${PLURAL} in ${namespace}`,
        transform: (sync, isGone) => admission.admit(sync, isGone),
        pageSize: PAGE_SIZE,
      }),
  );
  const byResource = { namespaces: [namespaces], [PLURAL]: reflectors };
  const stores = { syncs, namespaces: namespaceStore, budget, admission };
  return { ...stores, byResource, reflectors: [namespaces, ...reflectors] };
}

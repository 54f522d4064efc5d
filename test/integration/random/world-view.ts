import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import type { ServiceAccount } from '../../../src/api/kubernetes.js';
import type { ConfigMapObject } from '../../support/tenant.js';
import type { Refused } from './ledger.js';

/** Everything at one moment: what the API server holds, and what the story arranged. */
export interface WorldView {
  /** Labels by name. */
  namespaces: ReadonlyMap<string, Record<string, string>>;
  configMaps: readonly ConfigMapObject[];
  syncs: readonly ConfigMapSync[];
  /** Verbs on ConfigMaps. */
  rights(account: ServiceAccount, namespace: string): ReadonlySet<string>;
  /** What admission refuses to tenants there. */
  refused(namespace: string): Refused;
  accountExists(account: ServiceAccount): boolean;
  /** Whether the operator may request its token, also where the account is not there. */
  tokenGranted(account: ServiceAccount): boolean;
  /** True where a copy of this owner, which is gone, may have been left there: it could not be removed at the time. */
  mayBeLeftBehind(uid: string, configMap: ConfigMapObject): boolean;
  /** True where an operator started after copies had another name: without the right to list, nobody finds them. */
  namesForgotten: boolean;
  /** True where labels and annotations of former owners may be on a copy, since they were released. */
  releasedBefore: boolean;
}

export function configMapAt(view: WorldView, namespace: string, name: string): ConfigMapObject | undefined {
  return view.configMaps.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
}

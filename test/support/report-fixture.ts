import type { ConfigMapSync } from '../../src/api/v1alpha1/config-map-sync.js';
import type { ConfigMapSyncSpec } from '../../src/api/v1alpha1/config-map-sync-spec.js';
import type { TargetState, TargetStatus } from '../../src/api/v1alpha1/config-map-sync-status.js';
import { syncObject } from './sync-object.js';

/** When everything in these fixtures came into its state. */
export const SINCE = '2026-03-04T05:06:07Z';

/** A target as a status lists it. */
export function target(
  namespace: string,
  state: TargetState,
  more: Partial<TargetStatus> = {},
): TargetStatus {
  return { namespace, state, reason: 'ConfigMapSynced', lastTransitionTime: SINCE, ...more };
}

/** A target where rights are missing, in the operator's own words. */
export function refused(
  namespace: string,
  missingVerbs: TargetStatus['missingVerbs'] = ['create'],
): TargetStatus {
  const message = `system:serviceaccount:team-a:sharer may not ${missingVerbs.join(', ')} configmaps in namespace "${namespace}"`;
  return target(namespace, 'Denied', { reason: 'MissingPermissions', missingVerbs, message });
}

/** As the API server would give it, defaults filled in. Targets left out: the operator has not seen it yet. */
export function syncWith(options: {
  namespace?: string;
  name?: string;
  spec?: Partial<ConfigMapSyncSpec>;
  targets?: TargetStatus[];
}): ConfigMapSync {
  const { namespace = 'team-a', name = 'share', spec = {}, targets } = options;
  return syncObject({
    metadata: {
      ...{ namespace, name, uid: `uid-of-${namespace}-${name}`, resourceVersion: '1' },
      creationTimestamp: SINCE,
    },
    spec: { source: { name: 'settings' }, serviceAccount: { name: 'sharer' }, ...spec },
    ...(targets && { status: { targets } }),
  });
}

import { isApiError } from '../k8s/client/errors.js';
import type { ConfigMap } from '../sync/config-map.js';
import { failed, passed, type SyncPlan } from '../sync/result.js';
import type { Session } from '../tenant/tenancy.js';
import type { PlannerOptions, PlanRequest } from './planner.js';

/**
 * Reads the source as the tenant and enters what was found into the conditions of the draft.
 * @throws ApiError where it could not be found out
 */
export async function readSource(
  { sync, signal }: PlanRequest,
  { source, conditions }: SyncPlan,
  session: Session,
  { namespaces, onDecision }: Pick<PlannerOptions, 'namespaces' | 'onDecision'>,
): Promise<ConfigMap | 'denied' | 'gone'> {
  const { namespace, name } = source;
  const configMaps = session.configMaps((decision) => onDecision(sync, decision));
  try {
    const found = await configMaps.get<ConfigMap>(namespace, name, signal);
    conditions.SourceConfigMapFound = passed('ConfigMapFound');
    return found;
  } catch (error) {
    if (isApiError(error, 403)) {
      const { access } = session.namespace(namespace);
      access.invalidate();
      // Asked so that it is asked again: a grant then heals by itself.
      const { missing } = await access.verdict(name, ['get'], signal);
      // It is not about permissions: nothing was found out.
      if (missing.length === 0) throw error;
      const message = `${session.tenant.username} may not get configmaps "${name}" in namespace "${namespace}": grant get there, and list and watch for changes to arrive at once`;
      conditions.SourceConfigMapFound = failed('SourceDenied', message);
      return 'denied';
    }
    if (!isApiError(error, 404)) throw error;
    const isThere = namespaces.state(namespace) !== 'missing';
    const noNamespace = `there is no namespace "${namespace}" to find ConfigMap "${name}" in`;
    conditions.SourceConfigMapFound = isThere
      ? failed('ConfigMapNotFound', `there is no ConfigMap "${name}" in namespace "${namespace}"`)
      : failed('SourceNamespaceNotFound', noNamespace);
    return 'gone';
  }
}

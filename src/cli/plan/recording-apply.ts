import type { NamespacedName } from '../../api/kubernetes.js';
import type { Verb } from '../../api/v1alpha1/config-map-sync-status.js';
import type { ApplyFor } from '../../controller/attempt.js';
import { ApiError, undefinedAt } from '../../k8s/client/errors.js';
import type { Session } from '../../tenant/tenancy.js';
import type { TenantConfigMaps } from '../../tenant/tenant-config-maps.js';

/** A write that would be made in a target namespace. */
export interface PlannedWrite {
  verb: Exclude<Verb, 'get'>;
  name: string;
}

/**
 * Records writes instead of making them, and refuses what the ServiceAccount may not do. With `dryRun` the API server says
 * what it would do, quota and admission included; it stores nothing either way.
 */
export function recordingApply(onWrite: (write: PlannedWrite) => void, dryRun: boolean): ApplyFor {
  return (session, onDecision) => {
    const server = session.configMaps(onDecision, { dryRun: true });
    /** The API server still has them. */
    const deleted = new Set<string>();
    return {
      async create(namespace, configMap, signal) {
        const name = (configMap as { metadata?: { name?: string } }).metadata?.name ?? '';
        await checkAllowed(session, 'create', { namespace, name }, signal);
        if (!deleted.has(name)) {
          if (dryRun) await server.create(namespace, configMap, signal);
          else await checkAbsent(server, { namespace, name }, signal);
        }
        onWrite({ verb: 'create', name });
        return configMap;
      },
      async update(namespace, name, configMap, signal) {
        await checkAllowed(session, 'update', { namespace, name }, signal);
        if (dryRun) await server.update(namespace, name, configMap, signal);
        onWrite({ verb: 'update', name });
        return configMap;
      },
      async delete(seen, signal) {
        await checkAllowed(session, 'delete', seen, signal);
        if (dryRun) await server.delete(seen, signal);
        deleted.add(seen.name);
        onWrite({ verb: 'delete', name: seen.name });
      },
    };
  };
}

/** @throws ApiError 409 as the API server would say it. */
async function checkAbsent(
  server: TenantConfigMaps,
  { namespace, name }: NamespacedName,
  signal: AbortSignal,
): Promise<void> {
  const existing = await server.get(namespace, name, signal).catch(undefinedAt(404));
  if (existing === undefined) return;
  const message = `configmaps "${name}" already exists`;
  throw new ApiError({ code: 409, reason: 'AlreadyExists', message });
}

/** @throws ApiError 403 as the API server would say it. */
async function checkAllowed(
  session: Session,
  verb: PlannedWrite['verb'],
  { namespace, name }: NamespacedName,
  signal: AbortSignal,
): Promise<void> {
  const { missing } = await session.namespace(namespace).access.verdict(name, [verb], signal);
  if (missing.length === 0) return;
  const message = `${session.tenant.username} cannot ${verb} resource "configmaps" in namespace "${namespace}"`;
  throw new ApiError({ code: 403, reason: 'Forbidden', message });
}

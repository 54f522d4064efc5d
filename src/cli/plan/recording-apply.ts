import type { NamespacedName } from '../../api/kubernetes.js';
import type { Verb } from '../../api/v1alpha1/config-map-sync-status.js';
import type { ApplyFor } from '../../controller/attempt.js';
import { ApiError, undefinedAt } from '../../k8s/client/errors.js';

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
    /** @throws ApiError 403 as the API server would say it. */
    const checkAllowed = async (
      verb: PlannedWrite['verb'],
      { namespace, name }: NamespacedName,
      signal: AbortSignal,
    ): Promise<void> => {
      const { missing } = await session.namespace(namespace).access.verdict(name, [verb], signal);
      if (missing.length === 0) return;
      const message = `${session.tenant.username} cannot ${verb} resource "configmaps" in namespace "${namespace}"`;
      throw new ApiError({ code: 403, reason: 'Forbidden', message });
    };
    /** The API server still has them. */
    const deleted = new Set<string>();
    return {
      async create(namespace, configMap, signal) {
        const name = (configMap as { metadata?: { name?: string } }).metadata?.name ?? '';
        await checkAllowed('create', { namespace, name }, signal);
        if (dryRun && !deleted.has(name)) await server.create(namespace, configMap, signal);
        if (!dryRun && !deleted.has(name)) {
          const existing = await server.get(namespace, name, signal).catch(undefinedAt(404));
          const message = `configmaps "${name}" already exists`;
          if (existing !== undefined) throw new ApiError({ code: 409, reason: 'AlreadyExists', message });
        }
        onWrite({ verb: 'create', name });
        return configMap;
      },
      async update(namespace, name, configMap, signal) {
        await checkAllowed('update', { namespace, name }, signal);
        if (dryRun) await server.update(namespace, name, configMap, signal);
        onWrite({ verb: 'update', name });
        return configMap;
      },
      async delete(seen, signal) {
        await checkAllowed('delete', seen, signal);
        if (dryRun) await server.delete(seen, signal);
        deleted.add(seen.name);
        onWrite({ verb: 'delete', name: seen.name });
      },
    };
  };
}

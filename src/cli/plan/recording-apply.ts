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
      async create(place, write, signal, isRehearsal) {
        await checkAllowed('create', place, signal);
        const stored = dryRun && !deleted.has(place.name) && (await server.create(place, write, signal));
        if (!dryRun && !deleted.has(place.name)) {
          const existing = await server.get(place.namespace, place.name, signal).catch(undefinedAt(404));
          const message = `configmaps "${place.name}" already exists`;
          if (existing !== undefined) throw new ApiError({ code: 409, reason: 'AlreadyExists', message });
        }
        if (isRehearsal !== true) onWrite({ verb: 'create', name: place.name });
        // Without the API server's word, it is stored as it is sent.
        return stored || write.read(write.json());
      },
      async update(place, write, signal) {
        await checkAllowed('update', place, signal);
        const stored = dryRun ? await server.update(place, write, signal) : write.read(write.json());
        onWrite({ verb: 'update', name: place.name });
        return stored;
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

import type { Verb } from '../../api/v1alpha1/config-map-sync-status.js';
import type { Apply, ApplyFor } from '../../controller/attempt.js';
import { ApiError } from '../../k8s/client/errors.js';
import type { Session } from '../../tenant/tenancy.js';
import type { SeenConfigMap } from '../../tenant/tenant-config-maps.js';

/** A write that would be made. */
export interface PlannedWrite {
  verb: Exclude<Verb, 'get'>;
  namespace: string;
  name: string;
}

/**
 * Records writes instead of making them, and refuses what the ServiceAccount may not do. With `dryRun` the API server says
 * what it would do, quota and admission included; it stores nothing either way.
 */
export function recordingApply(onWrite: (write: PlannedWrite) => void, dryRun: boolean): ApplyFor {
  return (session, onDecision) => {
    const server = session.configMaps(onDecision, { dryRun: true });
    return new RecordingApply(session, onWrite, dryRun ? server : undefined);
  };
}

class RecordingApply implements Apply {
  readonly #session: Session;
  readonly #onWrite: (write: PlannedWrite) => void;
  readonly #server: Apply | undefined;
  /** Deleted in this attempt: the API server still has it. */
  readonly #deleted = new Set<string>();

  constructor(session: Session, onWrite: (write: PlannedWrite) => void, server: Apply | undefined) {
    this.#session = session;
    this.#onWrite = onWrite;
    this.#server = server;
  }

  async create<T extends object>(namespace: string, configMap: T, signal: AbortSignal): Promise<T> {
    const name = nameOf(configMap);
    await this.#check({ verb: 'create', namespace, name }, signal);
    return this.#deleted.has(name)
      ? configMap
      : (this.#server?.create(namespace, configMap, signal) ?? configMap);
  }

  async update<T extends object>(
    namespace: string,
    name: string,
    configMap: T,
    signal: AbortSignal,
  ): Promise<T> {
    await this.#check({ verb: 'update', namespace, name }, signal);
    return this.#server?.update(namespace, name, configMap, signal) ?? configMap;
  }

  async delete(seen: SeenConfigMap, signal: AbortSignal): Promise<void> {
    const { namespace, name } = seen;
    await this.#check({ verb: 'delete', namespace, name }, signal);
    await this.#server?.delete(seen, signal);
    this.#deleted.add(name);
  }

  /** @throws ApiError 403 as the API server would say it. */
  async #check(write: PlannedWrite, signal: AbortSignal): Promise<void> {
    const { verb, namespace, name } = write;
    const { access } = this.#session.namespace(namespace);
    const { missing } = await access.verdict(name, [verb], signal);
    if (missing.length > 0) {
      const message = `${this.#session.tenant.username} cannot ${verb} resource "configmaps" in namespace "${namespace}"`;
      throw new ApiError({ code: 403, reason: 'Forbidden', message });
    }
    this.#onWrite(write);
  }
}

function nameOf(configMap: object): string {
  return (configMap as { metadata?: { name?: string } }).metadata?.name ?? '';
}

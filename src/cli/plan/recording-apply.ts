import type { NamespacedName } from '../../api/kubernetes.js';
import type { Verb } from '../../api/v1alpha1/config-map-sync-status.js';
import type { Apply, ApplyFor } from '../../controller/attempt.js';
import { ApiError, isApiError } from '../../k8s/client/errors.js';
import type { Session } from '../../tenant/tenancy.js';
import type { SeenConfigMap, TenantConfigMaps } from '../../tenant/tenant-config-maps.js';

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
    return new RecordingApply({ session, server, onWrite, dryRun });
  };
}

class RecordingApply implements Apply {
  readonly #session: Session;
  readonly #onWrite: (write: PlannedWrite) => void;
  readonly #server: TenantConfigMaps;
  readonly #dryRun: boolean;
  /** Deleted in this attempt: the API server still has it. */
  readonly #deleted = new Set<string>();

  constructor(options: {
    session: Session;
    /** Sends writes as dry runs. */
    server: TenantConfigMaps;
    onWrite: (write: PlannedWrite) => void;
    dryRun: boolean;
  }) {
    this.#session = options.session;
    this.#server = options.server;
    this.#onWrite = options.onWrite;
    this.#dryRun = options.dryRun;
  }

  async create<T extends object>(namespace: string, configMap: T, signal: AbortSignal): Promise<T> {
    const name = nameOf(configMap);
    await this.#check('create', { namespace, name }, signal);
    if (!this.#deleted.has(name)) {
      if (this.#dryRun) await this.#server.create(namespace, configMap, signal);
      else await this.#checkAbsent(namespace, name, signal);
    }
    this.#onWrite({ verb: 'create', namespace, name });
    return configMap;
  }

  async update<T extends object>(
    namespace: string,
    name: string,
    configMap: T,
    signal: AbortSignal,
  ): Promise<T> {
    await this.#check('update', { namespace, name }, signal);
    if (this.#dryRun) await this.#server.update(namespace, name, configMap, signal);
    this.#onWrite({ verb: 'update', namespace, name });
    return configMap;
  }

  async delete(seen: SeenConfigMap, signal: AbortSignal): Promise<void> {
    await this.#check('delete', seen, signal);
    if (this.#dryRun) await this.#server.delete(seen, signal);
    this.#deleted.add(seen.name);
    this.#onWrite({ verb: 'delete', namespace: seen.namespace, name: seen.name });
  }

  /** @throws ApiError 409 as the API server would say it. */
  async #checkAbsent(namespace: string, name: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#server.get(namespace, name, signal);
    } catch (error) {
      if (isApiError(error, 404)) return;
      throw error;
    }
    throw new ApiError({
      code: 409,
      reason: 'AlreadyExists',
      message: `configmaps "${name}" already exists`,
    });
  }

  /** @throws ApiError 403 as the API server would say it. */
  async #check(
    verb: PlannedWrite['verb'],
    { namespace, name }: NamespacedName,
    signal: AbortSignal,
  ): Promise<void> {
    const { access } = this.#session.namespace(namespace);
    const { missing } = await access.verdict(name, [verb], signal);
    if (missing.length === 0) return;
    const message = `${this.#session.tenant.username} cannot ${verb} resource "configmaps" in namespace "${namespace}"`;
    throw new ApiError({ code: 403, reason: 'Forbidden', message });
  }
}

function nameOf(configMap: object): string {
  return (configMap as { metadata?: { name?: string } }).metadata?.name ?? '';
}

import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { ConfigMapSyncStatus } from '../api/v1alpha1/config-map-sync-status.js';
import { GROUP, PLURAL, VERSION, FINALIZER } from '../api/v1alpha1/well-known.js';
import { apiPath } from '../k8s/client/api-path.js';
import { METADATA_ONLY, type KubernetesObject } from '../k8s/client/objects.js';
import type { RestClient } from '../k8s/client/rest-client.js';
import { storedMetadata } from '../sync/stored.js';
import { FairQueue } from '../tenant/fair-queue.js';

/** Writes of ConfigMapSyncs themselves, under the operator's own identity: of each answer the metadata is enough. */
export class ConfigMapSyncClient {
  readonly #client: RestClient;
  // One write of a thousand targets takes the API server a tenth of a second and more of its processor: many at once would
  // keep it from what tenants ask for. Nothing waits for a status, and nothing can begin before the finalizer is there.
  readonly #statuses = new FairQueue(1);
  readonly #finalizers = new FairQueue(2);

  constructor(client: RestClient) {
    this.#client = client;
  }

  async addFinalizer(sync: ConfigMapSync, signal: AbortSignal): Promise<ConfigMapSync> {
    return this.#patchFinalizers(sync, [...(sync.metadata.finalizers ?? []), FINALIZER], signal);
  }

  async removeFinalizer(sync: ConfigMapSync, signal: AbortSignal): Promise<ConfigMapSync> {
    const finalizers = (sync.metadata.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER);
    return this.#patchFinalizers(sync, finalizers, signal);
  }

  /**
   * Replaces the status of just this object: one of the same name that was created since is left alone (409).
   * @returns undefined where its spec is another one by now, which a watch will bring.
   */
  async writeStatus(
    sync: ConfigMapSync,
    status: ConfigMapSyncStatus,
    signal: AbortSignal,
  ): Promise<ConfigMapSync | undefined> {
    // In a merge patch what is not named stays: what the new status lacks has to be named as null.
    const emptied = Object.fromEntries(Object.keys(sync.status ?? {}).map((field) => [field, null]));
    const body = { metadata: { uid: sync.metadata.uid }, status: { ...emptied, ...status } };
    const written = await this.#patch(sync, body, signal, 'status');
    return written.metadata.generation === sync.metadata.generation ? { ...written, status } : undefined;
  }

  /** The list is replaced whole: the resourceVersion keeps a finalizer that somebody else added meanwhile. */
  #patchFinalizers(sync: ConfigMapSync, finalizers: string[], signal: AbortSignal): Promise<ConfigMapSync> {
    const { uid, resourceVersion } = sync.metadata;
    return this.#patch(sync, { metadata: { uid, resourceVersion, finalizers } }, signal);
  }

  async #patch(
    sync: ConfigMapSync,
    body: unknown,
    signal: AbortSignal,
    subresource?: string,
  ): Promise<ConfigMapSync> {
    const { namespace = '', name } = sync.metadata;
    const path = pathOf(sync, subresource);
    const request = { method: 'PATCH', path, body, accept: METADATA_ONLY, signal } as const;
    const writes = subresource === undefined ? this.#finalizers : this.#statuses;
    const { body: patched } = await writes.run(
      { namespace, name },
      'work',
      () => this.#client.request<KubernetesObject>(request),
      signal,
    );
    return { ...sync, metadata: storedMetadata(patched.metadata) };
  }
}

export function pathOf({ metadata: { namespace = '', name } }: ConfigMapSync, subresource?: string): string {
  return apiPath({ group: GROUP, version: VERSION, namespace, resource: PLURAL, name, subresource });
}

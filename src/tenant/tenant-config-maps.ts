import type { NamespacedName } from '../api/kubernetes.js';
import type { Verb } from '../api/v1alpha1/config-map-sync-status.js';
import { isApiError } from '../k8s/client/errors.js';
import { apiPath } from '../k8s/client/api-path.js';
import { METADATA_ONLY } from '../k8s/client/objects.js';
import type { ApiRequest } from '../k8s/client/rest-types.js';
import type { Tenant } from './tenant.js';

/** What the API server decided about one request for a ConfigMap. */
export interface AccessDecision {
  username: string;
  verb: Verb;
  namespace: string;
  decision: 'allowed' | 'denied';
  /** metav1.StatusReason of a refusal; '' where allowed. */
  reason: string;
  /** HTTP status code. */
  code: number;
  auditID: string | undefined;
}

/** On whose behalf, and who is told of each decision. */
export interface SyncContext extends NamespacedName {
  /** `config-weaver/<version>`. */
  userAgentPrefix: string;
  /** True: the API server decides, admission and quota included, and stores nothing. */
  dryRun?: boolean;
  onDecision: (decision: AccessDecision) => void;
}

/** What is sent, and how the answer is read, which is the whole object as it was stored. */
export interface ConfigMapWrite<T> {
  json: () => Buffer;
  read: (answer: Buffer) => T;
}

/** A ConfigMap to be addressed exactly as it was seen. */
export interface SeenConfigMap extends NamespacedName {
  uid?: string | undefined;
  resourceVersion?: string | undefined;
}

/**
 * The only door to ConfigMaps. Every request goes out as the tenant and names the ConfigMapSync in its User-Agent, so
 * that the API server's own audit log tells who did what for whom.
 */
export class TenantConfigMaps {
  readonly #tenant: Tenant;
  readonly #context: SyncContext;
  readonly #userAgent: string;

  constructor(tenant: Tenant, context: SyncContext) {
    this.#tenant = tenant;
    this.#context = context;
    this.#userAgent = `${context.userAgentPrefix} configmapsync/${context.namespace}/${context.name}`;
  }

  /** @throws ApiError 404 where there is none. */
  get<T extends object>(namespace: string, name: string, signal: AbortSignal): Promise<T> {
    return this.#call<T>('get', { namespace, name }, {}, signal);
  }

  /**
   * @param dryRun True: nothing is stored, and the name is looked at last: whatever else refuses it is told before.
   * @throws ApiError 409 where the name is taken.
   */
  create<T>(
    { namespace }: NamespacedName,
    { json, read }: ConfigMapWrite<T>,
    signal: AbortSignal,
    dryRun = false,
  ): Promise<T> {
    return this.#call<T>('create', { namespace }, { body: json, read, ...(dryRun && DRY_RUN) }, signal);
  }

  /** `metadata.resourceVersion` of `json` guards against lost updates: ApiError 409 where it has moved on. */
  update<T>(place: NamespacedName, { json, read }: ConfigMapWrite<T>, signal: AbortSignal): Promise<T> {
    return this.#call<T>('update', place, { body: json, read }, signal);
  }

  /** Deletes just the object that was seen: ApiError 409 where it is another one by now. */
  async delete(seen: SeenConfigMap, signal: AbortSignal): Promise<void> {
    const { uid, resourceVersion } = seen;
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } };
    await this.#call('delete', seen, { body, accept: METADATA_ONLY }, signal);
  }

  async #call<T>(
    verb: Verb,
    { namespace, name }: { namespace: string; name?: string },
    how: Pick<ApiRequest, 'body' | 'read' | 'accept' | 'query'>,
    signal: AbortSignal,
  ): Promise<T> {
    const { dryRun, onDecision } = this.#context;
    const decided = (decision: Pick<AccessDecision, 'decision' | 'reason' | 'code' | 'auditID'>): void =>
      onDecision({ username: this.#tenant.username, verb, namespace, ...decision });
    try {
      const answer = await this.#tenant.request<T>({
        method: METHODS[verb],
        path: apiPath({ group: '', version: 'v1', namespace, resource: 'configmaps', name }),
        ...(verb !== 'get' && dryRun === true && DRY_RUN),
        ...how,
        userAgent: this.#userAgent,
        signal,
      });
      decided({ decision: 'allowed', reason: '', code: answer.code, auditID: answer.auditID });
      return answer.body;
    } catch (error) {
      if (isApiError(error, 403)) {
        const { reason, code, auditID } = error;
        decided({ decision: 'denied', reason, code, auditID });
      }
      throw error;
    }
  }
}

const DRY_RUN = { query: { dryRun: 'All' } };
const METHODS = { get: 'GET', create: 'POST', update: 'PUT', delete: 'DELETE' } as const;

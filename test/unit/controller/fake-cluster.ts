import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import { ApiError } from '../../../src/k8s/client/errors.js';
import type { KubernetesObject } from '../../../src/k8s/client/objects.js';
import { Store } from '../../../src/k8s/cache/store.js';
import type { ConfigMap } from '../../../src/sync/config-map.js';
import { FakeApi, refusal, type Sent } from '../../support/fakes/fake-api.js';

export const ALL_VERBS = ['get', 'create', 'update', 'delete', 'list', 'watch'];

interface AccessReviewSpec {
  namespace?: string;
  resourceAttributes?: { namespace: string; verb: string };
}

interface Seen {
  uid?: string;
  resourceVersion?: string;
}

/**
 * As much of a cluster as one tenant's ConfigMapSyncs meet: its ConfigMaps in memory, its rights by namespace, tokens,
 * and the ConfigMapSyncs themselves. For faults and moments that a real API server cannot be made to produce.
 */
export class FakeCluster {
  readonly api: FakeApi;
  readonly syncs = new Store<ConfigMapSync>();
  readonly namespaces = new Store<KubernetesObject>();
  /** By `namespace/name`. */
  readonly configMaps = new Map<string, ConfigMap>();
  /** Where nothing is said, everything is allowed. */
  readonly rights = new Map<string, string[]>();
  /** What a request is refused with before it is looked at, or waits for. */
  intercept: (request: Sent) => Error | undefined | Promise<Error | undefined> = () => undefined;
  readonly #now: () => number;
  #version = 100;

  /** @param now Milliseconds since the epoch, by the API server's clock. */
  constructor(now: () => number) {
    this.#now = now;
    this.api = new FakeApi((request) => this.#answer(request));
  }

  addNamespace(
    name: string,
    metadata: { labels?: Record<string, string>; deletionTimestamp?: string } = {},
  ): void {
    this.namespaces.upsert({
      metadata: { name, uid: `uid-${name}`, resourceVersion: this.nextVersion(), ...metadata },
    });
  }

  /** Somebody creates or changes a ConfigMap; it is another one than what is there, unless `rest` has its uid. */
  put(namespace: string, name: string, rest: Partial<ConfigMap> = {}): void {
    const born = { uid: `uid-${namespace}-${name}`, creationTimestamp: this.timestamp() };
    const resourceVersion = this.nextVersion();
    const metadata = { ...born, ...rest.metadata, name, namespace, resourceVersion };
    this.#store(`${namespace}/${name}`, { ...rest, metadata }, 'MODIFIED');
  }

  remove(key: string): void {
    const gone = this.configMaps.get(key);
    this.configMaps.delete(key);
    if (gone !== undefined) this.#tell('DELETED', gone);
  }

  /** Writes of ConfigMaps, as `verb namespace/name`. */
  writes(): string[] {
    return this.api.sent
      .filter(({ path, method }) => /\/configmaps(\/|$)/.test(path) && method !== 'GET')
      .map(({ method, path, body }) => {
        const [, namespace = '', name] = /namespaces\/([^/]+)\/configmaps(?:\/(.+))?$/.exec(path) ?? [];
        return `${method} ${namespace}/${name ?? (body as ConfigMap).metadata.name}`;
      });
  }

  /** As metav1.Time has it, without fractions. */
  timestamp(): string {
    return new Date(this.#now()).toISOString().replace(/\.\d+Z$/, 'Z');
  }

  /** For whatever is written next. */
  nextVersion(): string {
    this.#version += 1;
    return String(this.#version);
  }

  /** Lets the operator's watch see what a write of the status or the finalizers returned. */
  #changeSync(path: string, patch: Partial<ConfigMapSync>): ConfigMapSync {
    const [, namespace = '', name = ''] = /namespaces\/([^/]+)\/configmapsyncs\/([^/]+)/.exec(path) ?? [];
    const sync = this.syncs.get(`${namespace}/${name}`);
    if (sync === undefined) throw refusal(404, 'NotFound');
    const changed = structuredClone(merge(sync, patch) as ConfigMapSync);
    changed.metadata.resourceVersion = this.nextVersion();
    const gone =
      changed.metadata.deletionTimestamp !== undefined && changed.metadata.finalizers?.length === 0;
    if (gone) this.syncs.remove(changed);
    else this.syncs.upsert(changed);
    return changed;
  }

  async #answer(request: Sent): Promise<unknown> {
    const fault = await this.intercept(request);
    if (fault !== undefined) throw fault;
    const { path, method, body, authorization } = request;
    if (path.includes('/configmapsyncs/')) return this.#changeSync(path, body as Partial<ConfigMapSync>);
    if (path.endsWith('/token')) return this.#token(path);
    if (authorization === 'operator' && path.endsWith('/selfsubjectaccessreviews'))
      return { status: { allowed: false } };
    if (authorization === 'operator') throw new Error(`the operator itself asked for ${path}`);
    if (path.endsWith('/selfsubjectreviews')) {
      const [, namespace = '', name = ''] = /Bearer (.*)\/(.*)/.exec(authorization) ?? [];
      return {
        status: { userInfo: { username: `system:serviceaccount:${namespace}:${name}`, uid: 'uid-sa' } },
      };
    }
    if (path.includes('/selfsubject')) return this.#review((body as { spec: AccessReviewSpec }).spec);
    return this.#configMap(request, method);
  }

  #token(path: string): object {
    const [, namespace = '', name = ''] =
      /namespaces\/([^/]+)\/serviceaccounts\/([^/]+)\/token/.exec(path) ?? [];
    return { spec: { expirationSeconds: 600 }, status: { token: `${namespace}/${name}` } };
  }

  #allowed(namespace: string): string[] {
    return this.rights.get(namespace) ?? ALL_VERBS;
  }

  #review({ namespace = '', resourceAttributes }: AccessReviewSpec): object {
    if (resourceAttributes !== undefined) {
      const { namespace: asked, verb } = resourceAttributes;
      return { status: { allowed: this.#allowed(asked).includes(verb) } };
    }
    const rule = { apiGroups: [''], resources: ['configmaps'], verbs: this.#allowed(namespace) };
    return { status: { resourceRules: [rule] } };
  }

  #configMap({ path, query, body }: Sent, method: string): unknown {
    const [, namespace = '', name] = /namespaces\/([^/]+)\/configmaps(?:\/(.+))?$/.exec(path) ?? [];
    const verb = {
      POST: 'create',
      PUT: 'update',
      DELETE: 'delete',
      GET: name === undefined ? 'list' : 'get',
    }[method];
    if (!this.#allowed(namespace).includes(verb ?? '')) throw refusal(403, 'Forbidden');
    if (verb === 'list') {
      // Only watches list, for where to begin: copies are known by name.
      if (query?.labelSelector !== undefined) throw new Error(`a list by label: ${path}`);
      return { metadata: { resourceVersion: String(this.#version) }, items: [] };
    }
    const wished = body as ConfigMap;
    const key = `${namespace}/${name ?? wished.metadata.name}`;
    const existing = this.configMaps.get(key);
    if (verb === 'create') {
      if (existing !== undefined) throw refusal(409, 'AlreadyExists');
      const born = { uid: `uid-${this.nextVersion()}`, creationTimestamp: this.timestamp() };
      return this.#written(key, { ...wished, metadata: { ...wished.metadata, ...born } }, 'ADDED');
    }
    if (existing === undefined) throw refusal(404, 'NotFound');
    if (verb === 'get') return structuredClone(existing);
    const expected = verb === 'update' ? wished.metadata : (body as { preconditions: Seen }).preconditions;
    for (const field of ['uid', 'resourceVersion'] as const) {
      if (expected[field] !== undefined && expected[field] !== existing.metadata[field])
        throw refusal(409, 'Conflict');
    }
    if (verb === 'update') return this.#written(key, wished, 'MODIFIED');
    this.remove(key);
    return {};
  }

  #written(key: string, configMap: ConfigMap, type: 'ADDED' | 'MODIFIED'): ConfigMap {
    const stored = structuredClone(configMap);
    stored.metadata.resourceVersion = this.nextVersion();
    this.#store(key, stored, type);
    return structuredClone(stored);
  }

  #store(key: string, configMap: ConfigMap, type: 'ADDED' | 'MODIFIED'): void {
    this.configMaps.set(key, configMap);
    this.#tell(type, configMap);
  }

  #tell(type: 'ADDED' | 'MODIFIED' | 'DELETED', { metadata }: ConfigMap): void {
    const object = { metadata: structuredClone(metadata) as KubernetesObject['metadata'] };
    for (const watch of this.api.watches) {
      if (watch.request.path.includes(`/namespaces/${metadata.namespace ?? ''}/`))
        watch.emit({ type, object });
    }
  }
}

/** RFC 7396. */
function merge(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const merged = new Map(Object.entries(isRecord(target) ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, merge(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What an API server says of a namespace that is being deleted. */
export function namespaceTerminating(): ApiError {
  return new ApiError({
    code: 403,
    reason: 'Forbidden',
    message: 'unable to create new content in namespace prod because it is being terminated',
    causes: [{ reason: 'NamespaceTerminating' }],
  });
}

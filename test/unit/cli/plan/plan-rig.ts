import { FairQueue } from '../../../../src/tenant/fair-queue.js';
import { Tenancy } from '../../../../src/tenant/tenancy.js';
import type { ConfigMap } from '../../../../src/sync/config-map.js';
import { FakeClock } from '../../../support/fakes/fake-clock.js';
import { FakeApi, refusal, type Sent } from '../../../support/fakes/fake-api.js';
import { FakeRights } from '../../../support/fakes/fake-rights.js';

/** An API server with ConfigMaps, and the way there that `plan` takes. */
export class PlanRig {
  readonly clock = new FakeClock();
  readonly rights = new FakeRights('get', 'create', 'update', 'delete');
  /** By `namespace/name`. */
  readonly configMaps = new Map<string, ConfigMap>();
  /** Answers dry runs, where it has something to say. */
  dryRun: ((request: Sent) => Error | undefined) | undefined;
  tokenFailure: Error | undefined;
  readonly api = new FakeApi((request) => this.#answer(request));
  readonly tenancy: Tenancy;

  constructor() {
    const { api, clock } = this;
    this.tenancy = new Tenancy({
      client: api.client(),
      operator: 'you',
      expirationSeconds: 600,
      onRequested: () => undefined,
      clientFor: (authorize) => api.client(authorize),
      requests: new FairQueue(32),
      userAgentPrefix: 'config-weaver/1',
      clock,
      onChanged: () => undefined,
      random: () => 1,
      recheck: { deniedMs: 2 ** 31 - 1, allowedMs: 2 ** 31 - 1 },
      notify: () => undefined,
    });
  }

  put(namespace: string, configMap: ConfigMap): void {
    const { name } = configMap.metadata;
    const metadata = { namespace, uid: `uid-${namespace}`, resourceVersion: '7', ...configMap.metadata };
    this.configMaps.set(`${namespace}/${name}`, { ...configMap, metadata });
  }

  /** Requests that write ConfigMaps. */
  get writes(): Sent[] {
    return this.api.sent.filter(({ method, path }) => method !== 'GET' && path.includes('/configmaps'));
  }

  #answer(request: Sent): unknown {
    const { method, path } = request;
    if (path.endsWith('/token')) {
      if (this.tokenFailure !== undefined) throw this.tokenFailure;
      return { spec: { expirationSeconds: 600 }, status: { token: 'token' } };
    }
    if (path.endsWith('/selfsubjectreviews')) {
      return { status: { userInfo: { username: 'system:serviceaccount:team-a:default', uid: 'uid-sa' } } };
    }
    const review = this.rights.review(request);
    if (review !== undefined) return review;
    const [, namespace = '', name = ''] = /namespaces\/([^/]*)\/configmaps\/?(.*)$/.exec(path) ?? [];
    if (method !== 'GET') {
      const refused = this.dryRun?.(request);
      if (refused !== undefined) throw refused;
      return request.body;
    }
    const found = this.configMaps.get(`${namespace}/${name}`);
    if (found === undefined) throw refusal(404, 'NotFound');
    return found;
  }
}

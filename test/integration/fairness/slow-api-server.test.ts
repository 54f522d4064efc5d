import { expect } from 'chai';
import { createSyncs, createTargets, Neighbour } from '../../support/neighbour.js';
import { operatorKubeconfig } from '../../support/operator.js';
import { controlPlaneOrSkip, plane } from '../../support/plane.js';
import { SlowProxy, type ProxiedRequest } from '../../support/slow-proxy.js';
import { removeSyncs, SyncFixture } from '../../support/sync-fixture.js';
import type { TestTenant } from '../../support/tenant.js';

const SYNCS = 12;
const HANGING_MS = 15_000;

/** Which requests for the slow tenant hang. Each of its ConfigMapSyncs waits for at least one of them. */
const SCENES: { title: string; hangs: (request: ProxiedRequest, tenant: TestTenant) => boolean }[] = [
  {
    title: 'reads of the source',
    hangs: ({ method, path, isWatch }, { namespace }) =>
      method === 'GET' && !isWatch && path.startsWith(`/api/v1/namespaces/${namespace}/configmaps`),
  },
  {
    title: 'permission reviews',
    hangs: ({ path, userAgent }, { namespace }) =>
      path.startsWith('/apis/authorization.k8s.io/') && userAgent.includes(`/${namespace}/`),
  },
  {
    title: 'token requests',
    hangs: ({ path }, { namespace }) => path.startsWith(`/api/v1/namespaces/${namespace}/serviceaccounts/`),
  },
  {
    title: 'status patches',
    hangs: ({ path }, { namespace }) =>
      path.includes(`/${namespace}/configmapsyncs/`) && path.endsWith('/status'),
  },
];

describe('fairness beside a tenant whose requests hang', function () {
  this.timeout(90_000);
  let fixture: SyncFixture;
  let proxy: SlowProxy;
  let neighbour: Neighbour;
  let slow: TestTenant;

  before(async function () {
    controlPlaneOrSkip(this, await plane());
    proxy = await SlowProxy.start(await operatorKubeconfig());
    fixture = await SyncFixture.start({ kubeconfig: proxy.kubeconfig });
    neighbour = await Neighbour.create(fixture.api, await fixture.tenant());
  });
  beforeEach(async () => {
    slow = await fixture.tenant();
    await slow.createSource({ data: { key: 'value' } });
  });
  afterEach(async () => {
    proxy.release();
    await removeSyncs(fixture.api, [slow]);
  });
  after(async () => {
    await fixture.end();
    await proxy.close();
  });

  for (const { title, hangs } of SCENES) {
    it(`propagates an edit to all copies while the ${title} hang`, async () => {
      const targets = await createTargets(fixture.api, slow, { count: 3 });
      proxy.fault = (request) => (hangs(request, slow) ? { delayMs: HANGING_MS } : undefined);
      await createSyncs(slow, { count: SYNCS, targets });
      const held = await proxy.busy((request) => hangs(request, slow));

      await neighbour.editAndArrive();

      expect(proxy.pending, 'requests in flight').to.include.members(held);
    });
  }
});

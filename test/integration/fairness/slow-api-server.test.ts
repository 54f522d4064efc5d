import { expect } from 'chai';
import { eventually } from '../../support/eventually.js';
import { createSyncs, createTargets, Neighbour } from '../../support/neighbour.js';
import { operatorKubeconfig } from '../../support/operator.js';
import { controlPlaneOrSkip, plane } from '../../support/plane.js';
import { SlowProxy, type ProxiedRequest } from '../../support/slow-proxy.js';
import { removeSyncs, SyncFixture } from '../../support/sync-fixture.js';
import type { TestTenant } from '../../support/tenant.js';

const SYNCS = 12;
const HANGING_MS = 15_000;

/** What of the slow tenant's requests hangs; each of its ConfigMapSyncs waits for one of them at least. */
const SCENES: { title: string; hangs: (request: ProxiedRequest, tenant: TestTenant) => boolean }[] = [
  {
    title: 'reads of its source',
    hangs: ({ method, path, isWatch }, { namespace }) =>
      method === 'GET' && !isWatch && path.startsWith(`/api/v1/namespaces/${namespace}/configmaps`),
  },
  {
    title: 'reviews of its permissions',
    hangs: ({ path, userAgent }, { namespace }) =>
      path.startsWith('/apis/authorization.k8s.io/') && userAgent.includes(`/${namespace}/`),
  },
  {
    title: 'requests for its token',
    hangs: ({ path }, { namespace }) => path.startsWith(`/api/v1/namespaces/${namespace}/serviceaccounts/`),
  },
  {
    title: 'statuses',
    hangs: ({ path }, { namespace }) =>
      path.includes(`/${namespace}/configmapsyncs/`) && path.endsWith('/status'),
  },
];

describe('a tenant beside another one whom an overloaded API server keeps waiting', function () {
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
    it(`has its edit in all copies at once while the other one's ${title} hang`, async () => {
      const targets = await createTargets(fixture.api, slow, { count: 3 });
      proxy.fault = (request) => (hangs(request, slow) ? { delayMs: HANGING_MS } : undefined);
      await createSyncs(slow, { count: SYNCS, targets });
      const pending = (): ProxiedRequest[] =>
        proxy.requests.filter((request) => request.pending && hangs(request, slow));
      let before: number | undefined;
      const held = await eventually(
        () => {
          const found = pending();
          const last = before;
          before = found.length;
          expect(found, 'requests that hang').to.have.length.of.at.least(1);
          expect(found, 'as many as a moment before').to.have.length(last ?? -1);
          return found;
        },
        { intervalMs: 300 },
      );

      await neighbour.editAndArrive();

      expect(pending(), 'requests that hang still').to.include.members(held);
    });
  }
});

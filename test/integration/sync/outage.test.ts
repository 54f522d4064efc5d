import { setTimeout as sleep } from 'node:timers/promises';

import { ControlPlane } from '../../../hack/control-plane/control-plane.js';
import { crdDirectory } from '../../../hack/rig/installation.js';
import { installRights, startOperator, type RunningOperator } from '../../support/operator.js';
import { controlPlaneOrSkip, plane } from '../../support/plane.js';
import { TestTenant } from '../../support/tenant.js';
import { TestApi } from '../../support/test-api.js';

/** Long enough that whatever backs off has come to waits of half a minute. */
const OUTAGE_MS = 45_000;
/** A try that was under way, and one that begins a few seconds later. */
const SOON = { timeoutMs: 20_000 };

// One outage for all: each test waits for what was begun as soon as the API server was back.
describe('after an outage of the API server, an operator is back at work within seconds', () => {
  let controlPlane: ControlPlane;
  let api: TestApi;
  let operator: RunningOperator;
  let waiting: RunningOperator;
  const served = new Map<string, Promise<unknown>>();

  before(async function () {
    this.timeout(OUTAGE_MS + 120_000);
    const { assets } = controlPlaneOrSkip(this, await plane());
    controlPlane = await ControlPlane.start({ assets });
    await controlPlane.applyCrd(crdDirectory());
    const kubeconfig = await installRights(controlPlane);
    api = await TestApi.connect(controlPlane.kubeconfig);
    operator = await startOperator({ kubeconfig, args: ['--poll-interval=2s'] });

    const watched = await TestTenant.create(api);
    const polled = await TestTenant.create(api, { home: ['get'] });
    const targets = new Map<TestTenant, string>();
    for (const tenant of [watched, polled]) {
      const target = await tenant.target();
      targets.set(tenant, target);
      await tenant.createSource({ data: { key: 'value' } });
      await tenant.createSync({ syncToNamespaces: [target] });
      await tenant.copied(target, { key: 'value' });
      await tenant.ready();
    }
    const crowd = await Promise.all(Array.from({ length: 60 }, () => watched.target()));

    await watched.createSync({ syncToNamespaces: crowd, target: { name: 'interrupted' } }, 'many');
    await controlPlane.stopApiServer('SIGKILL');
    waiting = await startOperator({
      kubeconfig,
      args: ['--watch-namespaces=nowhere'],
      until: 'listening',
    });
    await sleep(OUTAGE_MS);
    await controlPlane.startApiServer();

    const expectSoon = (what: string, promise: Promise<unknown>): void => {
      promise.catch(() => undefined);
      served.set(what, promise);
    };
    expectSoon('start', waiting.waitFor('reconciling', SOON.timeoutMs));
    const fresh = (async () => {
      const tenant = await TestTenant.create(api);
      const target = await tenant.target();
      await tenant.createSource({ data: { key: 'fresh' } });
      await tenant.createSync({ syncToNamespaces: [target] });
      await tenant.copied(target, { key: 'fresh' }, SOON);
    })();
    expectSoon('fresh', fresh);
    for (const [what, tenant] of Object.entries({ watched, polled })) {
      await tenant.patchSource({ data: { key: 'newer' } });
      expectSoon(what, tenant.copied(targets.get(tenant)!, { key: 'newer' }, SOON));
    }
    const copies = crowd.map((target) =>
      watched.copied(target, { key: 'newer' }, { name: 'interrupted', ...SOON, intervalMs: 500 }),
    );
    expectSoon(
      'interrupted',
      Promise.all(copies).then(() => watched.ready('many', SOON)),
    );
  });
  after(async () => {
    await Promise.all([operator.stop(), waiting.stop()]);
    await api.close();
    await controlPlane.stop();
  });

  const tests = {
    fresh: 'serves a ConfigMapSync of a namespace that did not exist before',
    watched: 'follows a source whose watch has expired meanwhile',
    polled: 'follows a source that may not be watched, whose reconciles failed meanwhile',
    interrupted: 'finishes targets whose attempts failed meanwhile, and reports them',
    start: 'starts to reconcile where it was started meanwhile',
  };
  for (const [what, title] of Object.entries(tests)) {
    it(title, async function () {
      this.timeout(SOON.timeoutMs + 10_000);
      await served.get(what);
    });
  }
});

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { ControlPlane } from '../../../hack/control-plane/control-plane.js';
import { crdDirectory } from '../../../hack/rig/installation.js';
import { eventually } from '../../support/eventually.js';
import { describeFaults } from '../../support/fault-probe.js';
import { controlPlaneOrSkip, plane } from '../../support/plane.js';
import { FaultyOperator } from './faulty-operator.js';

const AWAY_MS = 10_000;
const FROZEN_MS = 5_000;

describeFaults('an operator whose API server fails', function () {
  this.timeout(150_000);
  let controlPlane: ControlPlane;
  let faulty: FaultyOperator;

  before(async function () {
    controlPlane = controlPlaneOrSkip(this, await plane());
    faulty = await FaultyOperator.start();
  });
  after(() => faulty.end());

  it('heals without a storm when the API server was killed, and is back after 10 s', async () => {
    await faulty.probe.endures('the API server is killed, and back after 10 s', async () => {
      await controlPlane.stopApiServer('SIGKILL');
      await sleep(AWAY_MS);
      await controlPlane.startApiServer();
      return 1;
    });
  });

  it('heals when etcd stands still for 5 s', async () => {
    await faulty.probe.endures('etcd stands still for 5 s', async () => {
      controlPlane.signalEtcd('SIGSTOP');
      await sleep(FROZEN_MS).finally(() => controlPlane.signalEtcd('SIGCONT'));
      return 1;
    });
  });

  /** How often the operator had to list anew since its start. */
  const lists = (): number =>
    faulty.fixture.operator.log().filter(({ message }) => message.endsWith('listing anew')).length;

  it('heals when what its watches go on from was compacted away: 410', async () => {
    await faulty.probe.endures('etcd is compacted, and watches answer 410', async () => {
      const before = lists();
      faulty.network.http.fault = () => ({ status: 503 });
      faulty.network.tcp.reset();
      // Edits go on meanwhile, and are seen by no watch.
      await sleep(1000);
      const { metadata } = await faulty.probe.tenant.patchSource({
        metadata: { labels: { now: 'compacted' } },
      });
      await controlPlane.compactEtcd(Number(metadata.resourceVersion));
      // Its cache of watch events goes with it.
      await controlPlane.restartApiServer('SIGKILL');
      faulty.network.http.release();
      return eventually(() => {
        const times = lists() - before;
        expect(times, 'lists that take the place of a watch').to.be.greaterThan(0);
        return times;
      });
    });
  });

  it('serves new ConfigMapSyncs when the CustomResourceDefinition was deleted and put back', async () => {
    await faulty.probe.endures('the CustomResourceDefinition is deleted and put back', async () => {
      await controlPlane.kubectl(['delete', '--timeout=60s', '-f', crdDirectory()]);
      await controlPlane.applyCrd(crdDirectory());
      await faulty.probe.createSync();
      return 1;
    });
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { FaultProbe } from '../../support/fault-probe.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import { Network } from './network.js';

/** How long a fault is on. */
const FAULT_MS = 3_000;
const PERIOD_MS = 300;

describe('an operator whose network fails', function () {
  this.timeout(150_000);
  let network: Network;
  let fixture: SyncFixture;
  let probe: FaultProbe;

  before(async () => {
    network = await Network.start();
    fixture = await SyncFixture.start({ kubeconfig: network.kubeconfig });
    const { api, operator } = fixture;
    probe = await FaultProbe.create({ api, operator, tenant: await fixture.tenant(), proxy: network.http });
  });
  afterEach(() => network.http.release());
  after(async () => {
    await fixture.end();
    await network.close();
  });

  /** Does so again and again while the fault is on. @returns the sum of what it says */
  async function repeat(inject: () => number): Promise<number> {
    let times = 0;
    for (const end = Date.now() + FAULT_MS; Date.now() < end;) {
      times += inject();
      await sleep(PERIOD_MS);
    }
    return times;
  }

  it('heals when its connections are reset, again and again', async () => {
    await probe.endures('connections are reset', () => repeat(() => network.tcp.reset()));
  });

  it('heals when its connections are drained with GOAWAY, again and again', async () => {
    await probe.endures('connections are drained with GOAWAY', () => repeat(() => network.http.goAway()));
  });
});

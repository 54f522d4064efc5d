import { FaultProbe } from '../../support/fault-probe.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import { Network } from './network.js';

/** An operator behind a network that can be made to fail, and what finds out how soon it heals. */
export class FaultyOperator {
  private constructor(
    readonly network: Network,
    readonly fixture: SyncFixture,
    readonly probe: FaultProbe,
  ) {}

  static async start(): Promise<FaultyOperator> {
    const network = await Network.start();
    const fixture = await SyncFixture.start({ kubeconfig: network.kubeconfig });
    const { api, operator } = fixture;
    const tenant = await fixture.tenant();
    const probe = await FaultProbe.create({ api, operator, tenant, proxy: network.http });
    return new FaultyOperator(network, fixture, probe);
  }

  async end(): Promise<void> {
    await this.fixture.end();
    await this.network.close();
  }
}

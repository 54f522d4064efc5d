import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { AuditLog } from '../../support/audit-log.js';
import { eventually } from '../../support/eventually.js';
import { describeFaults, FaultProbe, recordFault } from '../../support/fault-probe.js';
import { Neighbour } from '../../support/neighbour.js';
import { OPERATOR_NAMESPACE, startOperator, type RunningOperator } from '../../support/operator.js';
import { auditLogOrSkip, plane } from '../../support/plane.js';
import { removeSyncs } from '../../support/sync-fixture.js';
import { TestTenant } from '../../support/tenant.js';
import { TestApi } from '../../support/test-api.js';
import { Network } from './network.js';

/** Pings that are not answered for 45 s end a connection, which is looked at four times meanwhile; 30 s end a request. */
const SILENCE_MS = 90_000;

/** The duration of a Lease, one wait of a standby, and a busy machine. */
const TAKEOVER_MS = 40_000;
const TAKEOVERS = 3;
const EDIT_PERIOD_MS = 300;

const FLAGS = ['--leader-elect', `--leader-election-namespace=${OPERATOR_NAMESPACE}`];
const WRITTEN = ['configmaps', 'configmapsyncs', 'events'];

// Both only wait most of the time: the one begins before the other, each with an operator for its own tenant.
describeFaults('an operator where nothing but a timeout notices the fault', function () {
  this.timeout(200_000);
  let api: TestApi;
  let auditLog: AuditLog;
  let halfOpen: { network: Network; operator: RunningOperator; healed: Promise<void> };
  const networks: Network[] = [];
  const replicas: RunningOperator[] = [];
  const tenants: TestTenant[] = [];

  before(async function () {
    auditLog = await AuditLog.fromNow(auditLogOrSkip(this, await plane()));
    api = await TestApi.connect();
    const network = await Network.start();
    const tenant = await createTenant();
    const args = [`--watch-namespaces=${tenant.namespace}`];
    const operator = await startOperator({ kubeconfig: network.kubeconfig, args });
    const probe = await FaultProbe.create({ api, operator, tenant, proxy: network.http });
    const healed = probe.endures(
      'open connections swallow all bytes',
      () => Promise.resolve(network.tcp.forget()),
      { healsWithinMs: SILENCE_MS },
    );
    healed.catch(() => undefined);
    halfOpen = { network, operator, healed };
  });
  after(async () => {
    await removeSyncs(api, tenants);
    for (const operator of [halfOpen.operator, ...replicas]) await operator.stop();
    for (const network of [halfOpen.network, ...networks]) await network.close();
    await api.close();
  });

  async function createTenant(): Promise<TestTenant> {
    const tenant = await TestTenant.create(api);
    tenants.push(tenant);
    return tenant;
  }

  /** Its requests come from an address of its own, by which the audit log tells replicas apart. */
  async function startReplica(
    namespace: string,
    until: 'reconciling' | 'listening',
  ): Promise<{ replica: RunningOperator; address: string }> {
    const address = `127.0.0.${networks.length + 10}`;
    const network = await Network.start(address);
    networks.push(network);
    const args = [...FLAGS, `--watch-namespaces=${namespace}`];
    const replica = await startOperator({ kubeconfig: network.kubeconfig, args, until });
    replicas.push(replica);
    return { replica, address };
  }

  /** When requests that change something came from there, in RFC 3339 with microseconds, oldest first. */
  async function writes(address: string): Promise<string[]> {
    const entries = await auditLog.entries({ verb: ['create', 'update', 'patch', 'delete'] });
    return entries
      .filter(
        ({ sourceIPs, objectRef }) =>
          sourceIPs?.includes(address) && WRITTEN.includes(objectRef?.resource ?? ''),
      )
      .map(({ requestReceivedTimestamp }) => requestReceivedTimestamp)
      .toSorted();
  }

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    it(`hands over when the leader gets ${signal}: its last write comes before the first of its successor`, async () => {
      const row = recordFault(`the leader gets ${signal}, and a standby takes over`);
      const tenant = await createTenant();
      let leader = await startReplica(tenant.namespace, 'reconciling');
      const neighbour = await Neighbour.create(api, tenant, 5);
      const over = new AbortController();
      const editing = (async () => {
        while (!over.signal.aborted) {
          await neighbour.edit();
          await sleep(EDIT_PERIOD_MS);
        }
      })();
      editing.catch(() => undefined);
      row.heal = 0;
      while (row.times < TAKEOVERS) {
        const standby = await startReplica(tenant.namespace, 'listening');
        await eventually(async () => expect(await writes(leader.address)).to.not.deep.equal([]));
        const since = performance.now();
        await (signal === 'SIGTERM' ? leader.replica.stop() : leader.replica.kill());
        await standby.replica.waitFor('reconciling', TAKEOVER_MS);
        await eventually(async () => expect(await writes(standby.address)).to.not.deep.equal([]));
        row.heal = Math.max(row.heal, performance.now() - since);
        row.times += 1;
        const [last, first] = [(await writes(leader.address)).at(-1), (await writes(standby.address))[0]];
        expect(last! < first!, `${last} is before ${first}`).to.equal(true);
        leader = standby;
      }
      over.abort();
      await editing;
      await neighbour.editAndArrive(TAKEOVER_MS);
      await removeSyncs(api, [tenant]);
      await leader.replica.stop();
    });
  }

  it('heals when connections are half open: bytes vanish, and nothing says so', async () => {
    await halfOpen.healed;
  });
});

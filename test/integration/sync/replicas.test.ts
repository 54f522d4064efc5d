import { expect } from 'chai';
import { eventually } from '../../support/eventually.js';
import {
  OPERATOR_NAMESPACE,
  startOperator,
  type OperatorOptions,
  type RunningOperator,
} from '../../support/operator.js';
import { removeSyncs } from '../../support/sync-fixture.js';
import { TestTenant } from '../../support/tenant.js';
import { TestApi } from '../../support/test-api.js';

const LEASE = 'config-weaver.weaver.example.com';
const REPLICA: OperatorOptions = {
  args: ['--leader-elect', `--leader-election-namespace=${OPERATOR_NAMESPACE}`],
};

/** client-go's lease duration, and one wait of a standby. */
const TAKEOVER_MS = 15_000 + 2_400;

interface Lease {
  spec: { holderIdentity: string; leaseTransitions: number; leaseDurationSeconds: number };
}

describe('replicas with --leader-elect', () => {
  let api: TestApi;
  const replicas: RunningOperator[] = [];
  const tenants: TestTenant[] = [];

  before(async () => {
    api = await TestApi.connect();
  });
  afterEach(async () => {
    const [running] = replicas.filter((replica) => replica.running);
    if (running !== undefined) await removeSyncs(api, tenants.splice(0));
    for (const replica of replicas.splice(0)) await replica.stop();
  });
  after(() => api.close());

  /** One that leads, and one that stands by. */
  async function startTwo(): Promise<{ leader: RunningOperator; standby: RunningOperator }> {
    const leader = await startOperator(REPLICA);
    replicas.push(leader);
    const standby = await startOperator({ ...REPLICA, until: 'listening' });
    replicas.push(standby);
    await eventually(async () => expect((await standby.get('health', '/readyz')).status).to.equal(200));
    return { leader, standby };
  }

  async function syncing(): Promise<{ tenant: TestTenant; target: string }> {
    const tenant = await TestTenant.create(api);
    tenants.push(tenant);
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.copied(target, { key: 'value' });
    await tenant.ready();
    return { tenant, target };
  }

  async function lease(): Promise<Lease> {
    const found = await api.get<Lease>({ resource: 'leases', namespace: OPERATOR_NAMESPACE, name: LEASE });
    expect(found, 'the Lease').to.not.equal(undefined);
    return found!;
  }

  async function leads(replica: RunningOperator): Promise<number | undefined> {
    const [sample] = await replica.samples('leader_election_master_status', { name: LEASE });
    return sample?.value;
  }

  it('leave all work to the one that holds the Lease, and both are ready', async () => {
    const { leader, standby } = await startTwo();

    const { tenant } = await syncing();

    expect(await leads(leader)).to.equal(1);
    expect(await leads(standby)).to.equal(0);
    expect(leader.audit(tenant.namespace)).to.not.deep.equal([]);
    expect(standby.audit()).to.deep.equal([]);
    expect(standby.log('reconciling')).to.deep.equal([]);
    expect((await lease()).spec.leaseDurationSeconds).to.equal(15);
  });

  it('hand over at once when the leader is told to stop', async () => {
    const { leader, standby } = await startTwo();
    const { tenant, target } = await syncing();
    const before = await lease();

    const exit = await leader.stop();

    await standby.waitFor('reconciling', 5000);
    expect(exit).to.deep.include({ code: 0, signal: null });
    const after = await lease();
    expect(after.spec.holderIdentity).to.not.equal(before.spec.holderIdentity);
    await tenant.patchSource({ data: { key: 'newer' } });
    await tenant.copied(target, { key: 'newer' });
    expect(await leads(standby)).to.equal(1);
  });

  it('take over from a leader that was killed, no sooner than its Lease allows, and carry on where it was', async () => {
    const { leader, standby } = await startTwo();
    const { tenant, target } = await syncing();
    const copy = await tenant.copy(target);
    const events = await tenant.events();

    await leader.kill();
    const since = performance.now();
    await standby.waitFor('reconciling', TAKEOVER_MS + 5000);
    const milliseconds = performance.now() - since;

    // The last renewal was up to two seconds before the end.
    expect(milliseconds).to.be.within(12_000, TAKEOVER_MS + 1000);
    await tenant.patchSource({ metadata: { labels: { look: 'again' } } });
    await eventually(() => expect(standby.audit(tenant.namespace)).to.not.deep.equal([]));
    expect(await tenant.copy(target)).to.deep.equal(copy);
    expect(await tenant.events()).to.deep.equal(events);
    await tenant.patchSource({ data: { key: 'newer' } });
    await tenant.copied(target, { key: 'newer' });
  });

  it('stop writing when somebody else takes the Lease away, and end so that Kubernetes starts them anew', async () => {
    const leader = await startOperator(REPLICA);
    replicas.push(leader);

    await api.patch(
      { resource: 'leases', namespace: OPERATOR_NAMESPACE, name: LEASE },
      { spec: { holderIdentity: 'somebody-else' } },
    );

    const exit = await leader.exit();
    expect(exit).to.deep.equal({ code: 1, signal: null });
    expect(leader.log('lost the Lease: another replica leads now')).to.have.length(1);
    await api.delete({ resource: 'leases', namespace: OPERATOR_NAMESPACE, name: LEASE });
  });
});

import { expect } from 'chai';
import { readdir, readlink } from 'node:fs/promises';
import type { Tenant } from '../../../hack/rig/tenant.js';
import { eventually } from '../../support/eventually.js';
import { absentNamespaces } from '../../support/neighbour.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import { WATCH_VERBS, type TestTenant } from '../../support/tenant.js';
import { Victim } from '../../support/victim.js';

const ACCOUNTS = 10;
const NAMESPACES = 200;
const WATCHES = ACCOUNTS * NAMESPACES;
/** kube-apiserver takes 100 streams on a connection, of which 90 are used; besides, up to 16 for reads and 32 for writes. */
const CONNECTIONS = WATCHES / 90 + 50;
const OPEN_MS = 120_000;

describe(`${WATCHES} watches of one tenant`, function () {
  this.timeout(2 * OPEN_MS);
  let fixture: SyncFixture;
  let attacker: TestTenant;
  let victim: Victim;
  const accounts: Tenant[] = [];

  before(async () => {
    fixture = await SyncFixture.start();
    const { api, operator } = fixture;
    victim = await Victim.create({ api, operator, tenant: await fixture.tenant() });
    attacker = await fixture.tenant();
    await attacker.createSource({ data: { key: 'value' } });
    for (let i = 0; i < ACCOUNTS; i += 1) {
      const account = await attacker.addAccount(`sa-${i}`);
      accounts.push(account);
      await account.grant(attacker.namespace, ['get']);
      await account.grantEverywhere(['get', ...WATCH_VERBS]);
    }
  });
  after(async () => {
    for (const account of accounts) await account.revokeEverywhere();
    await fixture.end();
  });

  async function watches(): Promise<number> {
    const [open] = await fixture.operator.samples('configweaver_watches', { kind: 'configmaps' });
    return open?.value ?? 0;
  }

  /** Open sockets of the operator: connections to the API server, and a few others. */
  async function sockets(): Promise<number> {
    const folder = `/proc/${fixture.operator.pid}/fd`;
    const links = (await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => ''));
    return (await Promise.all(links)).filter((link) => link.startsWith('socket:')).length;
  }

  it('delay no edit of another tenant, and share connections', async () => {
    await victim.endures('watches', async () => {
      const before = await sockets();
      for (const { serviceAccount: name } of accounts) {
        const syncToNamespaces = absentNamespaces(attacker, NAMESPACES);
        await attacker.createSync({ serviceAccount: { name }, target: { name }, syncToNamespaces }, name);
      }
      await eventually(async () => expect(await watches()).to.be.at.least(WATCHES), {
        timeoutMs: OPEN_MS,
        intervalMs: 500,
      });
      await fixture.idle(OPEN_MS);
      const more = (await sockets()) - before;

      expect(more, 'sockets').to.be.at.most(CONNECTIONS);
      return `${WATCHES} of ${ACCOUNTS} ServiceAccounts, ${more} connections more`;
    });
  });

  it('are closed with the ConfigMapSyncs that want them', async () => {
    for (const { serviceAccount } of accounts) await attacker.deleteSync(serviceAccount);

    await eventually(async () => expect(await watches()).to.be.below(20), { timeoutMs: OPEN_MS });
  });
});

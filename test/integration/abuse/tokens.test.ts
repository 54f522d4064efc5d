import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { forEachOf } from '../../../hack/bench/pool.js';
import { OPERATOR_NAMESPACE, OPERATOR_SERVICE_ACCOUNT } from '../../../hack/rig/installation.js';
import { binding, role } from '../../../hack/rig/rbac.js';
import { AuditLog } from '../../support/audit-log.js';
import { eventually } from '../../support/eventually.js';
import { auditLogOrSkip, plane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import type { TestTenant } from '../../support/tenant.js';
import { Victim } from '../../support/victim.js';

const SYNCS = 500;
const INDEXES = Array.from({ length: SYNCS }, (_, i) => i);
/** Each ConfigMapSync by itself looks again in this time. */
const WINDOW_MS = 20_000;
/** One for each retry, every 4.5 s to 7 s, and those of ConfigMapSyncs that have just come. */
const PER_WINDOW = 12;
/** How long all ConfigMapSyncs may take on a busy machine. */
const LOOKED_AT_MS = 60_000;

describe(`tokens beside a tenant with ${SYNCS} ConfigMapSyncs`, function () {
  this.timeout(4 * LOOKED_AT_MS);
  let fixture: SyncFixture;
  let attacker: TestTenant;
  let victim: Victim;
  let auditLog: string;

  before(async function () {
    fixture = await SyncFixture.start();
    auditLog = auditLogOrSkip(this, await plane());
    const { api, operator } = fixture;
    victim = await Victim.create({ api, operator, tenant: await fixture.tenant() });
    attacker = await fixture.tenant();
    await attacker.createSource({ data: { key: 'value' } });
  });
  after(() => fixture.end());

  async function create(prefix: string, account: (i: number) => string): Promise<void> {
    await forEachOf(INDEXES, 8, async (i) => {
      const name = `${prefix}-${i}`;
      const spec = { serviceAccount: { name: account(i) }, target: { name } };
      await attacker.createSync({ ...spec, syncToNamespaces: ['absent'] }, name);
    });
  }

  async function createAccounts(): Promise<void> {
    const { api } = fixture;
    const { namespace } = attacker;
    await forEachOf(INDEXES, 8, async (i) => {
      await api.create({ resource: 'serviceaccounts', namespace }, { metadata: { name: `sa-${i}` } });
    });
    const metadata = { name: 'all-tokens', namespace };
    const rule = { apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] };
    const operator = { namespace: OPERATOR_NAMESPACE, name: OPERATOR_SERVICE_ACCOUNT };
    await api.create({ resource: 'roles', namespace }, role(metadata, rule));
    await api.create({ resource: 'rolebindings', namespace }, binding(metadata, operator));
  }

  /** Waits until all have been looked at: the last ones are the last that were created. */
  async function allSay(prefix: string, reason: string): Promise<void> {
    for (const i of [SYNCS - 1, 0, SYNCS >> 1]) {
      const name = `${prefix}-${i}`;
      await attacker.condition('ValidServiceAccount', reason, { name, timeoutMs: LOOKED_AT_MS });
    }
  }

  async function requestsFor(log: AuditLog, account: RegExp): Promise<number> {
    const entries = await log.entries({ userAgent: /^config-weaver\// });
    return entries.filter(
      ({ objectRef, requestURI }) =>
        objectRef?.namespace === attacker.namespace &&
        requestURI.endsWith('/token') &&
        account.test(objectRef.name ?? ''),
    ).length;
  }

  it('of a ServiceAccount that all name, and that was not granted, are asked for once for each retry', async () => {
    await victim.endures('a ServiceAccount without a token', async () => {
      await create('same', () => 'missing');
      await allSay('same', 'TokenRequestDenied');
      const log = await AuditLog.fromNow(auditLog);
      await sleep(WINDOW_MS);
      const requests = await requestsFor(log, /^missing$/);

      expect(requests, `requests in ${WINDOW_MS / 1000} s`).to.be.within(1, PER_WINDOW);
      return `${SYNCS} ConfigMapSyncs name it; ${requests} requests in ${WINDOW_MS / 1000} s`;
    });
  });

  it('are there for all of them when it is granted', async () => {
    await attacker.addAccount('missing');

    await allSay('same', 'ServiceAccountValid');
  });

  it('that each name another ServiceAccount delay neither edits nor a new token of another tenant', async () => {
    await victim.endures('many ServiceAccounts', async () => {
      await createAccounts();
      const creating = create('each', (i) => `sa-${i}`);
      const { tenant } = victim;
      await tenant.addAccount('newcomer');
      await tenant.createSync(
        { serviceAccount: { name: 'newcomer' }, syncToNamespaces: ['absent'], target: { name: 'other' } },
        'newcomer',
      );
      await tenant.condition('ValidServiceAccount', 'ServiceAccountValid', {
        name: 'newcomer',
        timeoutMs: 15_000,
      });
      await creating;
      await allSay('each', 'ServiceAccountValid');
      await eventually(async () => {
        const [tokens] = await fixture.operator.samples('configweaver_cached_tokens');
        expect(tokens?.value).to.be.at.least(SYNCS);
      });
      return `${SYNCS} ConfigMapSyncs with one each`;
    });
  });
});

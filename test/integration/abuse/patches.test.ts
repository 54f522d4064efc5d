import { expect } from 'chai';
import { forEachOf } from '../../../hack/bench/pool.js';
import { isApiError } from '../../../src/k8s/client/errors.js';
import { AuditLog } from '../../support/audit-log.js';
import { eventually } from '../../support/eventually.js';
import { absentNamespaces } from '../../support/neighbour.js';
import { auditLogOrSkip, plane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import type { TestTenant } from '../../support/tenant.js';
import { Victim } from '../../support/victim.js';

const TARGETS = 1000;
/** How long a storm lasts. */
const STORM_MS = 5_000;
const CLIENTS = 2;
/** To read the source, and to write the status and an Event. */
const PER_PATCH = 5;
/** Requests that would have been sent without any PATCH: the source is looked at now and then, its status reported. */
const MEANWHILE = 50;
/** How often a spec goes back and forth. */
const ROUNDS = 3;
/** How long the reviews of all permissions may take on a busy machine. */
const DENIED_MS = 120_000;

function ifAnswered(error: unknown): void {
  if (!isApiError(error, 0)) throw error;
}

describe(`a ConfigMapSync of ${TARGETS} denied targets`, function () {
  this.timeout(2 * DENIED_MS);
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
    const other = await attacker.addAccount('other');
    await other.grant(attacker.namespace, ['get']);
    await attacker.createSource({ data: { key: 'value' } });
  });
  after(() => fixture.end());

  /** Waits until all that the latest spec names is found to be denied. */
  async function allDenied(): Promise<void> {
    await eventually(
      async () => {
        const { spec, status } = (await attacker.sync())!;
        expect(status?.deniedTargets).to.equal(spec.syncToNamespaces?.length);
        expect(status?.serviceAccount).to.match(new RegExp(`:${spec.serviceAccount.name}$`));
      },
      { timeoutMs: DENIED_MS, intervalMs: 500 },
    );
  }

  async function change(spec: object): Promise<void> {
    await attacker.patchSync({ spec });
    await allDenied();
  }

  /** Sends as many as the API server takes, some of which it may be too busy to answer. @returns how many */
  async function storm(patch: (n: number) => object): Promise<number> {
    const until = Date.now() + STORM_MS;
    let patches = 0;
    await forEachOf(Array.from({ length: CLIENTS }), CLIENTS, async () => {
      while (Date.now() < until) await attacker.patchSync({ spec: patch((patches += 1)) }).catch(ifAnswered);
    });
    // As it was at first.
    await eventually(() => attacker.patchSync({ spec: patch(0) }), { timeoutMs: DENIED_MS });
    return patches + 1;
  }

  /** What the operator has asked for because of that ConfigMapSync. Re-checks have a rate of their own, whatever is patched. */
  async function requestsSince(log: AuditLog): Promise<number> {
    const entries = await log.entries({ userAgent: /^config-weaver\// });
    return entries.filter(
      ({ user, objectRef }) =>
        (user.username.startsWith(`system:serviceaccount:${attacker.namespace}:`) ||
          objectRef?.namespace === attacker.namespace) &&
        objectRef?.resource !== 'selfsubjectrulesreviews',
    ).length;
  }

  /** Waits until the last plan is carried out. @returns {@link requestsSince} */
  async function settled(log: AuditLog): Promise<number> {
    let last = -1;
    return eventually(
      async () => {
        const before = last;
        last = await requestsSince(log);
        expect(last, 'requests').to.equal(before);
        return last;
      },
      { timeoutMs: DENIED_MS, intervalMs: 3000 },
    );
  }

  it('delays no edit of another tenant while its permissions are reviewed', async () => {
    await victim.endures('denied targets', async () => {
      await attacker.createSync({ syncToNamespaces: absentNamespaces(attacker, TARGETS) });
      await allDenied();
      return `1 ConfigMapSync of ${TARGETS}`;
    });
  });

  const account = (n: number): object => ({ serviceAccount: { name: n % 2 === 1 ? 'other' : 'syncer' } });
  const targets = (n: number): object => ({
    syncToNamespaces: absentNamespaces(attacker, TARGETS).slice(0, n % 2 === 1 ? 1 : TARGETS),
  });

  for (const { what, patch } of [
    { what: 'its ServiceAccount', patch: account },
    { what: 'its targets', patch: targets },
  ]) {
    it(`costs no reviews anew where it goes back and forth: ${what}`, async () => {
      await victim.endures(`back and forth: ${what}`, async () => {
        for (const n of [1, 0]) await change(patch(n));
        const log = await AuditLog.fromNow(auditLog);
        for (let n = 1; n <= 2 * ROUNDS; n += 1) await change(patch(n));
        const requests = await settled(log);

        expect(requests, `requests for ${2 * ROUNDS} PATCHes`).to.be.at.most(
          MEANWHILE + 2 * ROUNDS * PER_PATCH,
        );
        return `${2 * ROUNDS} PATCHes, ${TARGETS} denied targets; ${requests} requests`;
      });
    });
  }

  for (const { what, patch } of [
    {
      what: 'the name and labels of its copies change',
      patch: (n: number) => ({ target: { name: `copy-${n}`, labels: { storm: String(n) } } }),
    },
    { what: 'spec.suspend is toggled', patch: (n: number) => ({ suspend: n % 2 === 1 }) },
    { what: 'its ServiceAccount changes', patch: account },
    { what: 'its targets change', patch: targets },
  ]) {
    it(`costs a bounded number of requests for each PATCH, and nobody else, while ${what}`, async () => {
      for (const n of [1, 0]) await change(patch(n));
      const log = await AuditLog.fromNow(auditLog);
      await victim.endures(`PATCH storm: ${what}`, async () => {
        const patches = await storm(patch);
        const requests = await settled(log);
        await allDenied();

        expect(requests, `requests for ${patches} PATCHes`).to.be.at.most(MEANWHILE + patches * PER_PATCH);
        return `${patches} in ${STORM_MS / 1000} s, ${TARGETS} denied targets; ${requests} requests`;
      });
    });
  }
});

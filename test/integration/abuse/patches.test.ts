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
const STORM_MS = 10_000;
const CLIENTS = 2;
/** Requests that would have been sent without any PATCH: the source is looked at now and then, its status reported. */
const MEANWHILE = 50;
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
    await attacker.addAccount('other');
    await attacker.createSource({ data: { key: 'value' } });
  });
  after(() => fixture.end());

  async function allDenied(): Promise<void> {
    await eventually(async () => expect((await attacker.status()).deniedTargets).to.equal(TARGETS), {
      timeoutMs: DENIED_MS,
      intervalMs: 500,
    });
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

  for (const { what, patch, perPatch } of [
    {
      what: 'the name and labels of its copies change',
      // To read the source, and to write the status and an Event.
      perPatch: 5,
      patch: (n: number) => ({ target: { name: `copy-${n}`, labels: { storm: String(n) } } }),
    },
    { what: 'spec.suspend is toggled', perPatch: 5, patch: (n: number) => ({ suspend: n % 2 === 1 }) },
    {
      what: 'its ServiceAccount changes',
      // Nothing is known of the permissions of another one: a review of each verb, and of the rules.
      perPatch: 5 * TARGETS,
      patch: (n: number) => ({ serviceAccount: { name: n % 2 === 1 ? 'other' : 'syncer' } }),
    },
  ]) {
    it(`costs a bounded number of requests for each PATCH, and nobody else, while ${what}`, async () => {
      const log = await AuditLog.fromNow(auditLog);
      await victim.endures(`PATCH storm: ${what}`, async () => {
        const patches = await storm(patch);
        const requests = await settled(log);
        await allDenied();

        expect(requests, `requests for ${patches} PATCHes`).to.be.at.most(MEANWHILE + patches * perPatch);
        return `${patches} in ${STORM_MS / 1000} s, ${TARGETS} denied targets; ${requests} requests`;
      });
    });
  }
});

import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { AuditLog, type AuditEntry } from '../../support/audit-log.js';
import { eventually } from '../../support/eventually.js';
import { OPERATOR_USERNAME } from '../../support/operator.js';
import { auditLogOrSkip, plane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import { ALL_VERBS, createNamespace, type TestTenant } from '../../support/tenant.js';

const TENANTS = 5;
const SYNCS_PER_TENANT = 10;
const TARGETS = 10;
/** What is measured: this one wait is no waiting for something. */
const WINDOW_MS = 60_000;
const POLL_SECONDS = 5;
/** What may be asked again and again: rights, tokens, the Lease. */
const REVIEWS = /^(selfsubject\w*reviews|tokenreviews|subjectaccessreviews|serviceaccounts|leases)$/;

describe('at rest', () => {
  let fixture: SyncFixture;

  before(async () => {
    // Looks that the start has put off are soon over then, and whatever is still polled shows all the more.
    fixture = await SyncFixture.start({ args: [`--poll-interval=${POLL_SECONDS}s`] });
  });
  after(() => fixture.end());

  it(`writes nothing and reads no copy for a minute, with ${TENANTS * SYNCS_PER_TENANT} ConfigMapSyncs of ${TARGETS} targets each`, async function () {
    this.timeout(180_000);
    const path = auditLogOrSkip(this, await plane());
    const tenants = await Promise.all(Array.from({ length: TENANTS }, () => fixture.tenant()));
    const targets = await Promise.all(
      Array.from({ length: TARGETS }, () => createNamespace(fixture.api, 'target')),
    );
    await Promise.all(tenants.map((tenant) => populate(tenant, targets)));
    for (const tenant of tenants) {
      for (let index = 0; index < SYNCS_PER_TENANT; index += 1) await tenant.ready(`sync-${index}`);
    }
    await settled(path, tenants);

    const log = await AuditLog.fromNow(path);
    await sleep(WINDOW_MS);
    const entries = await log.entries({ username: usernames(tenants) });

    const writes = entries.filter(({ verb }) => ['create', 'update', 'patch', 'delete'].includes(verb));
    const reads = entries.filter(({ verb }) => ['get', 'list'].includes(verb));
    expect(unexpected(writes, (entry) => REVIEWS.test(entry.objectRef?.resource ?? ''))).to.deep.equal([]);
    // A watch that is renewed asks for one object, to know where to go on.
    expect(unexpected(reads, ({ requestURI }) => /[?&]limit=1(&|$)/.test(requestURI))).to.deep.equal([]);
  });
});

async function populate(tenant: TestTenant, targets: readonly string[]): Promise<void> {
  for (const target of targets) await tenant.grant(target, ALL_VERBS);
  for (let index = 0; index < SYNCS_PER_TENANT; index += 1) {
    const name = `source-${tenant.namespace}-${index}`;
    await tenant.createSource({ data: { key: 'value' } }, name);
    await tenant.createSync({ source: { name }, syncToNamespaces: [...targets] }, `sync-${index}`);
  }
}

/** Waits until nobody has asked for a ConfigMap for longer than a poll interval. */
async function settled(path: string, tenants: readonly TestTenant[]): Promise<void> {
  const log = await AuditLog.fromNow(path);
  let quietSince = Date.now();
  let known = 0;
  await eventually(
    async () => {
      const requests = await log.entries({ username: usernames(tenants), resource: 'configmaps' });
      if (requests.length !== known) quietSince = Date.now();
      known = requests.length;
      expect(Date.now() - quietSince).to.be.above((POLL_SECONDS + 1) * 1000);
    },
    { intervalMs: 500, timeoutMs: 60_000 },
  );
}

/** The operator, and every tenant of this test. */
function usernames(tenants: readonly TestTenant[]): RegExp {
  return new RegExp(`^(${[OPERATOR_USERNAME, ...tenants.map(({ username }) => username)].join('|')})$`);
}

function unexpected(entries: readonly AuditEntry[], allowed: (entry: AuditEntry) => boolean): string[] {
  return entries
    .filter((entry) => !allowed(entry))
    .map(({ user, verb, requestURI }) => `${user.username} ${verb} ${requestURI}`);
}

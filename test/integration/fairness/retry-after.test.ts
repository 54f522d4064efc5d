import { expect } from 'chai';
import type { AuditEntry } from '../../support/audit-log.js';
import { eventually } from '../../support/eventually.js';
import { createTargets } from '../../support/neighbour.js';
import { controlPlaneOrSkip, plane, type TestPlane } from '../../support/plane.js';
import { SlowWebhook } from '../../support/slow-webhook.js';
import { removeSyncs, SyncFixture } from '../../support/sync-fixture.js';
import type { TestTenant } from '../../support/tenant.js';

/** The part of the minute in which the API server's audit log is observed. */
const OBSERVED_MS = 25_000;

describe('target whose writes are answered with 429 and Retry-After', function () {
  this.timeout(2 * OBSERVED_MS + 30_000);
  let fixture: SyncFixture;
  let shared: TestPlane;
  let webhook: SlowWebhook;
  let tenant: TestTenant;
  let healthy: string[];
  let limited: string;

  before(async function () {
    shared = await plane();
    controlPlaneOrSkip(this, shared);
    fixture = await SyncFixture.start();
  });
  beforeEach(async () => {
    webhook = await SlowWebhook.start(shared.kubectl);
    tenant = await fixture.tenant();
    healthy = await createTargets(fixture.api, tenant, { count: 3 });
    [limited = ''] = await createTargets(fixture.api, tenant, { count: 1, labels: webhook.labels });
    await webhook.inForce(limited);
    await tenant.createSource({ data: { edit: '0' } });
  });
  afterEach(async () => {
    await webhook.close();
    await removeSyncs(fixture.api, [tenant]);
  });
  after(() => fixture.end());

  function refuse(retryAfterSeconds: number): void {
    webhook.refusal = { code: 429, message: 'too many writes', retryAfterSeconds };
  }

  /** The write requests that the API server received for that target, in its order. */
  async function writes(): Promise<AuditEntry[]> {
    return fixture.audit({
      ...{ username: tenant.username, namespace: limited, resource: 'configmaps' },
      verb: ['create', 'update'],
    });
  }

  function receivedAt({ requestReceivedTimestamp }: AuditEntry): number {
    return Date.parse(requestReceivedTimestamp);
  }

  it('receives no further write within Retry-After, although the source changes', async () => {
    refuse(60);
    await tenant.createSync({ syncToNamespaces: [limited, ...healthy] });
    const [first] = await eventually(async () => {
      const found = await writes();
      expect(found).to.have.length.of.at.least(1);
      return found;
    });
    expect(first?.responseStatus?.code).to.equal(429);

    // The healthy targets receive edits all the time.
    const until = receivedAt(first!) + OBSERVED_MS;
    for (let edit = 1; Date.now() < until; edit += 1) {
      await tenant.patchSource({ data: { edit: String(edit) } });
      for (const target of healthy) {
        await tenant.copied(target, { edit: String(edit) }, { timeoutMs: 5000, intervalMs: 250 });
      }
    }

    expect(await writes(), 'writes to the target within the observed time').to.have.length(1);
    expect((await tenant.targetState(limited, 'Pending')).message).to.contain('too many writes');
  });

  it('receives the newest content after Retry-After', async () => {
    const seconds = 5;
    refuse(seconds);
    await tenant.createSync({ syncToNamespaces: [limited, ...healthy] });
    await eventually(async () => expect(await writes()).to.have.length.of.at.least(1));
    webhook.refusal = undefined;
    await tenant.patchSource({ data: { edit: 'newer' } });
    for (const target of healthy) await tenant.copied(target, { edit: 'newer' }, { timeoutMs: 5000 });

    await tenant.copied(limited, { edit: 'newer' }, { timeoutMs: 20_000 });

    const [refused, written] = await writes();
    expect([refused, written].map((entry) => entry?.responseStatus?.code)).to.deep.equal([429, 201]);
    expect(receivedAt(written!) - receivedAt(refused!)).to.be.at.least(seconds * 1000);
  });
});

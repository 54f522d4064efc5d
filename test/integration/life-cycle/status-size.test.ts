import { expect } from 'chai';
import { AuditLog } from '../../support/audit-log.js';
import { eventually } from '../../support/eventually.js';
import { OPERATOR_USERNAME } from '../../support/operator.js';
import { auditLogOrSkip, plane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import { NEEDED_VERBS } from '../../support/tenant.js';

const TARGETS = 1000;
const SYNCED = 20;
/** Of a namespace's name, which may have 63: that would be 115 bytes more for each target. */
const NAME_LENGTH = 40;
/** How long their 5,000 reviews may take on a busy machine. */
const DENIED_MS = 120_000;
/** etcd's limit for one object. */
const LIMIT_BYTES = 1.5 * 1024 * 1024;

describe('the status', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start();
  });
  after(() => fixture.end());

  it(`of ${TARGETS} targets, nearly all of them denied, fits in less than half of what etcd takes`, async function () {
    this.timeout(2 * DENIED_MS);
    const tenant = await fixture.tenant();
    const synced: string[] = [];
    for (let index = 0; index < SYNCED; index += 1) synced.push(await tenant.target(NEEDED_VERBS));
    const denied = Array.from(
      { length: TARGETS - SYNCED },
      (_, index) => `${'n'.repeat(NAME_LENGTH - 5)}-${1000 + index}`,
    );
    await tenant.createSource({ data: { key: 'value' } });

    await tenant.createSync({ syncToNamespaces: [...synced, ...denied] });

    // On a busy machine a status tells of some of them before.
    await eventually(
      async () => {
        const status = await tenant.status();
        const counts = { summary: `${SYNCED}/${TARGETS}`, deniedTargets: TARGETS - SYNCED };
        expect(status).to.deep.include(counts);
        expect(status.targets).to.have.length(TARGETS);
      },
      { timeoutMs: DENIED_MS },
    );
    // The administrator's view has managedFields as they are stored.
    const bytes = Buffer.byteLength(JSON.stringify(await tenant.sync()));
    const share = Math.round((100 * bytes) / LIMIT_BYTES);
    console.log(`      ${bytes} bytes, ${share} % of 1.5 MiB, ${Math.round(bytes / TARGETS)} per target`);
    expect(bytes).to.be.below(LIMIT_BYTES / 2);
  });

  it('is written only when something in it changes', async function () {
    const log = await AuditLog.fromNow(auditLogOrSkip(this, await plane()));
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    const witness = await tenant.target();
    await tenant.createSource({ data: { key: 'one' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.createSync({ syncToNamespaces: [witness], target: { name: 'witness' } }, 'witness');
    await tenant.ready();
    await tenant.ready('witness');
    const before = await tenant.sync();
    const statusWrites = {
      username: OPERATOR_USERNAME,
      namespace: tenant.namespace,
      name: 'sync',
      resource: 'configmapsyncs',
      subresource: 'status',
    };
    const first = await log.entries(statusWrites);

    // A repair and a label on the source are reasons to look, and leave everything as the status tells it.
    await tenant.patchConfigMap(target, 'source', { data: { key: 'theirs' } });
    await tenant.copied(target, { key: 'one' });
    await tenant.patchSource({ metadata: { labels: { any: 'label' } } });
    await tenant.patchConfigMap(witness, 'witness', { data: { key: 'theirs' } });
    await tenant.copied(witness, { key: 'one' }, { name: 'witness' });

    expect((await tenant.sync())?.metadata.resourceVersion).to.equal(before?.metadata.resourceVersion);
    expect(await log.entries(statusWrites)).to.have.length(first.length);
    expect(first.length).to.be.at.most(2);
    await tenant.patchSource({ data: { key: 'two' } });
    await tenant.copied(target, { key: 'two' });
  });
});

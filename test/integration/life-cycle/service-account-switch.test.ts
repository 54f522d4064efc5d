import { expect } from 'chai';
import { AuditLog } from '../../support/audit-log.js';
import { auditLogOrSkip, plane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import { ALL_VERBS, NEEDED_VERBS } from '../../support/tenant.js';

const SERVICE_ACCOUNT = 'configmapsync.io/service-account';

describe('a ConfigMapSync whose ServiceAccount is switched', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start();
  });
  after(() => fixture.end());

  it('hands its copies over: nothing is deleted or created again', async function () {
    const log = await AuditLog.fromNow(auditLogOrSkip(this, await plane()));
    const tenant = await fixture.tenant();
    const targets = [await tenant.target(), await tenant.target(NEEDED_VERBS)];
    const successor = await tenant.addAccount('successor');
    await successor.grant(tenant.namespace, ['get']);
    for (const target of targets) await successor.grant(target, NEEDED_VERBS);
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: targets });
    await tenant.ready();
    const before = await Promise.all(targets.map((target) => tenant.copy(target)));

    await tenant.patchSync({ spec: { serviceAccount: { name: 'successor' } } });
    await tenant.ready();

    const after = await Promise.all(targets.map((target) => tenant.copy(target)));
    expect(after.map((copy) => copy?.metadata.uid)).to.deep.equal(before.map((copy) => copy?.metadata.uid));
    for (const copy of after)
      expect(copy?.metadata.annotations).to.include({ [SERVICE_ACCOUNT]: 'successor' });
    const username = `system:serviceaccount:${tenant.namespace}:successor`;
    expect((await tenant.status()).serviceAccount).to.equal(username);
    const writes = await log.entries({
      username,
      resource: 'configmaps',
      verb: ['create', 'update', 'delete'],
    });
    expect(writes.map(({ verb }) => verb)).to.deep.equal(['update', 'update']);
  });

  it('says Stale where the new one may not keep a copy in step, and takes it back when the old one returns', async () => {
    const tenant = await fixture.tenant();
    const [open, closed] = [await tenant.target(), await tenant.target()];
    const successor = await tenant.addAccount('successor');
    await successor.grant(tenant.namespace, ['get', 'list', 'watch']);
    await successor.grant(open, ALL_VERBS);
    await tenant.createSource({ data: { key: 'one' } });
    await tenant.createSync({ syncToNamespaces: [open, closed] });
    await tenant.ready();

    await tenant.patchSync({ spec: { serviceAccount: { name: 'successor' } } });
    const stale = await tenant.targetState(closed, 'Stale');
    await tenant.patchSource({ data: { key: 'two' } });
    await tenant.copied(open, { key: 'two' });

    expect(stale.missingVerbs).to.deep.equal([...NEEDED_VERBS]);
    expect((await tenant.status()).deniedTargets).to.equal(1);
    const left = await tenant.copy(closed);
    expect(left?.data).to.deep.equal({ key: 'one' });
    expect(left?.metadata.annotations).to.include({ [SERVICE_ACCOUNT]: tenant.serviceAccount });

    await tenant.patchSync({ spec: { serviceAccount: { name: tenant.serviceAccount } } });
    await tenant.ready();
    const back = await tenant.copied(closed, { key: 'two' });
    expect(back.metadata.uid).to.equal(left?.metadata.uid);
  });

  it('keeps what it has while the new one does not exist, and goes on when it does', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    const successor = await tenant.addAccount('successor');
    await successor.grant(tenant.namespace, ['get']);
    await successor.grant(target, NEEDED_VERBS);
    const account = { resource: 'serviceaccounts', namespace: tenant.namespace } as const;
    await fixture.api.delete({ ...account, name: 'successor' });
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.ready();
    const before = await tenant.copy(target);

    await tenant.patchSync({ spec: { serviceAccount: { name: 'successor' } } });
    await tenant.condition('ValidServiceAccount', 'ServiceAccountNotFound');
    await tenant.targetState(target, 'Stale');
    expect((await tenant.copy(target))?.metadata.resourceVersion).to.equal(before?.metadata.resourceVersion);

    await fixture.api.create(account, { metadata: { name: 'successor' } });
    await tenant.ready('sync', { timeoutMs: 17_000 });
    expect((await tenant.copy(target))?.metadata.uid).to.equal(before?.metadata.uid);
  });
});

import { expect } from 'chai';
import { RECOVERY_MS } from '../../../src/controller/schedule.js';
import type { AuditEntry } from '../../support/audit-log.js';
import { eventually } from '../../support/eventually.js';
import { auditLogOrSkip, plane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import { ALL_VERBS, NEEDED_VERBS, type TestTenant } from '../../support/tenant.js';

/** What the contract promises for a right that is taken away. */
const REVOCATION_MS = 60_000;

function without(verb: string): string[] {
  return ALL_VERBS.filter((other) => other !== verb);
}

describe('tenancy, with the flags left alone', () => {
  let fixture: SyncFixture;
  let revoked: { tenant: TestTenant; target: string; at: number };
  let deleted: { tenant: TestTenant; target: string; at: number };

  // What takes up to a minute to be noticed happens here, so that the other tests run meanwhile.
  before(async () => {
    fixture = await SyncFixture.start();
    const begin = async (): Promise<{ tenant: TestTenant; target: string; at: number }> => {
      const tenant = await fixture.tenant();
      const target = await tenant.target();
      await tenant.createSource({ data: { key: 'value' } });
      await tenant.createSync({ syncToNamespaces: [target] });
      await tenant.ready();
      return { tenant, target, at: performance.now() };
    };
    revoked = await begin();
    await revoked.tenant.revoke(revoked.target);
    deleted = await begin();
    await deleted.tenant.deleteServiceAccount();
  });
  after(() => fixture.end());

  it('syncs two of three targets at once and says what the third one lacks', async () => {
    const tenant = await fixture.tenant();
    const foo = await tenant.target();
    const bar = await tenant.target();
    const prod = await tenant.target([]);
    await tenant.createSource({ data: { key: 'value' } });

    await tenant.createSync({ syncToNamespaces: [foo, bar, prod] });

    await tenant.copied(foo, { key: 'value' }, { timeoutMs: 3000 });
    await tenant.copied(bar, { key: 'value' }, { timeoutMs: 3000 });
    const target = await tenant.targetState(prod, 'Denied', { timeoutMs: 3000 });
    expect(target).to.deep.include({
      reason: 'MissingPermissions',
      message: `${tenant.username} may not get, create, update, delete configmaps in namespace "${prod}"`,
      missingVerbs: ['get', 'create', 'update', 'delete'],
    });
    const message = `insufficient permissions on service account ${tenant.username}. Not authorized to create, update or delete configmaps in the following namespaces [${prod}]; missing verbs: ${prod}: get, create, update, delete`;
    const authorized = await tenant.condition('TargetsAuthorized', 'MissingPermissions');
    const ready = await tenant.condition('Ready', 'MissingPermissions');
    expect(authorized).to.deep.include({ status: 'False', message });
    expect(ready).to.deep.include({ status: 'False', message });
    await tenant.condition('AllTargetsSynced', 'SomeTargetsNotSynced');
    expect(await tenant.status()).to.deep.include({ summary: '2/3', syncedTargets: 2, deniedTargets: 1 });
    expect(await tenant.copy(prod)).to.equal(undefined);
  });

  it('heals within 15 s when the rights are granted, with nothing else touched', async () => {
    const tenant = await fixture.tenant();
    const prod = await tenant.target([]);
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [prod] });
    await tenant.targetState(prod, 'Denied');

    await tenant.grant(prod, ALL_VERBS);

    await tenant.copied(prod, { key: 'value' }, { timeoutMs: RECOVERY_MS });
    await tenant.ready();
  });

  it('heals within 15 s when the token grant that its message holds is applied with kubectl', async () => {
    const tenant = await fixture.tenant({ tokenGrant: false });
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    const { message } = await tenant.condition('ValidServiceAccount', 'TokenRequestDenied');

    const { kubectl } = await plane();
    await kubectl(['apply', '-f', '-'], message.slice(message.indexOf('---')));

    await tenant.copied(target, { key: 'value' }, { timeoutMs: RECOVERY_MS });
    await tenant.ready();
  });

  it('needs no delete where copies are meant to stay', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target(['get', 'create', 'update']);
    await tenant.createSource({ data: { key: 'value' } });

    await tenant.createSync({ syncToNamespaces: [target], deletionPolicy: 'Orphan' });

    await tenant.copied(target, { key: 'value' });
    await tenant.ready();
  });

  it('takes rights from a rule that names just this ConfigMap, but for create', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target(['create']);
    await tenant.bind(target, 'named', {
      apiGroups: [''],
      resources: ['configmaps'],
      resourceNames: ['source'],
      verbs: ['get', 'list', 'watch', 'update', 'delete'],
    });
    await tenant.createSource({ data: { key: 'value' } });

    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.copied(target, { key: 'value' });
    await tenant.patchSource({ data: { key: 'newer' } });

    await tenant.copied(target, { key: 'newer' });
    await tenant.ready();
  });

  it('works without list and watch', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target(NEEDED_VERBS);
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.copied(target, { key: 'value' });

    await tenant.patchSource({ data: { key: 'newer' } });

    await tenant.copied(target, { key: 'newer' });
    await tenant.ready();
    await tenant.deleteSync();
    await tenant.gone();
    expect(await tenant.copy(target)).to.equal(undefined);
  });

  it('tells nobody without get whether the source exists', async () => {
    const [withSource, withoutSource] = await Promise.all([
      fixture.tenant({ home: ['list', 'watch'] }),
      fixture.tenant({ home: ['list', 'watch'] }),
    ]);
    await withSource.createSource({ data: { key: 'value' } });
    const messages = await Promise.all(
      [withSource, withoutSource].map(async (tenant) => {
        await tenant.createSync({ syncToNamespaces: [await tenant.target()] });
        const { message } = await tenant.condition('SourceConfigMapFound', 'SourceDenied');
        return message.replaceAll(tenant.namespace, 'NAMESPACE');
      }),
    );

    expect(messages[0]).to.equal(messages[1]);
    expect(messages[0]).to.equal(
      'system:serviceaccount:NAMESPACE:syncer may not get configmaps "source" in namespace "NAMESPACE": grant get there, and list and watch for changes to arrive at once',
    );
  });

  it('takes a re-created ServiceAccount for another one: the old token is used no more', async function () {
    this.timeout(60_000);
    auditLogOrSkip(this, await plane());
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { look: '0' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.ready();

    await tenant.deleteServiceAccount();
    await tenant.createServiceAccount();
    // The API server itself remembers a token for ten seconds, so that it takes some looks until it refuses the old one.
    let looks = 0;
    const uids = (entries: AuditEntry[]): string[] => entries.map(({ user }) => user.uid ?? '');
    await eventually(
      async () => {
        looks += 1;
        await tenant.patchSource({ data: { look: String(looks) } });
        await tenant.copied(target, { look: String(looks) });
        expect(new Set(uids(await fixture.audit({ username: tenant.username, code: 200 }))).size).to.equal(2);
      },
      { timeoutMs: 30_000, intervalMs: 500 },
    );
    await tenant.patchSource({ data: { look: 'last' } });
    await tenant.copied(target, { look: 'last' });
    await tenant.ready();

    const accepted = (await fixture.audit({ username: tenant.username }))
      .filter(({ verb, responseStatus }) => verb !== 'watch' && responseStatus?.code !== 401)
      .toSorted((a, b) => (a.requestReceivedTimestamp < b.requestReceivedTimestamp ? -1 : 1));
    const [first, ...rest] = uids(accepted);
    const change = rest.findIndex((uid) => uid !== first);
    expect(new Set(rest.slice(change)).size, 'uids after the new one was first seen').to.equal(1);
  });

  it('reports within 60 s that a right was taken away: the target is Stale, and its copy stays', async function () {
    this.timeout(REVOCATION_MS + 10_000);
    const { tenant, target, at } = revoked;

    const stale = await tenant.targetState(target, 'Stale', {
      timeoutMs: REVOCATION_MS - (performance.now() - at),
    });

    expect(stale.missingVerbs).to.deep.equal(['get', 'create', 'update', 'delete']);
    expect((await tenant.copy(target))?.data).to.deep.equal({ key: 'value' });
    expect(await tenant.status()).to.deep.include({ summary: '0/1', deniedTargets: 1 });
    await tenant.condition('Ready', 'MissingPermissions');
  });

  it('reports within 60 s that the ServiceAccount was deleted: its copies stay', async function () {
    this.timeout(REVOCATION_MS + 10_000);
    const { tenant, target, at } = deleted;

    await tenant.condition('ValidServiceAccount', 'ServiceAccountNotFound', {
      timeoutMs: REVOCATION_MS - (performance.now() - at),
    });

    const stale = await tenant.targetState(target, 'Stale');
    expect(stale.reason).to.equal('ServiceAccountNotFound');
    expect((await tenant.copy(target))?.data).to.deep.equal({ key: 'value' });
  });
});

describe('tenancy, with a short poll interval', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start({ args: ['--poll-interval=1s'] });
  });
  after(() => fixture.end());

  describe('rights in a target namespace', () => {
    for (const verb of NEEDED_VERBS) {
      it(`are not enough without ${verb}: nothing is created until it is granted`, async () => {
        const tenant = await fixture.tenant();
        const target = await tenant.target(without(verb));
        await tenant.createSource({ data: { key: 'value' } });

        await tenant.createSync({ syncToNamespaces: [target] });

        const denied = await tenant.targetState(target, 'Denied');
        expect(denied.missingVerbs).to.deep.equal([verb]);
        expect(denied.message).to.equal(
          `${tenant.username} may not ${verb} configmaps in namespace "${target}"`,
        );
        expect(await tenant.copy(target)).to.equal(undefined);
        await tenant.grant(target, ALL_VERBS);
        await tenant.copied(target, { key: 'value' });
      });
    }

    it('decide alone whether it is told that a namespace does not exist', async () => {
      const tenant = await fixture.tenant();
      const absent = `absent-${tenant.namespace}`;
      await tenant.createSource({ data: { key: 'value' } });
      await tenant.createSync({ syncToNamespaces: [absent] });
      await tenant.targetState(absent, 'Denied');

      await tenant.grantEverywhere(ALL_VERBS);

      const target = await tenant.targetState(absent, 'NamespaceNotFound');
      await tenant.revokeEverywhere();
      expect(target.message).to.contain(`there is no namespace "${absent}"`);
    });
  });

  describe('rights in the source namespace', () => {
    it('heal by themselves when get is granted, with list and watch or without', async () => {
      const tenant = await fixture.tenant({ home: [] });
      const target = await tenant.target();
      await tenant.createSource({ data: { key: 'value' } });
      await tenant.createSync({ syncToNamespaces: [target] });
      await tenant.condition('SourceConfigMapFound', 'SourceDenied');

      await tenant.grant(tenant.namespace, ['get']);

      await tenant.copied(target, { key: 'value' });
      await tenant.ready();
    });

    for (const verb of ['list', 'watch']) {
      it(`without ${verb} let a change arrive within the poll interval`, async () => {
        const tenant = await fixture.tenant({ home: ['get', 'list', 'watch'].filter((v) => v !== verb) });
        const target = await tenant.target();
        await tenant.createSource({ data: { key: 'value' } });
        await tenant.createSync({ syncToNamespaces: [target] });
        await tenant.ready();

        await tenant.patchSource({ data: { key: 'newer' } });

        await tenant.copied(target, { key: 'newer' }, { timeoutMs: 2500 });
      });
    }

    it('keep the copies, as Stale, when get is taken away', async () => {
      const tenant = await fixture.tenant({ home: ['get'] });
      const target = await tenant.target();
      await tenant.createSource({ data: { key: 'value' } });
      await tenant.createSync({ syncToNamespaces: [target] });
      await tenant.ready();

      await tenant.revoke(tenant.namespace);

      await tenant.condition('SourceConfigMapFound', 'SourceDenied');
      const stale = await tenant.targetState(target, 'Stale');
      expect(stale.reason).to.equal('SourceDenied');
      expect((await tenant.copy(target))?.data).to.deep.equal({ key: 'value' });
    });
  });

  describe('the ServiceAccount', () => {
    it('may come after the ConfigMapSync', async () => {
      const tenant = await fixture.tenant();
      const target = await tenant.target();
      await tenant.deleteServiceAccount();
      await tenant.createSource({ data: { key: 'value' } });
      await tenant.createSync({ syncToNamespaces: [target] });
      const missing = await tenant.condition('ValidServiceAccount', 'ServiceAccountNotFound');
      await tenant.condition('Ready', 'ServiceAccountNotFound');
      const [event] = await eventually(async () => {
        const events = await tenant.events('ServiceAccountNotFound');
        expect(events).to.have.length(1);
        return events;
      });

      await tenant.createServiceAccount();

      await tenant.copied(target, { key: 'value' });
      await tenant.ready();
      expect(missing.message).to.equal(
        `there is no ServiceAccount "syncer" in namespace "${tenant.namespace}": create it, or name another one in spec.serviceAccount.name`,
      );
      expect(event).to.deep.include({ type: 'Warning', note: missing.message });
    });

    it('leaves everything undecided but itself while its token may not be requested', async () => {
      const tenant = await fixture.tenant({ tokenGrant: false });
      const target = await tenant.target();
      await tenant.createSource({ data: { key: 'value' } });

      await tenant.createSync({ syncToNamespaces: [target] });

      await tenant.condition('ValidServiceAccount', 'TokenRequestDenied');
      await tenant.condition('Ready', 'TokenRequestDenied');
      const { conditions = [], targets = [] } = await tenant.status();
      for (const type of ['SourceConfigMapFound', 'TargetsAuthorized', 'AllTargetsSynced']) {
        const condition = conditions.find((item) => item.type === type);
        expect(condition).to.deep.include({ status: 'Unknown', reason: 'NotEvaluated' });
      }
      expect(targets).to.have.length(1);
      expect(targets[0]).to.deep.include({ state: 'Pending', reason: 'NotEvaluated' });
    });

    it('counts by its rights of now when spec names another one', async () => {
      const tenant = await fixture.tenant();
      const target = await tenant.target();
      await tenant.createSource({ data: { key: 'value' } });
      await tenant.createSync({ syncToNamespaces: [target], serviceAccount: { name: 'default' } });
      await tenant.condition('ValidServiceAccount', 'TokenRequestDenied');

      await tenant.patchSync({ spec: { serviceAccount: { name: tenant.serviceAccount } } });

      await tenant.copied(target, { key: 'value' });
      await tenant.ready();
    });
  });
});

describe('tenancy, with a short resync interval', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start({ args: ['--poll-interval=1s', '--resync-interval=2s'] });
  });
  after(() => fixture.end());

  for (const verb of NEEDED_VERBS) {
    it(`leaves a Stale copy behind when ${verb} alone is taken away, and is in step when it is given back`, async () => {
      const tenant = await fixture.tenant();
      const target = await tenant.target();
      await tenant.createSource({ data: { key: 'value' } });
      await tenant.createSync({ syncToNamespaces: [target] });
      await tenant.ready();

      await tenant.grant(target, without(verb));

      const stale = await tenant.targetState(target, 'Stale');
      expect(stale.missingVerbs).to.deep.equal([verb]);
      expect((await tenant.copy(target))?.data).to.deep.equal({ key: 'value' });
      await tenant.grant(target, ALL_VERBS);
      await tenant.ready();
    });
  }
});

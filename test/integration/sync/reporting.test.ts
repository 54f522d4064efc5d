import { expect } from 'chai';
import { eventually } from '../../support/eventually.js';
import { OPERATOR_USERNAME, type AuditLine } from '../../support/operator.js';
import { auditLogOrSkip, plane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import { ALL_VERBS, type EventObject, type TestTenant } from '../../support/tenant.js';

describe('reporting', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start({ args: ['--poll-interval=1s'] });
  });
  after(() => fixture.end());

  /** A tenant whose ConfigMapSync has one target that is allowed and one where `verbs` are not enough. */
  async function partlyDenied(
    verbs: readonly string[] = [],
  ): Promise<{ tenant: TestTenant; foo: string; prod: string }> {
    const tenant = await fixture.tenant();
    const foo = await tenant.target();
    const prod = await tenant.target(verbs);
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [foo, prod] });
    await tenant.targetState(prod, 'Denied');
    return { tenant, foo, prod };
  }

  function eventsOf(tenant: TestTenant, reason: string, count: number): Promise<EventObject[]> {
    return eventually(async () => {
      const events = await tenant.events(reason);
      expect(events.map(({ note }) => note)).to.have.length(count);
      return events;
    });
  }

  describe('Events', () => {
    it('tell of a denied namespace once, with the namespace beside the ConfigMapSync', async () => {
      const { tenant, prod } = await partlyDenied(['get']);

      const [event] = await eventsOf(tenant, 'NamespaceDenied', 1);

      const sync = await tenant.sync();
      expect(event).to.deep.include({
        type: 'Warning',
        reason: 'NamespaceDenied',
        action: 'Sync',
        note: `${tenant.username} may not create, update, delete configmaps in namespace "${prod}"`,
        reportingController: 'weaver.example.com/configmapsync-controller',
      });
      expect(event?.regarding).to.deep.include({
        kind: 'ConfigMapSync',
        apiVersion: 'weaver.example.com/v1alpha1',
        namespace: tenant.namespace,
        name: 'sync',
        uid: sync?.metadata.uid,
      });
      expect(event?.related).to.deep.include({ kind: 'Namespace', name: prod });
      expect(event?.series).to.equal(undefined);
    });

    it('tell of each denied namespace by itself', async () => {
      const tenant = await fixture.tenant();
      const targets = [await tenant.target([]), await tenant.target([]), await tenant.target([])];
      await tenant.createSource({ data: { key: 'value' } });

      await tenant.createSync({ syncToNamespaces: targets });

      const events = await eventsOf(tenant, 'NamespaceDenied', 3);
      expect(events.map(({ related }) => related?.name).toSorted()).to.deep.equal(targets.toSorted());
    });

    it('tell again when other verbs are missing, and when none is any more', async () => {
      const { tenant, prod } = await partlyDenied();
      await eventsOf(tenant, 'NamespaceDenied', 1);

      await tenant.grant(prod, ['get', 'create', 'update']);
      const events = await eventsOf(tenant, 'NamespaceDenied', 2);
      await tenant.grant(prod, ALL_VERBS);
      const [allowed] = await eventsOf(tenant, 'NamespaceAllowed', 1);

      expect(events.map(({ note }) => note)).to.include(
        `${tenant.username} may not delete configmaps in namespace "${prod}"`,
      );
      expect(allowed).to.deep.include({ type: 'Normal' });
      expect(allowed?.related?.name).to.equal(prod);
    });

    it('tell of a denial no more often when it is looked at again and again', async () => {
      const { tenant } = await partlyDenied();
      await eventsOf(tenant, 'NamespaceDenied', 1);

      for (const key of ['1', '2', '3']) {
        await tenant.inStepWith(await tenant.patchSource({ data: { key } }));
      }

      const [event] = await eventsOf(tenant, 'NamespaceDenied', 1);
      expect(event?.series).to.equal(undefined);
    });

    it('tell with counts what was done to copies', async () => {
      const tenant = await fixture.tenant();
      const foo = await tenant.target();
      const bar = await tenant.target();
      await tenant.createSource({ data: { key: 'value' } });
      await tenant.createSync({ syncToNamespaces: [foo, bar] });

      const [event] = await eventsOf(tenant, 'Synced', 1);

      expect(event).to.deep.include({ type: 'Normal', note: 'copies: 2 created, 0 updated, 0 removed' });
    });

    it('tell that a source is not there, and that it may not be read', async () => {
      const missing = await fixture.tenant();
      const hidden = await fixture.tenant({ home: [] });
      for (const tenant of [missing, hidden]) {
        await tenant.createSync({ syncToNamespaces: [await tenant.target()] });
      }

      const [notFound] = await eventsOf(missing, 'SourceNotFound', 1);
      const [denied] = await eventsOf(hidden, 'SourceDenied', 1);

      expect(notFound).to.deep.include({ type: 'Warning' });
      expect(denied?.note).to.contain(`${hidden.username} may not get configmaps "source"`);
    });

    it('tell that a token may not be requested, and by whom', async () => {
      const tenant = await fixture.tenant({ tokenGrant: false });
      await tenant.createSync({ syncToNamespaces: [await tenant.target()] });

      const [event] = await eventsOf(tenant, 'TokenRequestDenied', 1);

      expect(event?.note).to.match(
        /^system:serviceaccount:config-weaver-system:config-weaver-controller-manager may not request a token of .*: what condition ValidServiceAccount holds$/,
      );
    });
  });

  describe('metrics', () => {
    it('show a denied namespace as 1 while it is denied, and not at all afterwards', async () => {
      const { tenant, prod } = await partlyDenied();
      const labels = { namespace: tenant.namespace };
      const denied = (): ReturnType<typeof fixture.operator.samples> =>
        fixture.operator.samples('configweaver_namespace_denied', labels);

      const during = await denied();
      await tenant.grant(prod, ALL_VERBS);
      await tenant.targetState(prod, 'Synced');

      expect(during).to.deep.equal([
        {
          metric: 'configweaver_namespace_denied',
          labels: { ...labels, name: 'sync', service_account: 'syncer', target_namespace: prod },
          value: 1,
        },
      ]);
      await eventually(async () => expect(await denied()).to.deep.equal([]));
    });

    it('count a denial once for each verb, however often it is looked at', async () => {
      const { tenant, prod } = await partlyDenied(['get', 'create']);
      await tenant.inStepWith(await tenant.patchSource({ data: { key: 'newer' } }));

      const samples = await fixture.operator.samples('configweaver_denials_total', {
        namespace: tenant.namespace,
      });

      expect(samples.map(({ labels, value }) => [labels.service_account, labels.verb, value])).to.deep.equal([
        ['syncer', 'update', 1],
        ['syncer', 'delete', 1],
      ]);
      expect(await tenant.copy(prod)).to.equal(undefined);
    });

    it('show targets by state, the last time that all was in step, and forget a deleted ConfigMapSync', async () => {
      const { tenant, prod } = await partlyDenied();
      const labels = { namespace: tenant.namespace, name: 'sync' };
      const states = async (): Promise<Record<string, number>> => {
        const samples = await fixture.operator.samples('configweaver_targets', labels);
        const present = samples.filter(({ value }) => value > 0);
        return Object.fromEntries(present.map(({ labels: { state = '' }, value }) => [state, value]));
      };
      const lastSync = async (): Promise<number | undefined> => {
        const [sample] = await fixture.operator.samples('configweaver_last_sync_timestamp_seconds', labels);
        return sample?.value;
      };

      await eventually(async () => expect(await states()).to.deep.equal({ Synced: 1, Denied: 1 }));
      expect(await lastSync()).to.equal(undefined);
      await tenant.grant(prod, ALL_VERBS);
      await eventually(async () => expect(await states()).to.deep.equal({ Synced: 2 }));
      expect(await lastSync()).to.be.closeTo(Date.now() / 1000, 30);
      await tenant.deleteSync();
      await tenant.gone();
      await eventually(async () => expect(await states()).to.deep.equal({}));
      expect(await lastSync()).to.equal(undefined);
    });

    it("count writes, tokens and watches, and serve controller-runtime's own names", async () => {
      const { tenant } = await partlyDenied();
      const value = async (metric: string, labels: Record<string, string> = {}): Promise<number> => {
        const samples = await fixture.operator.samples(metric, labels);
        return samples.reduce((sum, sample) => sum + sample.value, 0);
      };

      const created = { operation: 'create', result: 'success' };
      expect(await value('configweaver_sync_operations_total', created)).to.be.greaterThan(0);
      expect(await value('configweaver_token_requests_total', { result: 'success' })).to.be.greaterThan(0);
      expect(await value('configweaver_cached_tokens')).to.be.greaterThan(0);
      expect(await value('configweaver_watches', { kind: 'configmaps' })).to.be.greaterThan(0);
      expect(await value('configweaver_denied_series_dropped')).to.equal(0);
      const controller = { controller: 'configmapsync' };
      expect(await value('controller_runtime_reconcile_total', controller)).to.be.greaterThan(0);
      expect(await value('controller_runtime_max_concurrent_reconciles', controller)).to.equal(10);
      expect(await value('workqueue_adds_total', { name: 'configmapsync' })).to.be.greaterThan(0);
      const patches = { method: 'PATCH', code: '200' };
      expect(await value('rest_client_requests_total', patches)).to.be.greaterThan(0);
      const leader = { name: 'config-weaver.weaver.example.com' };
      expect(await value('leader_election_master_status', leader)).to.equal(1);
      await tenant.patchSource({ data: { key: 'newer' } });
      await eventually(async () =>
        expect(await value('configweaver_propagation_seconds_count')).to.be.greaterThan(0),
      );
    });
  });

  describe('the audit log', () => {
    it('has a line for each request that was allowed, which the API server knows by the same id', async function () {
      auditLogOrSkip(this, await plane());
      const { tenant, foo } = await partlyDenied();

      const created = await eventually(() => {
        const [line] = fixture.operator.audit(tenant.namespace).filter(({ verb }) => verb === 'create');
        expect(line?.decision).to.equal('allowed');
        return line!;
      });

      expect(created).to.deep.include({
        audit: true,
        configMapSync: { namespace: tenant.namespace, name: 'sync' },
        serviceAccount: tenant.username,
        verb: 'create',
        namespace: foo,
        decision: 'allowed',
        code: 201,
      });
      const [entry] = await fixture.audit({ auditID: created.auditID ?? '' });
      expect(entry).to.deep.include({ verb: 'create' });
      expect(entry?.objectRef).to.deep.include({ resource: 'configmaps', namespace: foo });
      expect(entry?.user.username).to.equal(tenant.username);
    });

    it('has one line for each verb that is missing, however often it is looked at', async function () {
      auditLogOrSkip(this, await plane());
      const { tenant, prod } = await partlyDenied(['get', 'list', 'watch']);
      await tenant.inStepWith(await tenant.patchSource({ data: { key: 'newer' } }));

      const denied = fixture.operator.audit(tenant.namespace).filter((line) => line.decision === 'denied');

      expect(denied.map(({ verb, namespace }) => [verb, namespace])).to.deep.equal(
        ['create', 'update', 'delete'].map((verb) => [verb, prod]),
      );
      const fields: (keyof AuditLine)[] = ['serviceAccount', 'reason', 'code'];
      for (const line of denied) {
        expect(fields.map((field) => line[field])).to.deep.equal([
          tenant.username,
          'MissingPermissions',
          403,
        ]);
        const [entry] = await fixture.audit({ auditID: line.auditID ?? '' });
        expect(entry?.user.username).to.equal(tenant.username);
        expect(entry?.objectRef?.resource).to.equal('selfsubjectaccessreviews');
      }
    });

    it('has a line for the read of a source that was refused', async () => {
      const tenant = await fixture.tenant({ home: [] });
      await tenant.createSync({ syncToNamespaces: [await tenant.target()] });
      await tenant.condition('SourceConfigMapFound', 'SourceDenied');

      const [line] = fixture.operator.audit(tenant.namespace);

      expect(line).to.deep.include({
        verb: 'get',
        namespace: tenant.namespace,
        decision: 'denied',
        reason: 'Forbidden',
        code: 403,
      });
      expect(line?.auditID).to.match(/^[0-9a-f-]{36}$/);
    });

    it('has one line for a token that the operator may not request, however often it tries', async function () {
      auditLogOrSkip(this, await plane());
      const tenant = await fixture.tenant({ tokenGrant: false });
      const refusals = async (): Promise<number> => {
        const [sample] = await fixture.operator.samples('configweaver_token_requests_total', {
          result: 'denied',
        });
        return sample?.value ?? 0;
      };
      await tenant.createSync({ syncToNamespaces: [await tenant.target()] });
      await tenant.condition('ValidServiceAccount', 'TokenRequestDenied');
      const soFar = await refusals();
      await eventually(async () => expect(await refusals()).to.be.at.least(soFar + 2));

      const lines = fixture.operator.audit(tenant.namespace);

      expect(lines).to.have.length(1);
      expect(lines[0]).to.deep.include({
        audit: true,
        configMapSync: { namespace: tenant.namespace, name: 'sync' },
        serviceAccount: tenant.username,
        verb: 'create',
        namespace: tenant.namespace,
        decision: 'denied',
        reason: 'TokenRequestDenied',
        code: 403,
      });
      const [entry] = await fixture.audit({ auditID: lines[0]?.auditID ?? '' });
      expect(entry?.user.username).to.equal(OPERATOR_USERNAME);
      expect(entry?.objectRef).to.deep.include({ resource: 'serviceaccounts', subresource: 'token' });
      const counted = { namespace: tenant.namespace };
      expect(await fixture.operator.samples('configweaver_denials_total', counted)).to.deep.equal([]);
    });

    it('has a line for a ServiceAccount that is not there, and then those of what it was allowed', async () => {
      const tenant = await fixture.tenant();
      const foo = await tenant.target();
      await tenant.deleteServiceAccount();
      await tenant.createSource({ data: { key: 'value' } });
      await tenant.createSync({ syncToNamespaces: [foo] });
      await tenant.condition('ValidServiceAccount', 'ServiceAccountNotFound');

      await tenant.createServiceAccount();
      await tenant.ready();

      const home = tenant.namespace;
      const told = fixture.operator
        .audit(home)
        .map(({ verb, namespace, decision, reason, code }) => [verb, namespace, decision, reason, code]);
      expect(told.slice(0, 2)).to.deep.equal([
        ['create', home, 'denied', 'ServiceAccountNotFound', 404],
        ['get', home, 'allowed', '', 200],
      ]);
      expect(told.slice(2)).to.deep.include(['create', foo, 'allowed', '', 201]);
      expect(told.slice(2).filter(([, , decision]) => decision === 'denied')).to.deep.equal([]);
    });
  });
});

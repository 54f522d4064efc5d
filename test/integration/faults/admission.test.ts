import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import { isApiError } from '../../../src/k8s/client/errors.js';
import { AdmissionPolicy, type PolicyScope, type Refusal } from '../../support/admission-policy.js';
import { eventually } from '../../support/eventually.js';
import { controlPlaneOrSkip, plane } from '../../support/plane.js';
import { SlowWebhook } from '../../support/slow-webhook.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import { told } from '../life-cycle/told.js';
import type { ConfigMapObject, TestTenant } from '../../support/tenant.js';

const WORDS = 'no changes on Sundays';
const FORBIDDEN: Refusal = { reason: 'Forbidden', message: WORDS };
const PROBE = 'for-trying';

describe('a target where admission has a say', function () {
  this.timeout(120_000);
  let fixture: SyncFixture;
  let tenant: TestTenant;
  let target: string;
  let policies: AdmissionPolicy[];

  before(async () => {
    fixture = await SyncFixture.start();
  });
  after(() => fixture.end());

  beforeEach(async () => {
    policies = [];
    tenant = await fixture.tenant();
    target = await tenant.target();
    await tenant.createSource({ data: { k: 'v' } });
    await fixture.api.create({ resource: 'configmaps', namespace: target }, { metadata: { name: PROBE } });
  });
  afterEach(async () => {
    for (const policy of policies) await policy.remove();
  });

  const probe = { resource: 'configmaps' } as const;

  /** What an administrator who only tries it is answered with; undefined where it would be done. */
  async function tried(operation: 'CREATE' | 'UPDATE' | 'DELETE'): Promise<unknown> {
    const there = { ...probe, namespace: target, name: PROBE };
    const path = `/api/v1/namespaces/${target}/configmaps`;
    const dryRun = { query: { dryRun: 'All' } };
    const { client } = fixture.api;
    const existing = await fixture.api.get<object>(there);
    const requests = {
      CREATE: { method: 'POST', path, body: { metadata: { name: 'other' } } },
      UPDATE: { method: 'PUT', path: `${path}/${PROBE}`, body: { ...existing, data: { other: 'x' } } },
      DELETE: { method: 'DELETE', path: `${path}/${PROBE}`, body: { dryRun: ['All'] } },
    } as const;
    return client.request({ ...requests[operation], ...dryRun }).then(
      () => undefined,
      (error: unknown) => error,
    );
  }

  async function refuse(
    operation: PolicyScope['operations'][number],
    refusal = FORBIDDEN,
  ): Promise<AdmissionPolicy> {
    const policy = await AdmissionPolicy.refuse(
      fixture.api,
      { namespace: target, operations: [operation] },
      refusal,
    );
    policies.push(policy);
    return policy.inForce(async () => isApiError(await tried(operation)));
  }

  async function lift(policy: AdmissionPolicy, operation: PolicyScope['operations'][number]): Promise<void> {
    await policy.remove();
    await eventually(async () => expect(await tried(operation)).to.equal(undefined));
  }

  async function mutate(patch: string): Promise<AdmissionPolicy> {
    const scope = {
      operations: ['CREATE', 'UPDATE'],
      condition: `request.namespace == "${target}" && "k" in object.?data.orValue({})`,
    } as const;
    const policy = await AdmissionPolicy.mutate(fixture.api, scope, patch);
    policies.push(policy);
    const sent = {
      metadata: { name: 'other', labels: { 'configmapsync.io/owner-uid': 'x' } },
      data: { k: 'v' },
    };
    return policy.inForce(async () => {
      const place = { ...probe, namespace: target };
      const { data, metadata } = await fixture.api.create<ConfigMapObject>(place, sent, { dryRun: 'All' });
      return !isDeepStrictEqual([data, metadata.labels], [sent.data, sent.metadata.labels]);
    });
  }

  async function gauge(): Promise<number[]> {
    const samples = await fixture.operator.samples('configweaver_namespace_denied', {
      namespace: tenant.namespace,
    });
    return samples.map(({ value }) => value);
  }

  /** It is not about permissions, and nothing says so. */
  async function notDenied(): Promise<void> {
    expect(await tenant.events('NamespaceDenied')).to.deep.equal([]);
    expect(await gauge()).to.deep.equal([]);
    expect((await tenant.status()).deniedTargets ?? 0).to.equal(0);
  }

  describe('that refuses with 403', () => {
    it('a deletion: the copy should be gone, and the words of the policy say why it is not', async () => {
      await tenant.createSync({ syncToNamespaces: [target] });
      await tenant.ready();
      const policy = await refuse('DELETE');

      const home = await tenant.target();
      await tenant.patchSync({ spec: { syncToNamespaces: [home] } });

      const left = await tenant.targetState(target, 'Failed');
      expect(left.reason).to.equal('CleanupBlocked');
      expect(left.message).to.include(WORDS);
      expect(left.missingVerbs).to.equal(undefined);
      await notDenied();
      await lift(policy, 'DELETE');
      await tenant.copyGone(target);
      await tenant.ready();
    });

    for (const operation of ['CREATE', 'UPDATE'] as const) {
      it(`${operation}: the target failed in the words of the policy, and heals when it is lifted`, async () => {
        if (operation === 'UPDATE') {
          await tenant.createSync({ syncToNamespaces: [target] });
          await tenant.ready();
        }
        const policy = await refuse(operation);
        if (operation === 'CREATE') await tenant.createSync({ syncToNamespaces: [target] });
        else await tenant.patchSource({ data: { k: 'w' } });

        const failed = await tenant.targetState(target, 'Failed');
        expect(failed.message).to.include(WORDS);
        expect(failed.missingVerbs).to.equal(undefined);
        await notDenied();
        await lift(policy, operation);
        await tenant.copied(target, { k: operation === 'CREATE' ? 'v' : 'w' }, { timeoutMs: 60_000 });
        await tenant.ready();
      });
    }

    it('the token itself: the words of the policy are told, and no grant is proposed', async () => {
      const policy = await AdmissionPolicy.refuse(
        fixture.api,
        {
          resource: { group: '', version: 'v1', name: 'serviceaccounts/token' },
          operations: ['CREATE'],
          condition: `request.namespace == "${tenant.namespace}"`,
        },
        FORBIDDEN,
      );
      policies.push(policy);
      const path = `/api/v1/namespaces/${tenant.namespace}/serviceaccounts/syncer/token`;
      const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
      const request = { method: 'POST', path, body } as const;
      await policy.inForce(() =>
        fixture.api.client.request(request).then(
          () => false,
          () => true,
        ),
      );

      await tenant.createSync({ syncToNamespaces: [target] });

      const { message } = await tenant.condition('ValidServiceAccount', 'TokenRequestDenied');
      expect(message).to.include(WORDS).and.not.include('RoleBinding');
      await policy.remove();
      await tenant.ready('sync', { timeoutMs: 60_000 });
    });
  });

  describe('that refuses with another code', () => {
    it('422, which a policy takes by default: the copy follows when it is lifted', async () => {
      const policy = await refuse('CREATE', { message: WORDS });
      await tenant.createSync({ syncToNamespaces: [target] });
      expect((await tenant.targetState(target, 'Failed')).message).to.include(WORDS);

      await lift(policy, 'CREATE');

      await tenant.copied(target, { k: 'v' }, { timeoutMs: 60_000 });
      await tenant.ready();
    });

    it('413: the copy follows when it is lifted', async () => {
      await tenant.createSync({ syncToNamespaces: [target] });
      await tenant.ready();
      const policy = await refuse('UPDATE', { reason: 'RequestEntityTooLarge', message: WORDS });
      await tenant.patchSource({ data: { k: 'w' } });
      expect((await tenant.targetState(target, 'Failed')).message).to.include(WORDS);

      await lift(policy, 'UPDATE');

      await tenant.copied(target, { k: 'w' }, { timeoutMs: 60_000 });
    });

    it('400, a webhook: the copy follows when it is lifted', async function () {
      const shared = await plane();
      controlPlaneOrSkip(this, shared);
      const webhook = await SlowWebhook.start(shared.kubectl);
      try {
        webhook.refusal = { code: 400, message: WORDS };
        await fixture.api.patch(
          { resource: 'namespaces', name: target },
          { metadata: { labels: webhook.labels } },
        );
        await webhook.inForce(target);
        await tenant.createSync({ syncToNamespaces: [target] });
        expect((await tenant.targetState(target, 'Failed')).message).to.include(WORDS);

        webhook.refusal = undefined;

        await tenant.copied(target, { k: 'v' }, { timeoutMs: 60_000 });
      } finally {
        await webhook.close();
      }
    });
  });

  describe('that stores otherwise than what is sent', () => {
    const cases = {
      'rewrites the data': {
        patch: '[JSONPatch{op: "replace", path: "/data/k", value: "their secret"}]',
        named: 'data key "k"',
      },
      'adds a key': {
        patch: '[JSONPatch{op: "add", path: "/data/theirs", value: "their secret"}]',
        named: 'data key "theirs"',
      },
      'strips our mark': {
        patch: '[JSONPatch{op: "remove", path: "/metadata/labels/configmapsync.io~1owner-uid"}]',
        named: 'label "configmapsync.io/owner-uid"',
      },
      'changes our mark': {
        patch:
          '[JSONPatch{op: "replace", path: "/metadata/labels/configmapsync.io~1owner-uid", value: "their-secret"}]',
        named: 'label "configmapsync.io/owner-uid"',
      },
    };

    for (const [what, { patch, named }] of Object.entries(cases)) {
      it(`${what}: is named, never by value, without a storm, and heals when it is lifted`, async () => {
        const policy = await mutate(patch);
        await tenant.createSync({ syncToNamespaces: [target] });

        const failed = await tenant.targetState(target, 'Failed');
        expect(failed.reason).to.equal('CopyAltered');
        expect(failed.message)
          .to.include(named)
          .and.not.match(/their.secret/);
        expect((await tenant.condition('Ready', 'SomeTargetsNotSynced')).status).to.equal('False');
        await told(tenant, 'SyncFailed');

        await policy.remove();
        await tenant.ready('sync', { timeoutMs: 60_000 });
        await tenant.copied(target, { k: 'v' });
        const writes = (await fixture.auditOf(tenant)).filter(
          ({ verb, objectRef }) => ['create', 'update'].includes(verb) && objectRef?.namespace === target,
        );
        expect(writes.length, 'writes until then').to.be.lessThan(30);
      });

      it(`${what}: is removed when the ConfigMapSync is deleted`, async () => {
        await mutate(patch);
        await tenant.createSync({ syncToNamespaces: [target] });
        await tenant.targetState(target, 'Failed');

        await tenant.deleteSync();
        await tenant.gone();

        expect(await tenant.copy(target)).to.equal(undefined);
      });
    }

    it('only from an update on: is named, and removed at the end', async () => {
      await tenant.createSync({ syncToNamespaces: [target] });
      await tenant.ready();
      await mutate(cases['strips our mark'].patch);
      await tenant.patchSource({ data: { k: 'w' } });
      expect((await tenant.targetState(target, 'Failed')).reason).to.equal('CopyAltered');
      await fixture.restart();

      await tenant.deleteSync();
      await tenant.gone();

      expect(await tenant.copy(target)).to.equal(undefined);
    });

    it('by labels of its own beside ours: is in sync all the same', async () => {
      const policy = await AdmissionPolicy.mutate(
        fixture.api,
        { operations: ['CREATE', 'UPDATE'], namespace: target },
        '[JSONPatch{op: "add", path: "/metadata/labels/theirs", value: "yes"}]',
      );
      policies.push(policy);
      await policy.inForce(async () => {
        const sent = { metadata: { name: 'other', labels: { a: 'b' } } };
        const place = { ...probe, namespace: target };
        const stored = await fixture.api.create<{ metadata: { labels: object } }>(place, sent, {
          dryRun: 'All',
        });
        return 'theirs' in stored.metadata.labels;
      });

      await tenant.createSync({ syncToNamespaces: [target] });

      await tenant.ready();
      expect((await tenant.copied(target, { k: 'v' })).metadata.labels).to.include({ theirs: 'yes' });
    });
  });

  describe('that refuses the successor of an immutable copy', () => {
    for (const [what, refusal] of Object.entries({ 'a 403': FORBIDDEN, 'a 422': { message: WORDS } })) {
      it(`by ${what}: the old one stays until the new one is allowed`, async () => {
        await tenant.deleteConfigMap(tenant.namespace);
        await tenant.createSource({ data: { k: 'v' }, immutable: true });
        await tenant.createSync({ syncToNamespaces: [target] });
        await tenant.ready();
        const before = await tenant.copied(target, { k: 'v' });
        const policy = await refuse('CREATE', refusal);

        await tenant.deleteConfigMap(tenant.namespace);
        await tenant.createSource({ data: { k: 'w' }, immutable: true });

        const failed = await tenant.targetState(target, 'Failed');
        expect(failed.message).to.include(WORDS);
        expect((await tenant.copy(target))?.metadata.uid).to.equal(before.metadata.uid);
        await lift(policy, 'CREATE');
        await tenant.copied(target, { k: 'w' }, { timeoutMs: 60_000 });
        await tenant.ready();
      });
    }

    it('by a quota: the old one stays until there is room for one more', async () => {
      await tenant.deleteConfigMap(tenant.namespace);
      await tenant.createSource({ data: { k: 'v' }, immutable: true });
      await tenant.createSync({ syncToNamespaces: [target] });
      await tenant.ready();
      await tenant.forbidConfigMaps(target);

      await tenant.deleteConfigMap(tenant.namespace);
      await tenant.createSource({ data: { k: 'w' }, immutable: true });

      expect((await tenant.targetState(target, 'Failed')).message).to.include('exceeded quota');
      expect((await tenant.copy(target))?.data).to.deep.equal({ k: 'v' });
      await fixture.api.delete({ resource: 'resourcequotas', namespace: target, name: 'none' });
      await tenant.copied(target, { k: 'w' }, { timeoutMs: 60_000 });
    });
  });
});

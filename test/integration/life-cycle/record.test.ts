import { expect } from 'chai';
import type { CopyReference } from '../../../src/api/v1alpha1/config-map-sync-status.js';
import { AuditLog, type AuditEntry } from '../../support/audit-log.js';
import { eventually } from '../../support/eventually.js';
import { OPERATOR_USERNAME } from '../../support/operator.js';
import { auditLogOrSkip, plane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import {
  ALL_VERBS,
  createNamespace,
  NEEDED_VERBS,
  type ConfigMapObject,
  type TestTenant,
} from '../../support/tenant.js';

/** What `status.targets[].copies` says of one namespace. */
async function recordOf(tenant: TestTenant, namespace: string): Promise<CopyReference[] | undefined> {
  const { targets = [] } = await tenant.status();
  return targets.find((target) => target.namespace === namespace)?.copies;
}

/** Waits until exactly the ConfigMaps that are there under these names are recorded. */
async function recorded(tenant: TestTenant, namespace: string, ...names: string[]): Promise<void> {
  await eventually(async () => {
    const copies = await Promise.all(names.map((name) => tenant.copy(namespace, name)));
    const wanted = copies.map((copy, index) => ({ name: names[index], uid: copy?.metadata.uid }));
    expect(await recordOf(tenant, namespace)).to.deep.equal(wanted);
  });
}

function clearTargets(fixture: SyncFixture, { namespace }: TestTenant): Promise<unknown> {
  return fixture.api.patch(
    { resource: 'configmapsyncs', namespace, name: 'sync', subresource: 'status' },
    { status: { targets: [] } },
  );
}

/** Deletes the copy and creates another ConfigMap with all of its labels, annotations and data. */
async function replaceByStranger(tenant: TestTenant, target: string): Promise<ConfigMapObject> {
  const copy = await tenant.copy(target);
  const { labels, annotations } = copy!.metadata;
  await tenant.deleteConfigMap(target);
  const metadata = { labels, annotations } as unknown as ConfigMapObject['metadata'];
  return tenant.createConfigMap(target, 'source', { ...copy, metadata });
}

describe('the record of copies', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start();
  });
  after(() => fixture.end());

  it('names each copy with its uid when the target is synced, and nothing where there is none', async () => {
    const tenant = await fixture.tenant();
    const [watched, unwatched] = [await tenant.target(), await tenant.target(NEEDED_VERBS)];
    const [taken, denied] = [await tenant.target(), await tenant.target([])];
    await tenant.createConfigMap(taken, 'source', { data: { owner: 'another team' } });
    await tenant.createSource({ data: { key: 'value' } });

    await tenant.createSync({ syncToNamespaces: [watched, unwatched, taken, denied] });

    await tenant.targetState(watched, 'Synced');
    await recorded(tenant, watched, 'source');
    await recorded(tenant, unwatched, 'source');
    await tenant.targetState(taken, 'Conflict');
    await tenant.targetState(denied, 'Denied');
    expect(await recordOf(tenant, taken)).to.equal(undefined);
    expect(await recordOf(tenant, denied)).to.equal(undefined);
  });

  it('follows a copy that is created again, or replaced because it is immutable', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.ready();
    const first = (await tenant.copy(target))?.metadata.uid;

    await tenant.deleteConfigMap(target);
    const second = await eventually(async () => {
      const uid = (await tenant.copy(target))?.metadata.uid;
      expect(uid).to.be.a('string').and.not.to.equal(first);
      return uid;
    });
    await recorded(tenant, target, 'source');
    await tenant.patchSource({ immutable: true });
    await tenant.inStepWith((await tenant.copy(tenant.namespace))!);
    await tenant.deleteConfigMap(tenant.namespace);
    await tenant.createSource({ data: { key: 'other' } });
    await tenant.copied(target, { key: 'other' });

    await recorded(tenant, target, 'source');
    expect((await tenant.copy(target))?.metadata.uid).to.not.equal(second);
  });

  it('keeps a copy that is there where permission was lost, and forgets one that is gone', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target(NEEDED_VERBS);
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.ready();
    await tenant.grant(target, []);
    await tenant.patchSource({ data: { key: 'other' } });

    await tenant.targetState(target, 'Stale');
    await recorded(tenant, target, 'source');
    await tenant.deleteConfigMap(target);
    await tenant.grant(target, ['get']);

    await tenant.targetState(target, 'Denied', { timeoutMs: 20_000 });
    expect(await recordOf(tenant, target)).to.equal(undefined);
  });

  it('holds no copy where creating it failed, so that nothing is left over when permission is lost', async () => {
    const tenant = await fixture.tenant();
    const [open, full] = [await tenant.target(), await tenant.target()];
    await tenant.forbidConfigMaps(full);
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [open, full] });
    await tenant.targetState(full, 'Failed');
    expect(await recordOf(tenant, full)).to.equal(undefined);

    await tenant.grant(full, []);
    await tenant.patchSync({ spec: { syncToNamespaces: [open] } });
    await tenant.ready();

    expect((await tenant.status()).targets?.map(({ namespace }) => namespace)).to.deep.equal([open]);
    await tenant.deleteSync();
    await tenant.gone('sync', { timeoutMs: 5_000 });
  });

  it('holds no ConfigMap with forged ownership metadata: the target is Denied, not Stale', async () => {
    const tenant = await fixture.tenant();
    const [target, witness] = [await tenant.target(['get']), await tenant.target()];
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target, witness] });
    await tenant.targetState(target, 'Denied');
    await tenant.targetState(witness, 'Synced');
    const { labels, annotations } = (await tenant.copy(witness))!.metadata;
    const metadata = { labels, annotations } as unknown as ConfigMapObject['metadata'];
    await tenant.createConfigMap(target, 'source', { data: { owner: 'another team' }, metadata });

    await tenant.patchSource({ data: { key: 'other' } });
    await tenant.copied(witness, { key: 'other' });
    await fixture.idle();

    await tenant.targetState(target, 'Denied');
    expect(await recordOf(tenant, target)).to.equal(undefined);
  });

  for (const isRunning of [true, false]) {
    it(`lets a former name be pruned without permission to list, the operator ${isRunning ? 'running' : 'being down'} during the rename`, async () => {
      const tenant = await fixture.tenant();
      const target = await tenant.target(NEEDED_VERBS);
      await tenant.createSource({ data: { key: 'value' } });
      await tenant.createSync({ syncToNamespaces: [target] });
      await tenant.ready();
      const rename = async (): Promise<void> => {
        await tenant.patchSync({ spec: { target: { name: 'renamed' } } });
        await tenant.patchSync({ spec: { target: { name: 'renamed-again' } } });
      };

      if (isRunning) await rename();
      else await fixture.restart(rename);

      await tenant.copied(target, { key: 'value' }, { name: 'renamed-again' });
      await tenant.ready();
      expect(await tenant.copy(target)).to.equal(undefined);
      expect(await tenant.copy(target, 'renamed')).to.equal(undefined);
      await recorded(tenant, target, 'renamed-again');
    });
  }

  it('keeps a former copy that cannot be pruned, until it can, over restarts', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target(NEEDED_VERBS);
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.ready();
    // An operator that starts afterwards knows of no permission that there was before.
    await fixture.restart(async () => {
      await tenant.grant(target, ['get', 'create', 'update']);
      await tenant.patchSync({ spec: { target: { name: 'renamed' } } });
    });
    await tenant.targetState(target, 'Stale');
    await recorded(tenant, target, 'source');

    await fixture.restart(async () => {
      await tenant.patchSync({ spec: { target: { name: 'renamed-again' } } });
      await tenant.grant(target, NEEDED_VERBS);
    });

    await tenant.copied(target, { key: 'value' }, { name: 'renamed-again' });
    await tenant.ready();
    expect(await tenant.copy(target)).to.equal(undefined);
    await recorded(tenant, target, 'renamed-again');
  });
});

describe('a ConfigMap in the place of a recorded copy, with its ownership metadata and another uid', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start();
  });
  after(() => fixture.end());

  /** What would remove the copy that was there. */
  const removals: Record<string, (tenant: TestTenant, witness: string) => Promise<unknown>> = {
    'the ConfigMapSync is deleted': (tenant) => tenant.deleteSync(),
    'its namespace is taken off the list': (tenant, witness) =>
      tenant.patchSync({ spec: { syncToNamespaces: [witness] } }),
    'the copy gets another name': (tenant) => tenant.patchSync({ spec: { target: { name: 'renamed' } } }),
    'the source is deleted under sourceDeletionPolicy Delete': (tenant) =>
      tenant.deleteConfigMap(tenant.namespace),
  };

  for (const [title, remove] of Object.entries(removals)) {
    it(`is left alone when ${title}`, async () => {
      const tenant = await fixture.tenant();
      const [target, witness] = [await tenant.target(), await tenant.target()];
      await tenant.createSource({ data: { key: 'value' } });
      await tenant.createSync({ syncToNamespaces: [target, witness], sourceDeletionPolicy: 'Delete' });
      await tenant.ready();
      let stranger: ConfigMapObject | undefined;

      await fixture.restart(async () => {
        stranger = await replaceByStranger(tenant, target);
        await remove(tenant, witness);
      });
      await eventually(async () => {
        const sync = await tenant.sync();
        if (sync === undefined) return;
        expect(sync.metadata.deletionTimestamp).to.equal(undefined);
        expect(sync.status?.observedGeneration).to.equal(sync.metadata.generation);
      });
      await fixture.idle();

      const left = await tenant.copy(target);
      expect(left?.metadata.uid, 'its uid').to.equal(stranger?.metadata.uid);
      expect(left?.metadata.resourceVersion).to.equal(stranger?.metadata.resourceVersion);
    });
  }
});

describe('a record that was lost', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start();
  });
  after(() => fixture.end());

  it('is rebuilt from the copies that are there', async () => {
    const tenant = await fixture.tenant();
    const [watched, unwatched] = [await tenant.target(), await tenant.target(NEEDED_VERBS)];
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [watched, unwatched] });
    await tenant.ready();
    const before = await Promise.all([watched, unwatched].map((target) => tenant.copy(target)));

    await clearTargets(fixture, tenant);

    await recorded(tenant, watched, 'source');
    await recorded(tenant, unwatched, 'source');
    const after = await Promise.all([watched, unwatched].map((target) => tenant.copy(target)));
    expect(after.map((copy) => copy?.metadata.uid)).to.deep.equal(before.map((copy) => copy?.metadata.uid));
    await tenant.deleteSync();
    await tenant.gone();
    expect(await tenant.copy(watched)).to.equal(undefined);
    expect(await tenant.copy(unwatched)).to.equal(undefined);
  });

  it('does not keep copies from being removed at deletion', async () => {
    const tenant = await fixture.tenant();
    const [watched, unwatched] = [await tenant.target(), await tenant.target(NEEDED_VERBS)];
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [watched, unwatched] });
    await tenant.ready();

    await fixture.restart(async () => {
      await clearTargets(fixture, tenant);
      await tenant.deleteSync();
    });
    await tenant.gone();

    expect(await tenant.copy(watched)).to.equal(undefined);
    expect(await tenant.copy(unwatched)).to.equal(undefined);
  });

  it('makes nothing deletable that is older than the ConfigMapSync', async () => {
    const tenant = await fixture.tenant();
    const [target, witness] = [await tenant.target(), await tenant.target()];
    const older = await tenant.createConfigMap(target, 'source', { data: { owner: 'another team' } });
    const second = Math.floor(Date.now() / 1000);
    await eventually(() => expect(Math.floor(Date.now() / 1000)).to.be.above(second));
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target, witness] });
    await tenant.targetState(target, 'Conflict');
    await tenant.targetState(witness, 'Synced');
    const { labels, annotations } = (await tenant.copy(witness))!.metadata;

    await fixture.restart(async () => {
      await tenant.patchConfigMap(target, 'source', { metadata: { labels, annotations } });
      await clearTargets(fixture, tenant);
    });
    await tenant.targetState(target, 'Conflict');
    await tenant.deleteSync();
    await tenant.gone();

    expect(await tenant.copy(witness)).to.equal(undefined);
    const left = await tenant.copy(target);
    expect(left?.metadata.uid).to.equal(older.metadata.uid);
    expect(left?.data).to.deep.equal({ owner: 'another team' });
  });
});

describe('the number of requests', () => {
  let fixture: SyncFixture;

  before(async () => {
    // Periodic requests are rare then, and none falls into what is counted.
    fixture = await SyncFixture.start({ args: ['--poll-interval=10m', '--resync-interval=1h'] });
  });
  after(() => fixture.end());

  it('of a rename does not grow with earlier renames', async function () {
    this.timeout(120_000);
    const path = auditLogOrSkip(this, await plane());
    const tenant = await fixture.tenant();
    const [target, denied] = [await tenant.target(NEEDED_VERBS), await tenant.target([])];
    await tenant.createSource({ data: { key: 'value' } });
    // As long as one target is denied, the operator is not through with any rename.
    await tenant.createSync({ syncToNamespaces: [target, denied], target: { name: 'name-0' } });
    await tenant.copied(target, { key: 'value' }, { name: 'name-0' });
    await fixture.idle();
    const rename = async (index: number): Promise<void> => {
      await tenant.patchSync({ spec: { target: { name: `name-${index}` } } });
      await tenant.copied(target, { key: 'value' }, { name: `name-${index}` });
      await tenant.copyGone(target, `name-${index - 1}`);
    };
    const requestsOf = async (index: number): Promise<string[]> => {
      const log = await AuditLog.fromNow(path);
      await rename(index);
      await fixture.idle();
      return requests(await log.entries(), tenant);
    };

    const first = await requestsOf(1);
    for (let index = 2; index <= 60; index += 1) await rename(index);
    await fixture.idle();
    const last = await requestsOf(61);

    console.log(`      ${first.length} requests for the first rename, ${last.length} for the last`);
    expect(last.length, last.join('\n')).to.be.at.most(first.length + 2);
    expect(last.length, last.join('\n')).to.be.at.most(16);
  });

  it('of suspending and resuming 200 targets is at most 20', async function () {
    this.timeout(120_000);
    const path = auditLogOrSkip(this, await plane());
    const tenant = await fixture.tenant();
    await tenant.grantEverywhere(ALL_VERBS);
    const targets = await Promise.all(
      Array.from({ length: 200 }, () => createNamespace(fixture.api, 'target')),
    );
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: targets });
    await tenant.ready('sync', { timeoutMs: 60_000 });
    await fixture.idle();
    const log = await AuditLog.fromNow(path);

    await tenant.patchSync({ spec: { suspend: true } });
    await tenant.condition('Ready', 'Suspended');
    await fixture.idle();
    await tenant.patchSync({ spec: { suspend: false } });
    await tenant.ready();
    await fixture.idle();

    const sent = requests(await log.entries(), tenant);
    expect(sent.length, tally(sent)).to.be.at.most(20);
    await tenant.revokeEverywhere();
  });
});

/** What the operator sent as itself or as the tenant, without the ends of watches. */
function requests(entries: readonly AuditEntry[], { username }: TestTenant): string[] {
  return entries
    .filter(({ user }) => [username, OPERATOR_USERNAME].includes(user.username))
    .filter(({ verb, stage }) => (verb === 'watch') === (stage === 'ResponseStarted'))
    .map(({ user, verb, requestURI }) => `${user.username} ${verb} ${requestURI}`);
}

/** How often each verb and resource occurs. */
function tally(lines: readonly string[]): string {
  const kinds = lines.map((line) => line.replace(/\?.*/, '').replace(/namespaces\/[^/]+/, 'namespaces/*'));
  return [...Map.groupBy(kinds, (kind) => kind)].map(([kind, { length }]) => `${length} ${kind}`).join('\n');
}

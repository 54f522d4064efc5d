import { expect } from 'chai';
import { refusal } from '../../support/fakes/fake-api.js';
import { Rig } from './rig.js';

describe('what is pruned after a change of the spec', () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = new Rig();
    rig.cluster.put('team-a', 'shared', { data: { key: 'value' } });
    rig.apply({ syncToNamespaces: ['prod', 'dev'] });
    await rig.reconcile();
    rig.events.length = rig.notes.length = 0;
  });

  afterEach(() => rig.close());

  describe('a namespace that is no target any more', () => {
    it('loses its copy, and its line', async () => {
      rig.apply({ syncToNamespaces: ['dev'] });
      await rig.reconcile();

      expect(rig.cluster.configMaps).to.have.all.keys('team-a/shared', 'dev/shared');
      expect(rig.state('prod')).to.equal(undefined);
      expect(rig.notes).to.deep.equal(['copies: 0 created, 0 updated, 1 removed']);
    });

    it('keeps its copy under Orphan, as a ConfigMap of nobody', async () => {
      rig.apply({ syncToNamespaces: ['dev'], deletionPolicy: 'Orphan' });
      await rig.reconcile();

      expect(rig.cluster.configMaps.get('prod/shared')?.metadata.labels).to.deep.equal({});
      expect(rig.state('prod')).to.equal(undefined);
    });

    it('keeps what is not ours', async () => {
      rig.cluster.put('prod', 'shared', { data: { theirs: 'now' } });
      rig.apply({ syncToNamespaces: ['dev'] });
      await rig.reconcile();

      expect(rig.cluster.configMaps.get('prod/shared')?.data).to.deep.equal({ theirs: 'now' });
      expect(rig.state('prod')).to.equal(undefined);
    });

    it('keeps what is not recorded, whatever marks it has: nobody looks for it', async () => {
      const { metadata } = rig.cluster.configMaps.get('prod/shared')!;
      rig.cluster.put('prod', 'forged', { metadata: { ...metadata, uid: 'uid-forged' } });
      rig.apply({ syncToNamespaces: ['dev'] });
      await rig.reconcile();

      expect(rig.cluster.configMaps).to.have.all.keys('team-a/shared', 'dev/shared', 'prod/forged');
    });

    it('keeps a line of its own while its copy cannot be removed, until it can', async () => {
      rig.cluster.rights.set('prod', ['get']);
      rig.apply({ syncToNamespaces: ['dev'] });
      await rig.reconcile();

      expect(rig.state('prod')).to.equal('Stale/CleanupBlocked');
      expect(rig.status).to.include({ summary: '1/1', deniedTargets: 1 });
      expect(rig.replans[0]).to.be.at.most(15_000);

      rig.cluster.rights.delete('prod');
      await rig.advance(45_000);
      await rig.planQueued();
      expect(rig.cluster.configMaps.has('prod/shared')).to.equal(false);
      expect(rig.state('prod')).to.equal(undefined);
    });

    it('asks for no further plan once its copy is gone', async () => {
      rig.cluster.rights.set('prod', ['get']);
      rig.apply({ syncToNamespaces: ['dev'] });
      await rig.reconcile();
      rig.cluster.addNamespace('prod', { deletionTimestamp: '2026-01-02T03:04:05Z' });
      await rig.planQueued();
      expect(rig.state('prod')).to.equal(undefined);
      await rig.advance(60_000);
      await rig.planQueued();
      rig.replans.length = 0;

      await rig.reconcile();

      expect(rig.replans).to.deep.equal([]);
    });

    it('is tried again soon where something else than rights is in the way', async () => {
      rig.cluster.intercept = ({ method }) => (method === 'DELETE' ? refusal(500) : undefined);
      rig.apply({ syncToNamespaces: ['dev'] });
      await rig.reconcile();
      expect(rig.state('prod')).to.equal('Failed/CleanupBlocked');
      rig.cluster.intercept = () => undefined;

      await rig.advance(10_000);

      expect(rig.cluster.configMaps.has('prod/shared')).to.equal(false);
      expect(rig.state('prod')).to.equal(undefined);
    });

    it('is left alone where it is being deleted itself', async () => {
      rig.cluster.addNamespace('prod', { deletionTimestamp: '2026-01-02T03:04:05Z' });
      rig.apply({ syncToNamespaces: ['dev'] });
      await rig.reconcile();

      expect(rig.cluster.writes().filter((write) => write.startsWith('DELETE'))).to.deep.equal([]);
      expect(rig.state('prod')).to.equal(undefined);
      expect(rig.syncState.isUnderWay).to.equal(false);
    });
  });

  describe("a namespace that became the source's own place", () => {
    it('has one line, of the copy that is left there, until it can go', async () => {
      rig.cluster.put('prod', 'theirs', { data: { not: 'ours' } });
      rig.cluster.intercept = ({ path }) => (path.endsWith('/token') ? refusal(404, 'NotFound') : undefined);
      await rig.advance(300_000);
      rig.apply({ source: { namespace: 'prod', name: 'theirs' } });
      await rig.reconcile();
      expect(rig.state('prod')).to.equal('Stale/ServiceAccountNotFound');
      expect(rig.status.targets).to.have.length(2);

      rig.cluster.intercept = () => undefined;
      await rig.advance(15_000);
      await rig.reconcile();

      expect(rig.state('prod')).to.equal('Skipped/SourceItself');
      expect(rig.cluster.configMaps).to.have.all.keys('team-a/shared', 'prod/theirs', 'dev/theirs');
    });
  });

  describe('a copy whose name changed', () => {
    it('is there under its new name only', async () => {
      rig.apply({ target: { name: 'renamed' } });
      await rig.reconcile();

      expect(rig.cluster.configMaps).to.have.all.keys('team-a/shared', 'prod/renamed', 'dev/renamed');
      expect(rig.status.summary).to.equal('2/2');
      expect(rig.status.targets?.map(({ copies }) => copies?.map(({ name }) => name))).to.deep.equal([
        ['renamed'],
        ['renamed'],
      ]);
    });

    it('makes room for the new one where a quota has none for both', async () => {
      rig.cluster.intercept = ({ method, path }) =>
        method === 'POST' && path.endsWith('/prod/configmaps') && rig.cluster.configMaps.has('prod/shared')
          ? refusal(403, 'Forbidden')
          : undefined;
      rig.apply({ target: { name: 'renamed' } });
      await rig.reconcile();
      await rig.advance(1_000);

      expect(rig.cluster.configMaps).to.have.all.keys('team-a/shared', 'prod/renamed', 'dev/renamed');
      expect(rig.status.summary).to.equal('2/2');
    });

    it('is found by its old name where the tenant may not list', async () => {
      for (const namespace of ['prod', 'dev']) {
        rig.cluster.rights.set(namespace, ['get', 'create', 'update', 'delete']);
      }
      await rig.advance(45_000);
      rig.apply({ target: { name: 'renamed' } });
      await rig.reconcile();

      expect(rig.cluster.configMaps).to.have.all.keys('team-a/shared', 'prod/renamed', 'dev/renamed');
    });

    it('does not count as synced while the old one cannot go', async () => {
      rig.cluster.intercept = ({ method, path }) =>
        method === 'DELETE' && path.includes('/prod/') ? refusal(403, 'Forbidden') : undefined;
      rig.apply({ target: { name: 'renamed' } });
      await rig.reconcile();

      expect(rig.state('prod')).to.equal('Failed/CleanupBlocked');
      expect(rig.state('dev')).to.equal('Synced');
      expect(rig.status.summary).to.equal('1/2');
      const prod = rig.status.targets?.find(({ namespace }) => namespace === 'prod');
      expect(prod?.copies?.map(({ name }) => name)).to.have.members(['shared', 'renamed']);
    });

    it('goes by its old name as soon as a denied namespace comes back', async () => {
      rig.cluster.rights.set('prod', ['get']);
      await rig.advance(45_000);
      await rig.reconcile();
      rig.apply({ target: { name: 'renamed' } });
      await rig.reconcile();
      expect(rig.cluster.configMaps.has('prod/shared')).to.equal(true);

      rig.cluster.rights.set('prod', ['get', 'create', 'update', 'delete']);
      await rig.advance(45_000);
      await rig.reconcile();

      expect(rig.cluster.configMaps).to.have.all.keys('team-a/shared', 'prod/renamed', 'dev/renamed');
      expect(rig.status.summary).to.equal('2/2');
    });
  });

  it('is a copy of a former name too, where the source is gone and copies go with it', async () => {
    rig.cluster.put('prod', 'theirs', { data: { not: 'ours' } });
    // Its own copy is its source now, and stays for as long as it is that.
    rig.apply({
      syncToNamespaces: ['prod'],
      source: { namespace: 'prod', name: 'shared' },
      target: { name: 'theirs' },
      sourceDeletionPolicy: 'Delete',
    });
    await rig.reconcile();
    expect(rig.state('prod')).to.equal('Conflict/NotOurs');

    rig.apply({ source: { name: 'missing' } });
    await rig.reconcile();

    expect(rig.condition('SourceConfigMapFound')).to.equal('False/ConfigMapNotFound');
    expect(rig.cluster.configMaps).to.have.all.keys('team-a/shared', 'prod/theirs');
  });

  it('is nothing while the spec stays as it is', async () => {
    const before = rig.cluster.writes().length;
    await rig.reconcile();

    expect(rig.cluster.writes()).to.have.length(before);
  });
});

import { expect } from 'chai';
import { refusal, type Sent } from '../../support/fakes/fake-api.js';
import { CLEAN_UP_MS, Rig } from './rig.js';

const noToken = ({ path }: Sent): Error | undefined =>
  path.endsWith('/token') ? refusal(404, 'NotFound') : undefined;

describe('the deletion of a ConfigMapSync', () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = new Rig();
    rig.cluster.put('team-a', 'shared', { data: { key: 'value' } });
    rig.apply({ syncToNamespaces: ['prod', 'dev'] });
    await rig.reconcile();
    rig.events.length = rig.notes.length = 0;
  });

  afterEach(() => rig.close());

  /** The token that the tenant has is lost, and there is no other to be had. */
  async function loseIdentity(): Promise<void> {
    rig.cluster.intercept = ({ path }) =>
      path.includes('/configmaps/') ? refusal(401, 'Unauthorized') : undefined;
    await rig.failure();
    rig.cluster.intercept = noToken;
  }

  it('removes the copies, then goes, and leaves no watch behind', async () => {
    rig.delete();
    await rig.reconcile();

    expect(rig.cluster.configMaps).to.have.all.keys('team-a/shared');
    expect(rig.gone).to.equal(true);
    expect(rig.notes).to.deep.equal(['copies: 2 removed']);
    expect(rig.tenancy.watches).to.equal(0);
  });

  it('releases the copies under Orphan: they stay, as ConfigMaps of nobody', async () => {
    rig.apply({ deletionPolicy: 'Orphan' });
    rig.delete();
    await rig.reconcile();

    const { metadata, data } = rig.cluster.configMaps.get('prod/shared')!;
    expect(data).to.deep.equal({ key: 'value' });
    expect(JSON.stringify(metadata)).not.to.include('configmapsync.io');
    expect(metadata.labels).to.deep.equal({});
    expect(rig.gone).to.equal(true);
  });

  it('leaves the copies as they are for --cascade=orphan, also where its finalizer is gone by the time we look', async () => {
    rig.delete('orphan');
    // The garbage collector was faster than we are.
    rig.sync.metadata.finalizers?.pop();
    const before = rig.cluster.writes().length;

    await rig.reconcile();

    expect(rig.cluster.writes()).to.have.length(before);
    expect(rig.cluster.configMaps.get('prod/shared')?.metadata.labels).to.include({
      'configmapsync.io/owner-uid': 'uid-share',
    });
  });

  describe('that the API server lets pass in spite of the finalizer', () => {
    const losing = (): void => rig.cluster.syncs.remove(rig.sync);

    it('removes the copies all the same', async () => {
      losing();
      await rig.reconcile();

      expect(rig.cluster.configMaps).to.have.all.keys('team-a/shared');
      expect(rig.tenancy.watches).to.equal(0);
      expect(rig.states.lost('team-a/share')).to.deep.equal([]);
    });

    it('tries again until it may, and gives up in time', async () => {
      rig.cluster.rights.set('prod', ['get', 'list']);
      await rig.advance(60_000);
      losing();
      await rig.reconcile();
      expect(rig.replans).to.satisfy(
        (waits: number[]) => waits.every((ms) => ms <= 15_000) && waits.length > 0,
      );
      expect(rig.cluster.configMaps).to.have.all.keys('team-a/shared', 'prod/shared');

      await rig.advance(CLEAN_UP_MS);
      await rig.reconcile();

      expect(rig.events.at(-1)).to.equal('CleanupAbandoned');
      expect(rig.states.lost('team-a/share')).to.deep.equal([]);
    });

    it('leaves one of the same name that came meanwhile its own copies', async () => {
      losing();
      rig.apply({ syncToNamespaces: ['dev'] });
      await rig.reconcile();

      expect(rig.cluster.configMaps).to.have.all.keys('team-a/shared', 'dev/shared');
      expect(rig.status.summary).to.equal('1/1');
    });
  });

  it('removes nothing that merely looks like a copy', async () => {
    rig.cluster.put('prod', 'forged', {
      metadata: { name: 'forged', labels: { 'configmapsync.io/owner-uid': 'uid-share' } },
    });
    rig.cluster.put('dev', 'shared', { data: { theirs: 'now' } });
    rig.delete();
    await rig.reconcile();

    expect(rig.cluster.configMaps).to.have.all.keys('team-a/shared', 'prod/forged', 'dev/shared');
    expect(rig.gone).to.equal(true);
  });

  describe('that is not allowed to remove a copy', () => {
    beforeEach(() => {
      rig.cluster.rights.set('prod', ['get', 'list', 'watch']);
      rig.delete();
    });

    it('removes the others, says what is in the way once, and looks again soon', async () => {
      await rig.reconcile();
      await rig.reconcile();

      expect(rig.cluster.configMaps).to.have.all.keys('team-a/shared', 'prod/shared');
      expect(rig.gone).to.equal(false);
      expect(rig.condition('Ready')).to.equal('False/CleanupBlocked');
      expect(rig.state('prod')).to.equal('Stale/CleanupBlocked');
      expect(rig.state('dev')).to.equal(undefined);
      expect(rig.replans[0]).to.be.at.most(15_000);
      expect(rig.events.filter((event) => event === 'CleanupBlocked')).to.have.length(1);
    });

    it('goes on when it is allowed', async () => {
      await rig.reconcile();
      rig.cluster.rights.delete('prod');
      await rig.advance(45_000);

      await rig.reconcile();

      expect(rig.gone).to.equal(true);
      expect(rig.cluster.configMaps).to.have.all.keys('team-a/shared');
    });

    it('is abandoned when its time is up, and the last word names what is left', async () => {
      await rig.reconcile();
      await rig.advance(CLEAN_UP_MS);

      await rig.reconcile();

      expect(rig.gone).to.equal(true);
      expect(rig.events.at(-1)).to.equal('CleanupAbandoned');
      expect(rig.notes.at(-1)).to.include('prod/shared');
    });
  });

  describe('that is older than its time when an operator first sees it', () => {
    beforeEach(async () => {
      rig.delete();
      await rig.advance(CLEAN_UP_MS + 60_000);
    });

    it('is not abandoned for an error that may pass', async () => {
      rig.cluster.intercept = ({ method }) => (method === 'DELETE' ? refusal(500) : undefined);
      await rig.reconcile();
      expect(rig.gone).to.equal(false);
      expect(rig.condition('Ready')).to.equal('False/CleanupBlocked');
      expect(rig.events).not.to.include('CleanupAbandoned');
      rig.cluster.intercept = () => undefined;

      await rig.advance(1_000);

      expect(rig.gone).to.equal(true);
      expect(rig.cluster.configMaps).to.have.all.keys('team-a/shared');
    });

    it('is not abandoned for the first denial, and soon for one that stays', async () => {
      rig.cluster.rights.set('prod', ['get', 'list', 'watch']);
      await rig.reconcile();
      expect(rig.gone).to.equal(false);

      await rig.advance(60_000);
      await rig.reconcile();

      expect(rig.gone).to.equal(true);
      expect(rig.events.at(-1)).to.equal('CleanupAbandoned');
    });
  });

  describe('whose ServiceAccount is gone', () => {
    it('waits, for it may come back', async () => {
      await loseIdentity();
      rig.delete();

      await rig.reconcile();

      expect(rig.gone).to.equal(false);
      expect(rig.condition('ValidServiceAccount')).to.equal('False/ServiceAccountNotFound');
      expect(rig.condition('Ready')).to.equal('False/CleanupBlocked');
    });

    it('does not hold up a namespace that goes: no ServiceAccount can come back there', async () => {
      await loseIdentity();
      rig.cluster.addNamespace('team-a', { deletionTimestamp: '2026-01-02T03:04:05Z' });
      rig.delete();

      await rig.reconcile();

      expect(rig.gone).to.equal(true);
      expect(rig.events.at(-1)).to.equal('CleanupAbandoned');
    });

    it('is done where the copies go with their namespaces', async () => {
      await loseIdentity();
      rig.cluster.addNamespace('prod', { deletionTimestamp: '2026-01-02T03:04:05Z' });
      rig.cluster.addNamespace('dev', { deletionTimestamp: '2026-01-02T03:04:05Z' });
      rig.delete();

      await rig.reconcile();

      expect(rig.gone).to.equal(true);
      expect(rig.events).not.to.include('CleanupAbandoned');
    });
  });

  it('waits for nothing where the target namespaces go with their copies', async () => {
    for (const name of ['prod', 'dev']) {
      rig.cluster.addNamespace(name, { deletionTimestamp: '2026-01-02T03:04:05Z' });
    }
    rig.delete();

    await rig.reconcile();

    expect(rig.cluster.writes().filter((write) => write.startsWith('DELETE'))).to.deep.equal([]);
    expect(rig.gone).to.equal(true);
    expect(rig.events).not.to.include('CleanupAbandoned');
  });

  it('is not held up by a copy that could not be removed until its namespace went', async () => {
    rig.cluster.rights.set('prod', ['get', 'list', 'watch']);
    rig.delete();
    await rig.reconcile();
    expect(rig.condition('Ready')).to.equal('False/CleanupBlocked');
    rig.cluster.addNamespace('prod', { deletionTimestamp: '2026-01-02T03:04:05Z' });

    await rig.planQueued();

    expect(rig.gone).to.equal(true);
    expect(rig.events).not.to.include('CleanupAbandoned');
  });

  it('removes what an attempt that was under way still wrote', async () => {
    let answer = (): void => undefined;
    const slow = new Promise<undefined>((resolve) => (answer = () => resolve(undefined)));
    rig.cluster.addNamespace('lab');
    rig.cluster.intercept = ({ method, path }) =>
      method === 'POST' && path.endsWith('/lab/configmaps') ? slow : undefined;
    rig.apply({ syncToNamespaces: ['prod', 'dev', 'lab'] });
    await rig.reconcile();
    rig.delete();
    await rig.reconcile();
    expect(rig.gone).to.equal(false);

    answer();
    await rig.settle();
    await rig.advance(1_000);
    await rig.planQueued();

    expect(rig.cluster.configMaps).to.have.all.keys('team-a/shared');
    expect(rig.gone).to.equal(true);
  });

  it('tells of all that it removed, also where some of it took long', async () => {
    let answer = (): void => undefined;
    const slow = new Promise<undefined>((resolve) => (answer = () => resolve(undefined)));
    rig.cluster.intercept = ({ method, path }) =>
      method === 'DELETE' && path.includes('/prod/') ? slow : undefined;
    rig.delete();
    await rig.reconcile();
    await rig.advance(2_000);
    expect(rig.condition('Ready')).to.equal('Unknown/Progressing');
    answer();
    await rig.settle();
    await rig.advance(1_000);

    expect(rig.gone).to.equal(true);
    expect(rig.notes).to.deep.equal(['copies: 2 removed']);
  });

  it('does not hang for ever where a copy is never answered for', async () => {
    rig.cluster.intercept = ({ method, path }) =>
      method === 'DELETE' && path.includes('/prod/') ? refusal(0) : undefined;
    rig.delete();
    await rig.reconcile();
    await rig.advance(60_000);
    expect(rig.gone).to.equal(false);
    expect(rig.events).not.to.include('CleanupAbandoned');

    await rig.advance(CLEAN_UP_MS);
    await rig.planQueued();
    await rig.advance(5_000);

    expect(rig.gone).to.equal(true);
    expect(rig.events.at(-1)).to.equal('CleanupAbandoned');
    expect(rig.notes.at(-1)).to.include('prod/shared');
    expect(rig.cluster.configMaps).to.have.all.keys('team-a/shared', 'prod/shared');
  });

  it('comes to an end where each refusal takes longer than the look for what is under way', async () => {
    rig.cluster.intercept = async ({ method, path }) => {
      if (method !== 'DELETE' || !path.includes('/prod/')) return undefined;
      await rig.clock.sleep(2_000);
      return refusal(500);
    };
    rig.delete();
    await rig.reconcile();
    for (let second = 0; second < 30; second += 1) {
      await rig.advance(1_000);
      await rig.planQueued();
    }

    expect(rig.condition('Ready')).to.equal('False/CleanupBlocked');
  });

  it('says its last word once, however often the finalizer cannot be taken off', async () => {
    rig.cluster.intercept = ({ method, path }) =>
      method === 'PATCH' && path.endsWith('/configmapsyncs/share') ? refusal(500) : undefined;
    rig.delete();
    await rig.reconcile();
    await rig.advance(1_000);
    expect(rig.reportErrors.length).to.be.greaterThan(2);
    rig.cluster.intercept = () => undefined;
    await rig.advance(60_000);

    expect(rig.gone).to.equal(true);
    expect(rig.notes).to.deep.equal(['copies: 2 removed']);
  });

  it('is counted as abandoned once, however often the finalizer cannot be taken off', async () => {
    rig.cluster.rights.set('prod', ['get', 'list', 'watch']);
    rig.delete();
    await rig.reconcile();
    await rig.advance(CLEAN_UP_MS);
    rig.cluster.intercept = ({ method, path }) =>
      method === 'PATCH' && path.endsWith('/configmapsyncs/share') ? refusal(500) : undefined;
    await rig.reconcile();
    await rig.advance(1_000);
    rig.cluster.intercept = () => undefined;
    await rig.advance(60_000);

    expect(rig.gone).to.equal(true);
    expect(rig.abandoned).to.deep.equal(['team-a/share']);
  });

  it('is done at once where there never was an identity nor a copy', async () => {
    const never = new Rig();
    never.cluster.intercept = noToken;
    never.apply({ syncToNamespaces: ['prod'] });
    await never.reconcile();
    never.delete();
    await never.reconcile();

    expect(never.gone).to.equal(true);
    never.close();
  });

  it('does not hang for ever where no token is to be had for a reason that does not pass', async () => {
    await loseIdentity();
    rig.cluster.intercept = ({ path }) => (path.endsWith('/token') ? refusal(500) : undefined);
    rig.delete();
    expect(await rig.failure()).to.have.property('code', 500);
    await rig.advance(10_000);
    await rig.failure();
    expect(rig.condition('Ready')).to.equal('Unknown/SyncFailed');

    await rig.advance(CLEAN_UP_MS);
    await rig.reconcile();

    expect(rig.gone).to.equal(true);
    expect(rig.events.at(-1)).to.equal('CleanupAbandoned');
  });

  it('goes on after the operator was killed in the middle of it', async () => {
    rig.cluster.intercept = ({ method, path }) =>
      method === 'DELETE' && path.includes('/dev/') ? new Promise<undefined>(() => undefined) : undefined;
    rig.delete();
    await rig.reconcile();
    expect(rig.cluster.configMaps.has('prod/shared')).to.equal(false);

    const restarted = rig.restart();
    await restarted.reconcile();

    expect(restarted.gone).to.equal(true);
    expect(restarted.cluster.configMaps).to.have.all.keys('team-a/shared');
    restarted.close();
  });
});

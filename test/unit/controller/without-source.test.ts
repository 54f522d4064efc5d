import { expect } from 'chai';
import { refusal } from '../../support/fakes/fake-api.js';
import { Rig } from './rig.js';

describe('a reconcile', () => {
  let rig: Rig;

  beforeEach(() => {
    rig = new Rig();
    rig.cluster.put('team-a', 'shared', { data: { key: 'value' } });
    rig.apply({ syncToNamespaces: ['prod', 'dev'] });
  });

  afterEach(() => rig.close());

  describe('without an identity', () => {
    it('says why, keeps the copies and looks again soon', async () => {
      await rig.reconcile();
      const restarted = rig.restart();
      restarted.cluster.intercept = ({ path }) =>
        path.endsWith('/token') ? refusal(403, 'Forbidden') : undefined;

      const { requeueAfterMs } = await restarted.reconcile();

      expect(requeueAfterMs).to.be.at.most(15_000);
      expect(restarted.condition('ValidServiceAccount')).to.equal('False/TokenRequestDenied');
      expect(restarted.condition('SourceConfigMapFound')).to.equal('Unknown/NotEvaluated');
      expect(restarted.condition('Ready')).to.equal('False/TokenRequestDenied');
      expect(restarted.state('prod')).to.equal('Stale/TokenRequestDenied');
      expect(restarted.events).to.deep.equal(['TokenRequestDenied']);
      restarted.close();
    });
  });

  describe('without a source', () => {
    it('that may not be read looks again soon, even where a watch covers it', async () => {
      await rig.reconcile();
      rig.cluster.rights.set('team-a', ['create', 'update', 'delete', 'list', 'watch']);

      const { requeueAfterMs } = await rig.reconcile();

      expect(requeueAfterMs).to.be.at.most(15_000);
      expect(rig.condition('SourceConfigMapFound')).to.equal('False/SourceDenied');
      expect(rig.state('prod')).to.equal('Stale/SourceDenied');
      expect(rig.cluster.configMaps.has('prod/shared')).to.equal(true);
    });

    it('calls a copy that was kept stale, not denied, where the rights are gone when the source is back', async () => {
      await rig.reconcile();
      const source = rig.cluster.configMaps.get('team-a/shared')!;
      rig.cluster.remove('team-a/shared');
      await rig.reconcile();
      expect(rig.state('prod')).to.equal('Pending/CopyKept');
      rig.cluster.rights.set('prod', []);
      rig.cluster.put('team-a', 'shared', { data: source.data! });
      // By then the permissions were checked again.
      await rig.advance(60_000);

      await rig.reconcile();
      expect(rig.state('prod')).to.equal('Stale/MissingPermissions');

      // It is not forgotten when nobody wants it any more.
      rig.apply({ syncToNamespaces: ['dev'] });
      await rig.reconcile();
      expect(rig.state('prod')).to.equal('Stale/CleanupBlocked');
    });

    it('keeps the copies under Retain, and goes on when it is back', async () => {
      await rig.reconcile();
      const source = rig.cluster.configMaps.get('team-a/shared')!;
      rig.cluster.remove('team-a/shared');

      await rig.reconcile();
      expect(rig.condition('Ready')).to.equal('False/ConfigMapNotFound');
      expect(rig.state('prod')).to.equal('Pending/CopyKept');
      expect(rig.cluster.configMaps.has('prod/shared')).to.equal(true);

      rig.cluster.put('team-a', 'shared', { data: source.data! });
      await rig.reconcile();
      expect(rig.state('prod')).to.equal('Synced');
    });

    it('removes the copies under Delete, and only ours', async () => {
      await rig.reconcile();
      rig.cluster.put('dev', 'shared', { data: { theirs: 'now' } });
      rig.cluster.remove('team-a/shared');
      rig.apply({ sourceDeletionPolicy: 'Delete' });

      await rig.reconcile();

      expect(rig.cluster.configMaps.has('prod/shared')).to.equal(false);
      expect(rig.cluster.configMaps.get('dev/shared')?.data).to.deep.equal({ theirs: 'now' });
    });

    it('still clears what is no target any more', async () => {
      await rig.reconcile();
      rig.cluster.remove('team-a/shared');
      rig.apply({ syncToNamespaces: ['dev'] });

      await rig.reconcile();

      expect(rig.cluster.configMaps.has('prod/shared')).to.equal(false);
      expect(rig.state('prod')).to.equal(undefined);
      expect(rig.cluster.configMaps.has('dev/shared')).to.equal(true);
    });
  });
});

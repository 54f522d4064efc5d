import { expect } from 'chai';
import type { ConfigMap } from '../../../src/sync/config-map.js';
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

  describe('that cannot tell', () => {
    it('of its status, tells by Events all the same, once', async () => {
      rig.cluster.intercept = ({ path }) => (path.endsWith('/status') ? refusal(500) : undefined);

      await rig.reconcile();
      await rig.advance(1_000);
      expect(rig.reportErrors.length).to.be.greaterThan(2);
      expect(rig.events).to.deep.equal(['Synced']);

      rig.cluster.intercept = () => undefined;
      await rig.advance(10_000);
      expect(rig.events).to.deep.equal(['Synced']);
      expect(rig.status.summary).to.equal('2/2');
    });

    it('whether a copy was made finds it when it can, and never takes another one for it', async () => {
      // The API server carries it out, and its answer is lost.
      let lost = 1;
      rig.cluster.intercept = ({ method, path, body }) => {
        if (method !== 'POST' || !path.endsWith('/prod/configmaps') || lost-- <= 0) return undefined;
        rig.cluster.put('prod', 'shared', body as ConfigMap);
        return refusal(0);
      };
      await rig.reconcile();
      expect([...rig.syncState.namespacesWithCopies]).to.include('prod');
      await rig.advance(1_000);

      expect(rig.state('prod')).to.equal('Synced');
      expect(rig.status.targets?.[1]?.copies).to.deep.equal([{ name: 'shared', uid: 'uid-prod-shared' }]);
      expect(rig.cluster.writes().filter((write) => write.includes('prod'))).to.deep.equal([
        'POST prod/shared',
        'POST prod/shared',
      ]);
    });

    it('whether a copy was made removes it all the same, when nobody wants it any more', async () => {
      rig.cluster.intercept = ({ method, path, body }) => {
        if (method !== 'POST' || !path.endsWith('/prod/configmaps')) return undefined;
        rig.cluster.put('prod', 'shared', body as ConfigMap);
        return refusal(0);
      };
      await rig.reconcile();
      rig.apply({ syncToNamespaces: ['dev'] });
      rig.cluster.intercept = () => undefined;
      await rig.reconcile();

      expect(rig.cluster.configMaps).to.have.all.keys('team-a/shared', 'dev/shared');
    });

    it('who it is keeps what was last found, and says so where that goes on', async () => {
      await rig.reconcile();
      const restarted = rig.restart();
      restarted.cluster.intercept = ({ path }) => (path.endsWith('/token') ? refusal(500) : undefined);
      await restarted.failure();
      await restarted.advance(10_000);
      await restarted.failure();

      expect(restarted.condition('Ready')).to.equal('Unknown/SyncFailed');
      expect(restarted.condition('ValidServiceAccount')).to.equal('True/ServiceAccountValid');
      expect(restarted.state('prod')).to.equal('Synced');
      expect(restarted.status.summary).to.equal('2/2');
      expect(restarted.events).to.deep.equal(['SyncFailed']);
      restarted.close();
    });

    it('what the source is says so in the status, once, where that goes on', async () => {
      await rig.reconcile();
      rig.events.length = 0;
      rig.cluster.intercept = ({ method, path }) =>
        method === 'GET' && path.endsWith('/team-a/configmaps/shared') ? refusal(500) : undefined;
      rig.apply({ syncToNamespaces: ['prod'] });

      await rig.failure();
      expect(rig.condition('Ready')).to.equal('True/ReconciliationComplete');
      await rig.advance(10_000);
      await rig.failure();
      await rig.failure();

      expect(rig.condition('Ready')).to.equal('Unknown/SyncFailed');
      expect(rig.status).to.include({ observedGeneration: 1, summary: '2/2' });
      expect(rig.events).to.deep.equal(['SyncFailed']);

      rig.cluster.intercept = () => undefined;
      await rig.reconcile();
      expect(rig.condition('Ready')).to.equal('True/ReconciliationComplete');
      expect(rig.status).to.include({ observedGeneration: 2, summary: '1/1' });
    });

    it('what it may do gives up at once when the operator stops, whoever asked', async () => {
      rig.cluster.intercept = ({ path }) =>
        path.endsWith('/selfsubjectrulesreviews') ? new Promise<undefined>(() => undefined) : undefined;
      await rig.reconcile();
      const drained = rig.targets.queue.drain();

      rig.stop.abort(new Error('stopping'));

      await drained;
      expect(rig.targets.queue.length).to.equal(0);
    });

    it('who it is gives up at once when the operator stops', async () => {
      rig.cluster.intercept = ({ path }) =>
        path.endsWith('/token') ? new Promise<undefined>(() => undefined) : undefined;
      const failure = rig.failure();
      await rig.settle();

      rig.stop.abort(new Error('stopping'));

      expect(await failure).to.have.property('message', 'stopping');
    });
  });

  describe('whose status was lost', () => {
    let restarted: Rig;

    beforeEach(async () => {
      await rig.reconcile();
      delete rig.sync.status;
      restarted = rig.restart();
    });

    afterEach(() => restarted.close());

    it('finds its copies again, and records them', async () => {
      await restarted.reconcile();

      expect(restarted.status.summary).to.equal('2/2');
      expect(restarted.status.targets?.map(({ copies }) => copies?.length)).to.deep.equal([1, 1]);
      expect(restarted.cluster.writes()).to.deep.equal(['POST dev/shared', 'POST prod/shared']);
    });

    it('finds them also where it may only look', async () => {
      restarted.cluster.rights.set('prod', ['get']);
      await restarted.reconcile();

      expect(restarted.state('prod')).to.equal('Stale/MissingPermissions');
      expect(restarted.status.targets?.[1]?.copies).to.have.length(1);
    });

    it('removes them where the source is gone, and copies go with it', async () => {
      restarted.apply({ sourceDeletionPolicy: 'Delete' });
      restarted.cluster.remove('team-a/shared');
      await restarted.reconcile();

      expect(restarted.cluster.configMaps.size).to.equal(0);
    });

    it('removes them when it is deleted', async () => {
      restarted.delete();
      await restarted.reconcile();

      expect(restarted.cluster.configMaps).to.have.all.keys('team-a/shared');
      expect(restarted.gone).to.equal(true);
    });

    it('takes nothing for a copy that has its marks and was there before it', async () => {
      const { metadata } = restarted.cluster.configMaps.get('prod/shared')!;
      const creationTimestamp = '2025-01-01T00:00:00Z';
      restarted.cluster.put('prod', 'shared', {
        metadata: { ...metadata, uid: 'uid-forged', creationTimestamp },
      });
      restarted.delete();
      await restarted.reconcile();

      expect(restarted.cluster.configMaps).to.have.all.keys('team-a/shared', 'prod/shared');
      expect(restarted.gone).to.equal(true);
    });
  });
});

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

  describe('where a target takes long', () => {
    let answer: () => void;

    /** Creating in this namespace waits for {@link answer}. */
    function slowIn(namespace: string): void {
      const slow = new Promise<undefined>((resolve) => (answer = () => resolve(undefined)));
      rig.cluster.intercept = ({ method, path }) =>
        method === 'POST' && path.endsWith(`/${namespace}/configmaps`) ? slow : undefined;
    }

    it('tells of the others when it is quiet, and of that one when it is done', async () => {
      slowIn('prod');
      await rig.reconcile();
      expect(rig.status.summary).to.equal(undefined);
      await rig.advance(500);

      expect(rig.state('dev')).to.equal('Synced');
      expect(rig.state('prod')).to.equal('Pending/NotEvaluated');
      expect(rig.condition('Ready')).to.equal('Unknown/Progressing');
      answer();
      await rig.settle();
      await rig.advance(1_000);

      expect(rig.status.summary).to.equal('2/2');
      expect(rig.condition('Ready')).to.equal('True/ReconciliationComplete');
      expect(rig.cluster.api.sent.filter(({ path }) => path.endsWith('/status'))).to.have.length(2);
    });

    it('shows meanwhile what the target was before', async () => {
      await rig.reconcile();
      rig.cluster.put('team-a', 'shared', { data: { key: 'new' } });
      const slow = new Promise<undefined>((resolve) => (answer = () => resolve(undefined)));
      rig.cluster.intercept = ({ method, path }) =>
        method === 'PUT' && path.includes('/prod/') ? slow : undefined;
      await rig.reconcile();
      await rig.advance(1_000);

      expect(rig.state('prod')).to.equal('Synced');
      expect(rig.condition('AllTargetsSynced')).to.equal('Unknown/Progressing');
      answer();
      await rig.settle();
      await rig.advance(1_000);
      expect(rig.condition('AllTargetsSynced')).to.equal('True/AllConfigMapsSynced');
    });

    it('attempts it again for what was planned meanwhile, one at a time', async () => {
      slowIn('prod');
      await rig.reconcile();
      rig.cluster.put('team-a', 'shared', { data: { key: 'newer' } });
      await rig.reconcile();
      expect(rig.cluster.writes().filter((write) => write.includes('prod'))).to.deep.equal([
        'POST prod/shared',
      ]);

      answer();
      await rig.settle();

      expect(rig.cluster.configMaps.get('prod/shared')?.data).to.deep.equal({ key: 'newer' });
      expect(rig.cluster.writes().filter((write) => write.includes('prod'))).to.deep.equal([
        'POST prod/shared',
        'PUT prod/shared',
      ]);
    });

    it('goes by what an attempt may still write, not by what was seen before it', async () => {
      await rig.reconcile();
      await rig.reconcile();
      rig.cluster.put('team-a', 'shared', { data: { key: 'new' } });
      const slow = new Promise<undefined>((resolve) => (answer = () => resolve(undefined)));
      rig.cluster.intercept = ({ method, path }) =>
        method === 'PUT' && path.includes('/prod/') ? slow : undefined;
      await rig.reconcile();
      rig.cluster.put('team-a', 'shared', { data: { key: 'value' } });
      await rig.reconcile();
      answer();
      await rig.settle();

      expect(rig.cluster.configMaps.get('prod/shared')?.data).to.deep.equal({ key: 'value' });
    });

    it('removes what it made for a plan that is not the newest any more', async () => {
      slowIn('prod');
      await rig.reconcile();
      rig.apply({ syncToNamespaces: ['dev'] });
      await rig.reconcile();
      answer();
      await rig.settle();
      await rig.planQueued();

      expect(rig.cluster.configMaps).to.have.all.keys('team-a/shared', 'dev/shared');
      expect(rig.status.summary).to.equal('1/1');
      expect(rig.state('prod')).to.equal(undefined);
    });

    it('does not call it in sync where the source went meanwhile, and removes the copy where copies go with it', async () => {
      rig.apply({ sourceDeletionPolicy: 'Delete' });
      slowIn('prod');
      await rig.reconcile();
      await rig.advance(500);
      expect(rig.state('prod')).to.equal('Pending/NotEvaluated');
      rig.cluster.remove('team-a/shared');
      await rig.reconcile();
      answer();
      await rig.settle();
      await rig.planQueued();
      await rig.advance(1_000);

      expect(rig.cluster.configMaps.size).to.equal(0);
      expect(rig.state('prod')).to.equal('Pending/NotEvaluated');
    });

    it('leaves nothing behind of one that is forgotten meanwhile', async () => {
      slowIn('prod');
      await rig.reconcile();
      const state = rig.syncState;
      rig.reconciler.forget(state);
      answer();
      await rig.settle();
      await rig.advance(10_000);

      expect(rig.states.get(state.uid)).to.equal(undefined);
      expect(rig.targets.queue.length).to.equal(0);
      expect(rig.tenancy.watches).to.equal(0);
      expect(rig.faults).to.deep.equal([]);
    });
  });

  describe('that loses its identity', () => {
    it('serves the other targets, and plans again', async () => {
      rig.cluster.intercept = ({ method, path }) =>
        method === 'POST' && path.endsWith('/prod/configmaps') ? refusal(401, 'Unauthorized') : undefined;
      await rig.reconcile();
      rig.cluster.intercept = () => undefined;
      await rig.planQueued();

      expect(rig.status.summary).to.equal('2/2');
      expect(rig.faults).to.deep.equal([]);
    });
  });
});

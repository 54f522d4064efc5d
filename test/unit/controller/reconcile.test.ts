import { expect } from 'chai';
import { ApiError } from '../../../src/k8s/client/errors.js';
import type { ConfigMap } from '../../../src/sync/config-map.js';
import { refusal } from '../tenant/fake-api.js';
import { namespaceTerminating } from './fake-cluster.js';
import { POLL_MS, RESYNC_MS, Rig } from './rig.js';

describe('a reconcile', () => {
  let rig: Rig;

  beforeEach(() => {
    rig = new Rig();
    rig.cluster.put('team-a', 'shared', { data: { key: 'value' } });
    rig.apply({ syncToNamespaces: ['prod', 'dev'] });
  });

  afterEach(() => rig.close());

  it('copies, and writes the finalizer and one status', async () => {
    await rig.reconcile();

    expect(rig.cluster.writes()).to.have.members(['POST prod/shared', 'POST dev/shared']);
    expect(rig.status).to.include({ summary: '2/2', wantedTargets: 2, syncedTargets: 2, deniedTargets: 0 });
    expect(rig.condition('Ready')).to.equal('True/ReconciliationComplete');
    expect(rig.cluster.api.sent.filter(({ method }) => method === 'PATCH')).to.have.length(2);
    expect(rig.events).to.deep.equal(['Synced']);
  });

  it('records the copies that it made', async () => {
    await rig.reconcile();

    for (const { namespace, copies } of rig.status.targets ?? []) {
      const { uid } = rig.cluster.configMaps.get(`${namespace}/shared`)!.metadata;
      expect(copies).to.deep.equal([{ name: 'shared', uid }]);
    }
  });

  it('asks for nothing but the source where watches cover the copies, and writes nothing', async () => {
    await rig.reconcile();
    await rig.reconcile();
    const before = rig.cluster.api.sent.length;

    const { requeueAfterMs } = await rig.reconcile();

    expect(rig.cluster.api.sent.slice(before).map(({ path }) => path)).to.deep.equal([
      '/api/v1/namespaces/team-a/configmaps/shared',
    ]);
    expect(requeueAfterMs).to.equal(RESYNC_MS);
  });

  it('polls a source that may not be watched', async () => {
    rig.cluster.rights.set('team-a', ['get']);

    const { requeueAfterMs } = await rig.reconcile();

    expect(requeueAfterMs).to.equal(POLL_MS);
  });

  it('puts back what somebody else changed', async () => {
    await rig.reconcile();
    await rig.reconcile();
    const copy = rig.cluster.configMaps.get('prod/shared')!;
    rig.cluster.put('prod', 'shared', { ...copy, data: { key: 'edited' } });
    await rig.settle();

    await rig.reconcile();

    expect(rig.cluster.configMaps.get('prod/shared')?.data).to.deep.equal({ key: 'value' });
  });

  it('carries out a new wish at once, where it gave up putting the copy back', async () => {
    await rig.reconcile();
    await rig.reconcile();
    for (let edit = 0; edit < 6; edit += 1) {
      const copy = rig.cluster.configMaps.get('prod/shared')!;
      rig.cluster.put('prod', 'shared', { ...copy, data: { key: `edit ${edit}` } });
      await rig.settle();
      await rig.reconcile();
    }
    expect(rig.state('prod')).to.equal('Failed/Contended');

    rig.cluster.put('team-a', 'shared', { data: { key: 'new' } });
    await rig.reconcile();

    expect(rig.cluster.configMaps.get('prod/shared')?.data).to.deep.equal({ key: 'new' });
    expect(rig.state('prod')).to.equal('Synced');
  });

  describe('where one namespace is in the way', () => {
    it('serves the others, and says which verbs are missing', async () => {
      rig.cluster.rights.set('prod', ['get', 'list']);

      await rig.reconcile();

      expect(rig.state('dev')).to.equal('Synced');
      expect(rig.state('prod')).to.equal('Denied/MissingPermissions');
      expect(rig.condition('TargetsAuthorized')).to.equal('False/MissingPermissions');
      expect(rig.events).to.deep.equal(['NamespaceDenied prod', 'Synced']);
    });

    it('asks of most what is missing when everybody else is served', async () => {
      const denied = Array.from({ length: 200 }, (_, i) => `a-${i}`);
      for (const name of denied) {
        rig.cluster.addNamespace(name);
        rig.cluster.rights.set(name, []);
      }
      rig.apply({ syncToNamespaces: [...denied, 'prod'] });

      await rig.reconcile();

      const sent = rig.cluster.api.sent.map(({ path }) => path);
      const isQuestion = (path: string): boolean => path.endsWith('/selfsubjectaccessreviews');
      const before = sent.slice(0, sent.indexOf('/api/v1/namespaces/prod/configmaps'));
      expect(before.filter(isQuestion).length).to.be.lessThan(sent.filter(isQuestion).length / 4);
      expect(rig.status).to.include({ syncedTargets: 1, deniedTargets: 200 });
    });

    it('takes back the verdict of the reviews when the request itself is refused', async () => {
      rig.cluster.intercept = ({ method, path }) => {
        if (method !== 'POST' || !path.endsWith('/prod/configmaps')) return undefined;
        rig.cluster.rights.set('prod', ['get']);
        return refusal(403, 'Forbidden');
      };

      await rig.reconcile();

      expect(rig.state('prod')).to.equal('Denied/MissingPermissions');
      expect(rig.state('dev')).to.equal('Synced');
      expect(rig.operations).to.include('create denied');
    });

    it('tries a refusal that is not about rights again, later and later, and that target only', async () => {
      rig.cluster.intercept = ({ method, path }) =>
        method === 'POST' && path.endsWith('/prod/configmaps') ? refusal(403, 'Forbidden') : undefined;

      await rig.reconcile();
      expect(rig.state('prod')).to.equal('Failed/Forbidden');
      expect(rig.state('dev')).to.equal('Synced');
      await rig.advance(100);
      const tries = rig.operations.filter((operation) => operation === 'create denied').length;
      expect(tries).to.be.within(3, 6);
      rig.cluster.intercept = () => undefined;
      await rig.advance(1_000);

      expect(rig.state('prod')).to.equal('Synced');
      expect(rig.operations.filter((operation) => operation === 'create success')).to.have.length(2);
    });

    for (const [retryAfterSeconds, soonest, latest] of [
      [0, 1_000, 1_200],
      [1e9, 3_600_000, 4_000_000],
    ] as const) {
      it(`makes of a Retry-After of ${retryAfterSeconds} a wait that somebody may mean`, async () => {
        const busy = new ApiError({
          code: 429,
          reason: 'TooManyRequests',
          message: 'busy',
          retryAfterSeconds,
        });
        rig.cluster.intercept = ({ method, path }) =>
          method === 'POST' && path.endsWith('/prod/configmaps') ? busy : undefined;
        await rig.reconcile();
        rig.cluster.intercept = () => undefined;
        await rig.advance(soonest - 1);
        expect(rig.cluster.configMaps.has('prod/shared')).to.equal(false);
        await rig.advance(latest - soonest);

        expect(rig.cluster.configMaps.has('prod/shared')).to.equal(true);
      });
    }

    it('comes back when the server says, and not before', async () => {
      const busy = new ApiError({
        code: 429,
        reason: 'TooManyRequests',
        message: 'busy',
        retryAfterSeconds: 60,
      });
      rig.cluster.intercept = ({ method, path }) =>
        method === 'POST' && path.endsWith('/prod/configmaps') ? busy : undefined;

      await rig.reconcile();
      await rig.advance(5_000);
      expect(rig.state('prod')).to.equal('Pending/NotEvaluated');
      expect(rig.state('dev')).to.equal('Synced');
      expect(rig.condition('AllTargetsSynced')).to.equal('Unknown/Progressing');
      rig.cluster.intercept = () => undefined;
      await rig.reconcile();
      await rig.advance(50_000);
      expect(rig.operations).to.deep.equal(['create error', 'create success'].toReversed());
      await rig.advance(10_000);

      expect(rig.state('prod')).to.equal('Synced');
      expect(rig.condition('Ready')).to.equal('True/ReconciliationComplete');
    });

    it('polls a source that may not be watched no less often for it', async () => {
      rig.cluster.rights.set('team-a', ['get']);
      rig.cluster.intercept = ({ method, path }) =>
        method === 'POST' && path.endsWith('/prod/configmaps') ? refusal(403, 'Forbidden') : undefined;

      expect(await rig.reconcile()).to.deep.equal({ requeueAfterMs: POLL_MS });
    });

    it('waits for no retry where the namespace is being deleted', async () => {
      rig.cluster.intercept = ({ method, path }) =>
        method === 'POST' && path.endsWith('/prod/configmaps') ? namespaceTerminating() : undefined;

      await rig.reconcile();
      await rig.advance(10_000);
      expect(rig.state('prod')).to.equal('Terminating/NamespaceTerminating');
      expect(rig.operations.filter((operation) => operation === 'create denied')).to.have.length(1);
    });

    it('holds no copy any more where it is gone, with the rights in it', async () => {
      await rig.reconcile();
      rig.cluster.remove('prod/shared');
      rig.cluster.namespaces.remove({ metadata: { name: 'prod', uid: 'uid-prod', resourceVersion: '1' } });
      rig.cluster.rights.set('prod', []);
      await rig.advance(60_000);

      await rig.reconcile();

      expect(rig.state('prod')).to.equal('Denied/MissingPermissions');
    });

    it('tells whether it exists only to those who have rights there', async () => {
      rig.apply({ syncToNamespaces: ['nowhere', 'hidden'] });
      rig.cluster.rights.set('hidden', []);

      await rig.reconcile();

      expect(rig.state('nowhere')).to.equal('NamespaceNotFound/NamespaceNotFound');
      expect(rig.state('hidden')).to.equal('Denied/MissingPermissions');
    });

    it('settles a race for the same object within a few looks, or comes back', async () => {
      await rig.reconcile();
      rig.cluster.put('team-a', 'shared', { data: { key: 'new' } });
      let races = 2;
      rig.cluster.intercept = ({ method, path }) =>
        method === 'PUT' && path.includes('/prod/') && races-- > 0 ? refusal(409, 'Conflict') : undefined;

      await rig.reconcile();
      expect(rig.state('prod')).to.equal('Synced');

      rig.cluster.put('team-a', 'shared', { data: { key: 'newer' } });
      races = Infinity;
      await rig.reconcile();
      expect(rig.state('prod')).to.equal('Failed/Conflict');

      races = 0;
      await rig.advance(1_000);
      expect(rig.state('prod')).to.equal('Synced');
    });
  });

  it('reads everything once in a resync interval, whatever watches say', async () => {
    await rig.reconcile();
    await rig.reconcile();
    await rig.advance(RESYNC_MS);
    const before = rig.cluster.api.sent.length;

    await rig.reconcile();

    expect(rig.cluster.api.sent.slice(before).map(({ path }) => path)).to.include.members([
      '/api/v1/namespaces/prod/configmaps/shared',
      '/api/v1/namespaces/dev/configmaps/shared',
    ]);
  });

  it('records no copy where somebody else has put another ConfigMap', async () => {
    await rig.reconcile();
    rig.cluster.put('prod', 'shared', { data: { theirs: 'now' } });
    await rig.settle();
    await rig.reconcile();

    expect(rig.state('prod')).to.equal('Conflict/NotOurs');
    expect(rig.status.targets?.[1]).not.to.have.property('copies');
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
      expect(rig.targets.length).to.equal(0);
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
      const drained = rig.targets.drain();

      rig.stop.abort(new Error('stopping'));

      await drained;
      expect(rig.targets.length).to.equal(0);
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
      await rig.advance(45_000);

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

  describe('of a suspended ConfigMapSync', () => {
    it('touches and watches nothing, and keeps what was found', async () => {
      await rig.reconcile();
      rig.apply({ suspend: true });
      const before = rig.cluster.api.sent.length;

      await rig.reconcile();

      expect(rig.cluster.api.sent.slice(before).map(({ path }) => path.split('/').at(-1))).to.deep.equal([
        'status',
      ]);
      expect(rig.condition('Ready')).to.equal('False/Suspended');
      expect(rig.condition('SourceConfigMapFound')).to.equal('True/ConfigMapFound');
      expect(rig.status.summary).to.equal('2/2');

      await rig.advance(60_000);
      await rig.reconcile();
      expect(rig.tenancy.watches).to.equal(0);
    });

    it('is not looked at for the sake of what could not be removed before', async () => {
      rig.cluster.intercept = ({ method }) => (method === 'DELETE' ? refusal(403, 'Forbidden') : undefined);
      await rig.reconcile();
      rig.apply({ syncToNamespaces: ['dev'] });
      await rig.reconcile();
      expect(rig.replans).to.have.length(1);
      rig.apply({ suspend: true });
      await rig.reconcile();

      expect(rig.replans).to.have.length(1);
      expect(rig.state('prod')).to.equal('Failed/CleanupBlocked');
    });
  });

  it('never writes, adopts or removes the source, whatever its namespace is', async () => {
    rig.apply({ syncToNamespaces: ['team-a', 'prod'], conflictPolicy: 'Overwrite' });
    await rig.reconcile();
    rig.apply({ syncToNamespaces: ['dev'] });
    await rig.reconcile();
    rig.delete();
    await rig.reconcile();

    expect(rig.cluster.writes().filter((write) => write.includes('team-a/'))).to.deep.equal([]);
    expect(rig.cluster.configMaps.get('team-a/shared')?.data).to.deep.equal({ key: 'value' });
  });
});

import { expect } from 'chai';
import { RetryError } from '../../../src/k8s/client/errors.js';
import { TokenRejectedError } from '../../../src/tenant/errors.js';
import { settle } from '../../support/fakes/fake-clock.js';
import { refusal, type Sent } from '../../support/fakes/fake-api.js';
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
    await settle();

    await rig.reconcile();

    expect(rig.cluster.configMaps.get('prod/shared')?.data).to.deep.equal({ key: 'value' });
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

    it('asks what is missing when everybody else is served', async () => {
      const denied = Array.from({ length: 200 }, (_, i) => `a-${i}`);
      for (const name of denied) {
        rig.cluster.addNamespace(name);
        rig.cluster.rights.set(name, []);
      }
      rig.apply({ syncToNamespaces: [...denied, 'prod'] });

      await rig.reconcile();

      const sent = rig.cluster.api.sent.map(({ path }) => path);
      const firstQuestion = sent.findIndex((path) => path.endsWith('/selfsubjectaccessreviews'));
      expect(sent.indexOf('/api/v1/namespaces/prod/configmaps')).to.be.lessThan(firstQuestion);
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

    it('tries a refusal that is not about rights again, later and later', async () => {
      rig.cluster.intercept = ({ method, path }) =>
        method === 'POST' && path.endsWith('/prod/configmaps') ? refusal(403, 'Forbidden') : undefined;

      const failure = await rig.failure();

      expect(failure).to.have.property('message').that.includes('may pass');
      expect(rig.state('prod')).to.equal('Failed/Forbidden');
      expect(rig.state('dev')).to.equal('Synced');
    });

    it('polls a source that may not be watched no less often for it', async () => {
      rig.cluster.rights.set('team-a', ['get']);
      rig.cluster.intercept = ({ method, path }) =>
        method === 'POST' && path.endsWith('/prod/configmaps') ? refusal(403, 'Forbidden') : undefined;

      const failure = await rig.failure();

      expect(failure).to.be.instanceOf(RetryError);
      expect(failure).to.have.property('requeueAfterMs', POLL_MS);
    });

    it('waits for no retry where the namespace is being deleted', async () => {
      rig.cluster.intercept = ({ method, path }) =>
        method === 'POST' && path.endsWith('/prod/configmaps') ? namespaceTerminating() : undefined;

      expect(await rig.failure()).to.equal(undefined);
      expect(rig.state('prod')).to.equal('Terminating/NamespaceTerminating');
    });

    it('holds no copy any more where it is gone, with the rights in it', async () => {
      await rig.reconcile();
      rig.cluster.remove('prod/shared');
      rig.cluster.namespaces.remove({ metadata: { name: 'prod', uid: 'uid-prod', resourceVersion: '1' } });
      rig.cluster.rights.set('prod', []);
      await rig.clock.advance(60_000);

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
      expect(await rig.failure()).to.be.instanceOf(Error);
      expect(rig.state('prod')).to.equal('Failed/Conflict');
    });
  });

  describe('that breaks off', () => {
    it('leaves nothing running behind', async () => {
      let finishDev = (): void => undefined;
      const slow = new Promise<undefined>((resolve) => (finishDev = () => resolve(undefined)));
      rig.cluster.intercept = ({ method, path }) => {
        if (method !== 'POST') return undefined;
        if (path.endsWith('/prod/configmaps')) return refusal(401, 'Unauthorized');
        return path.endsWith('/dev/configmaps') ? slow : undefined;
      };
      let over = false;
      const failure = rig.failure().finally(() => (over = true));
      await settle();
      expect(over).to.equal(false);

      finishDev();

      expect(await failure).to.be.instanceOf(TokenRejectedError);
      expect(rig.cluster.configMaps.has('dev/shared')).to.equal(true);
    });

    it('tells of the copies that it had written', async () => {
      rig.cluster.intercept = ({ path }) => (path.endsWith('/status') ? refusal(500) : undefined);

      expect(await rig.failure()).to.have.property('code', 500);
      expect(rig.events).to.deep.equal(['Synced']);

      rig.cluster.intercept = () => undefined;
      await rig.reconcile();
      expect(rig.events).to.deep.equal(['Synced']);
      expect(rig.status.summary).to.equal('2/2');
    });

    it('says so in the status, once, where that goes on', async () => {
      await rig.reconcile();
      rig.events.length = 0;
      rig.cluster.intercept = ({ method, path }) =>
        method === 'GET' && path.endsWith('/team-a/configmaps/shared') ? refusal(500) : undefined;
      rig.apply({ syncToNamespaces: ['prod'] });

      await rig.failure();
      expect(rig.condition('Ready')).to.equal('True/ReconciliationComplete');
      await rig.clock.advance(10_000);
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

    it('tells of it where it is the status itself that cannot be written as it is', async () => {
      const toldInFull = ({ body }: Sent): boolean => JSON.stringify(body ?? '').includes('"targets":[{');
      rig.cluster.intercept = (request) =>
        request.path.endsWith('/status') && toldInFull(request) ? refusal(500) : undefined;
      for (let visit = 0; visit < 3; visit += 1) {
        await rig.failure();
        await rig.clock.advance(6_000);
      }

      expect(rig.condition('Ready')).to.equal('Unknown/SyncFailed');
      expect(rig.events.filter((event) => event === 'SyncFailed')).to.have.length(1);
    });

    it('gives up at once when the operator stops, whoever asked for the rights that it waits for', async () => {
      rig.cluster.intercept = ({ path }) =>
        path.endsWith('/selfsubjectrulesreviews') ? new Promise<undefined>(() => undefined) : undefined;
      const failure = rig.failure();
      await settle();

      rig.stop.abort(new Error('stopping'));

      expect(await failure).to.have.property('message', 'stopping');
    });

    it('gives up at once when the operator stops', async () => {
      rig.cluster.intercept = ({ path }) =>
        path.endsWith('/token') ? new Promise<undefined>(() => undefined) : undefined;
      const failure = rig.failure();
      await settle();

      rig.stop.abort(new Error('stopping'));

      expect(await failure).to.have.property('message', 'stopping');
    });
  });

  describe('without an identity', () => {
    it('says why, keeps the copies and looks again soon', async () => {
      await rig.reconcile();
      rig.close();
      const restarted = restart(rig);
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
      await rig.clock.advance(45_000);

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
      expect(rig.tenancy.watches).to.equal(0);
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

/** A new operator on the cluster of the old one. */
function restart(rig: Rig): Rig {
  const restarted = new Rig();
  for (const [key, configMap] of rig.cluster.configMaps) restarted.cluster.configMaps.set(key, configMap);
  restarted.cluster.syncs.upsert(rig.sync);
  return restarted;
}

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { ApiError } from '../../../src/k8s/client/errors.js';
import { refusal } from '../../support/fakes/fake-api.js';
import { namespaceTerminating } from './fake-cluster.js';
import { POLL_MS, RESYNC_MS, Rig } from './rig.js';

/** Of the whole heap, as when memory runs short. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

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

  it('reads the source again where its content was not kept until a target is attempted', async () => {
    rig.cluster.intercept = ({ method, path }) =>
      method === 'POST' && path.endsWith('/prod/configmaps') ? refusal(403, 'Forbidden') : undefined;
    await rig.reconcile();
    await rig.advance(100_000);
    await rig.planQueued();
    rig.cluster.intercept = () => undefined;
    // What was used in this turn of the event loop is kept until its end.
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    const before = rig.cluster.api.sentTo('/team-a/configmaps/shared').length;
    await rig.advance(300_000);
    expect(rig.cluster.configMaps.has('prod/shared')).to.equal(false);

    await rig.planQueued();
    await rig.advance(100);

    expect(rig.cluster.api.sentTo('/team-a/configmaps/shared')).to.have.length(before + 1);
    expect(rig.cluster.configMaps.get('prod/shared')?.data).to.deep.equal({ key: 'value' });
  });

  it('sends nothing back of what the API server notes about each key', async () => {
    await rig.reconcile();
    const managedFields = [{ manager: 'theirs', fieldsV1: { 'f:data': { 'f:key': {} } } }];
    const { metadata } = rig.cluster.configMaps.get('prod/shared')!;
    rig.cluster.put('prod', 'shared', { metadata: { ...metadata, managedFields }, data: { key: 'theirs' } });
    await rig.reconcile();

    const update = rig.cluster.api.sent.find(({ method }) => method === 'PUT');

    expect(update?.body).to.have.nested.property('data.key', 'value');
    expect(update?.body).not.to.have.nested.property('metadata.managedFields');
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

    it('tries again at once what has failed often where an annotation asks for it', async () => {
      rig.cluster.intercept = ({ method, path }) =>
        method === 'POST' && path.endsWith('/prod/configmaps') ? refusal(403, 'Forbidden') : undefined;
      await rig.reconcile();
      await rig.advance(200_000);
      rig.cluster.intercept = () => undefined;
      await rig.planQueued();
      await rig.advance(100);
      expect(rig.state('prod')).to.equal('Failed/Forbidden');

      rig.annotate({ retry: 'now' });
      await rig.planQueued();
      await rig.advance(100);

      expect(rig.state('prod')).to.equal('Synced');
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
      expect(rig.state('prod')).to.equal('Pending/Retrying');
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

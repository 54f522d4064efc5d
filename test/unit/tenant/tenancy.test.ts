import { expect } from 'chai';
import { SessionClosedError, TokenRejectedError } from '../../../src/tenant/errors.js';
import { FairQueue } from '../../../src/tenant/fair-queue.js';
import { Tenancy, type Session } from '../../../src/tenant/tenancy.js';
import { FakeClock, settle } from '../../support/fakes/fake-clock.js';
import { FakeApi, refusal, type Sent } from '../../support/fakes/fake-api.js';
import { FakeRights } from '../../support/fakes/fake-rights.js';

const share = { namespace: 'team-a', name: 'share' };
const rival = { namespace: 'team-a', name: 'rival' };
const builder = { namespace: 'team-a', name: 'builder' };
const other = { namespace: 'team-a', name: 'other' };

describe('tenancy', () => {
  let clock: FakeClock;
  let api: FakeApi;
  let tenancy: Tenancy;
  let rights: FakeRights;
  let uid: string;
  let tokenFailure: Error | undefined;
  let woken: string[];

  beforeEach(() => {
    clock = new FakeClock();
    rights = new FakeRights('get', 'create', 'update', 'delete', 'list', 'watch');
    uid = 'uid-1';
    tokenFailure = undefined;
    woken = [];
    api = new FakeApi(answer);
    tenancy = new Tenancy({
      client: api.client(),
      operator: 'operator',
      expirationSeconds: 600,
      onRequested: () => undefined,
      clientFor: (authorize) => api.client(authorize),
      requests: new FairQueue(32),
      userAgentPrefix: 'config-weaver/1',
      clock,
      onChanged: (account) => woken.push(...tenancy.usersOf(account)),
      random: () => 1,
      recheck: { deniedMs: 7_500, allowedMs: 45_000 },
      notify: () => undefined,
    });
  });

  afterEach(() => tenancy.closeAll());

  /** A token names its ServiceAccount, so that the identity check can tell whose it is. */
  function answer(request: Sent): unknown {
    const account = /serviceaccounts\/(.*)\/token$/.exec(request.path)?.[1];
    if (account !== undefined) {
      if (tokenFailure !== undefined) throw tokenFailure;
      return { spec: { expirationSeconds: 600 }, status: { token: account } };
    }
    if (request.path.endsWith('/selfsubjectreviews')) {
      const name = request.authorization.replace('Bearer ', '');
      return { status: { userInfo: { username: `system:serviceaccount:team-a:${name}`, uid } } };
    }
    return rights.review(request) ?? { metadata: { name: 'shared', resourceVersion: '1' }, items: [] };
  }

  const { signal } = new AbortController();
  const open = (sync = share, account = builder): Promise<Session> => tenancy.open(sync, account);
  const watched = (): string[] =>
    api.watches.map(({ request }) => request.path.replace(/.*namespaces\/(.*)\/configmaps/, '$1')).sort();

  function care(session: Session, ...namespaces: string[]): Promise<void> {
    session.setInterests(new Map(namespaces.map((namespace) => [namespace, new Set(['shared'])])));
    for (const namespace of namespaces) session.namespace(namespace);
    return settle();
  }

  it('acts as the tenant and names the ConfigMapSync in every request for a ConfigMap', async () => {
    const session = await open();
    await session.configMaps(() => undefined).get('prod', 'shared', signal);

    expect(api.sent.at(-1)).to.include({
      path: '/api/v1/namespaces/prod/configmaps/shared',
      authorization: 'Bearer builder',
      userAgent: 'config-weaver/1 configmapsync/team-a/share',
    });
  });

  it('tells of each decision of the API server, and of nothing that decides nothing', async () => {
    const decisions: unknown[] = [];
    const session = await open();
    const configMaps = session.configMaps((decision) => decisions.push(decision));
    await configMaps.get('prod', 'shared', signal);
    for (const failure of [refusal(403, 'Forbidden'), refusal(404, 'NotFound'), refusal(500)]) {
      api.answer = () => {
        throw failure;
      };
      await configMaps.get('prod', 'shared', signal).catch(() => undefined);
    }

    const about = { username: 'system:serviceaccount:team-a:builder', verb: 'get', namespace: 'prod' };
    expect(decisions).to.deep.equal([
      { ...about, decision: 'allowed', reason: '', code: 200, auditID: 'audit-3' },
      { ...about, decision: 'denied', reason: 'Forbidden', code: 403, auditID: 'audit-refused' },
    ]);
  });

  describe('watches', () => {
    it('what a ConfigMapSync cares for, and for a minute what it has dropped', async () => {
      const session = await open();
      await care(session, 'prod', 'dev');
      expect(watched()).to.deep.equal(['dev', 'prod']);

      await care(session, 'prod', 'lab');
      expect(watched()).to.deep.equal(['dev', 'lab', 'prod']);
      await clock.advance(60_000);

      expect(watched()).to.deep.equal(['lab', 'prod']);
      expect(tenancy.watches).to.equal(2);
    });

    it('a namespace once for all that share a ServiceAccount, until the last has dropped it', async () => {
      await care(await open(share), 'prod');
      await care(await open(rival), 'prod');
      expect(watched()).to.deep.equal(['prod']);

      tenancy.close('team-a/share');
      await settle();
      expect(watched()).to.deep.equal(['prod']);

      tenancy.close('team-a/rival');
      await settle();
      expect(watched()).to.deep.equal([]);
    });

    it('a namespace for each ServiceAccount by itself', async () => {
      await care(await open(share, builder), 'prod');
      await care(await open(rival, other), 'prod');

      expect(watched()).to.deep.equal(['prod', 'prod']);
      expect(api.watches.map(({ authorization }) => authorization)).to.deep.equal([
        'Bearer builder',
        'Bearer other',
      ]);
    });

    it('nothing as the old ServiceAccount a minute after spec names another, and its token goes if nobody else uses it', async () => {
      await care(await open(share, builder), 'prod');
      await care(await open(share, other), 'prod');
      expect(tenancy.cachedTokens).to.equal(2);
      await clock.advance(60_000);

      expect(api.watches.map(({ authorization }) => authorization)).to.deep.equal(['Bearer other']);
      expect(tenancy.cachedTokens).to.equal(1);
      expect(tenancy.usersOf(builder)).to.deep.equal([]);
    });

    it('and names each that was silent for too long', async () => {
      await care(await open(), 'prod');

      expect(tenancy.stalled(clock.now())).to.deep.equal([]);
      expect(tenancy.stalled(clock.now() + 1)).to.deep.equal(['team-a/builder (uid-1) in prod']);
    });
  });

  it('forgets the token with the last ConfigMapSync that used it', async () => {
    await open(share);
    await open(rival);
    expect(tenancy.usersOf(builder)).to.deep.equal(['team-a/share', 'team-a/rival']);

    tenancy.close('team-a/share');
    expect(tenancy.cachedTokens).to.equal(1);
    tenancy.close('team-a/rival');

    expect(tenancy.cachedTokens).to.equal(0);
  });

  it('forgets a token that comes when nobody uses it any more', async () => {
    const opening = open();
    tenancy.close('team-a/share');

    expect((await opening).tenant.ended.aborted).to.equal(true);
    expect(tenancy.cachedTokens).to.equal(0);
  });

  it('lets ten thousand ConfigMapSyncs of a ServiceAccount go in no time', async () => {
    const syncs = Array.from({ length: 10_000 }, (_, sync) => ({
      namespace: 'team-a',
      name: `sync-${sync}`,
    }));
    await Promise.all(syncs.map((sync) => open(sync)));
    const startedAt = performance.now();

    for (const { namespace, name } of syncs) tenancy.close(`${namespace}/${name}`);

    // What looks through all for each takes half a minute.
    expect(performance.now() - startedAt).to.be.below(1000);
    expect(tenancy.cachedTokens).to.equal(0);
  });

  it('knows who waits for a ServiceAccount that is not there', async () => {
    tokenFailure = refusal(404, 'NotFound');
    await open().catch(() => undefined);

    expect(tenancy.usersOf(builder)).to.deep.equal(['team-a/share']);
  });

  it('opens a namespace when it is looked at, and keeps what it was in the last session until then', async () => {
    await care(await open(), 'prod');
    const session = await open();
    session.setInterests(new Map(['prod', 'dev'].map((namespace) => [namespace, new Set(['other'])])));
    await settle();
    expect(watched()).to.deep.equal(['prod']);

    session.namespace('dev');
    await settle();

    expect(watched()).to.deep.equal(['dev', 'prod']);
  });

  it('looks at a namespace that nobody declared, without a watch, and forgets it with the next declaration', async () => {
    const session = await open();
    await care(session, 'prod');

    const view = session.namespace('dev');
    await settle();
    expect(watched()).to.deep.equal(['prod']);
    expect(session.namespace('dev')).to.equal(view);

    await care(session, 'prod');
    await clock.advance(60_000);
    expect(session.opened('dev')).to.equal(undefined);
  });

  it('opens nothing for a ConfigMapSync that has been closed, however many share its tenant', async () => {
    const closed = await open(share);
    await open(rival);
    tenancy.close('team-a/share');

    expect(() => closed.namespace('prod')).to.throw(SessionClosedError);
    expect(tenancy.watches).to.equal(0);
  });

  it('opens nothing when it is asked for what is open already', async () => {
    const session = await open();
    expect(session.opened('prod')).to.equal(undefined);
    await care(session, 'prod');

    // That another ConfigMapSync opened it is as good.
    expect((await open(rival)).opened('prod')).to.equal(session.namespace('prod'));
  });

  describe('what a ConfigMapSync has left', () => {
    const requests = (): number => api.sent.filter(({ path }) => !path.endsWith('/configmaps')).length;
    const verbs = ['get'] as const;

    async function review(account: typeof builder, ...namespaces: string[]): Promise<Session> {
      const session = await open(share, account);
      await care(session, ...namespaces);
      for (const namespace of namespaces)
        await session.namespace(namespace).access.verdict('shared', verbs, signal);
      return session;
    }

    it('costs nothing anew within a minute: a ServiceAccount', async () => {
      await review(builder, 'prod', 'dev');
      await review(other, 'prod', 'dev');
      const before = requests();

      for (let round = 0; round < 3; round += 1) {
        await clock.advance(10_000);
        await review(builder, 'prod', 'dev');
        await review(other, 'prod', 'dev');
      }

      // Re-checks have a rate of their own.
      const again = api.sent.filter(({ path }) => path.endsWith('/token') || path.endsWith('accessreviews'));
      expect(again.filter(({ path }) => path.endsWith('/token'))).to.have.length(2);
      expect(api.watches).to.have.length(4);
      expect(requests() - before).to.be.at.most(4);
    });

    it('costs nothing anew within a minute: namespaces', async () => {
      await review(builder, 'prod', 'dev');
      await review(builder, 'lab');
      const before = requests();

      const session = await open();
      session.setInterests(new Map(['prod', 'dev'].map((name) => [name, new Set(['shared'])])));

      // They are its own again, without a further look.
      await clock.advance(120_000);
      expect(session.opened('prod')?.access.known('shared', verbs)).to.deep.include({ missing: [] });
      expect(watched()).to.deep.equal(['dev', 'prod']);
      expect(api.sentTo('/token')).to.have.length(1);
      expect(before).to.equal(5);
    });

    it('is closed with the last ConfigMapSync that uses the ServiceAccount', async () => {
      await review(builder, 'prod', 'dev');
      await review(builder, 'lab');

      tenancy.close('team-a/share');
      await settle();

      expect(watched()).to.deep.equal([]);
      expect(tenancy.cachedTokens).to.equal(0);
    });

    it('has a bound: the oldest goes first', async () => {
      const session = await open();
      const many = Array.from({ length: 510 }, (_, i) => `ns-${i}`);
      await care(session, ...many);
      for (const name of many) await session.namespace(name).access.rules(signal);
      await settle();

      await care(session, 'prod');
      await settle();

      // With a watch, each counts as eight of 4,000.
      expect(tenancy.watches).to.equal(501);
      expect(watched()).not.to.include('ns-9');
      expect(watched()).to.include('ns-10');
    });
  });

  describe('when a tenant ends', () => {
    it('wakes its users, whose next session is the successor’s alone', async () => {
      const session = await open();
      await care(session, 'prod');
      uid = 'uid-2';

      session.tenant.end();
      await settle();
      expect(woken).to.deep.equal(['team-a/share']);
      expect(tenancy.watches).to.equal(0);

      const successor = await open();
      await care(successor, 'prod');
      expect(successor.tenant.uid).to.equal('uid-2');
      expect(watched()).to.deep.equal(['prod']);
    });

    it('refuses the old session, and leaves nothing behind that the successor would find', async () => {
      const session = await open();
      session.tenant.end();

      expect(() => session.setInterests(new Map([['prod', new Set(['shared'])]]))).to.throw(
        TokenRejectedError,
      );
      expect(() => session.namespace('prod')).to.throw(TokenRejectedError);

      // The same ServiceAccount with a new token has the same key.
      const successor = await open();
      await care(successor, 'prod');
      expect(successor.namespace('prod').covers('shared')).to.equal(true);
    });
  });

  it('leaves nothing behind after thousands of comings and goings', async () => {
    for (let round = 0; round < 200; round += 1) {
      const session = await open({ namespace: 'team-a', name: `sync-${round}` });
      await care(session, `ns-${round}`, `ns-${round + 1}`);
      if (round > 0) tenancy.close(`team-a/sync-${round - 1}`);
      await settle();
      expect(tenancy.watches).to.be.at.most(2);
    }
    tenancy.close('team-a/sync-199');
    await settle();

    expect(watched()).to.deep.equal([]);
    expect(tenancy.watches).to.equal(0);
    expect(tenancy.cachedTokens).to.equal(0);
    expect(tenancy.usersOf(builder)).to.deep.equal([]);
  });
});

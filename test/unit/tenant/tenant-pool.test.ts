import { expect } from 'chai';
import { IdentityError, TokenRejectedError } from '../../../src/tenant/errors.js';
import { FairQueue } from '../../../src/tenant/fair-queue.js';
import type { ServiceAccount } from '../../../src/api/kubernetes.js';
import { TenantPool } from '../../../src/tenant/tenant-pool.js';
import type { Tenant } from '../../../src/tenant/tenant.js';
import { FakeClock, settle } from '../../support/fakes/fake-clock.js';
import { FakeApi, refusal, type Sent } from '../../support/fakes/fake-api.js';

const account = { namespace: 'team-a', name: 'builder' };
const LIFE_MS = 600_000;

describe('the tenant pool', () => {
  let clock: FakeClock;
  let api: FakeApi;
  let tenants: TenantPool;
  let ended: ServiceAccount[];
  /** Whom the API server takes a token for. */
  let identity: { username: string; uid: string };
  let failTokenRequest: Error | undefined;
  let failIdentityCheck: Error | undefined;
  let failOthers: Error | undefined;

  beforeEach(() => {
    clock = new FakeClock();
    ended = [];
    identity = { username: 'system:serviceaccount:team-a:builder', uid: 'uid-1' };
    failTokenRequest = failIdentityCheck = failOthers = undefined;
    api = new FakeApi(answer);
    tenants = poolWith(new FairQueue(32));
  });

  /** Every token of this API server is called `token-N`, in the order of issue. */
  function answer({ path }: Sent): unknown {
    if (path.endsWith('/token')) {
      if (failTokenRequest !== undefined) throw failTokenRequest;
      const token = `token-${api.sentTo('/token').length}`;
      return { spec: { expirationSeconds: LIFE_MS / 1000 }, status: { token } };
    }
    if (path.endsWith('/selfsubjectreviews')) {
      if (failIdentityCheck !== undefined) throw failIdentityCheck;
      return { status: { userInfo: identity } };
    }
    if (failOthers !== undefined) throw failOthers;
    return {};
  }

  function poolWith(requests: FairQueue): TenantPool {
    return new TenantPool({
      client: api.client(),
      operator: 'operator',
      expirationSeconds: LIFE_MS / 1000,
      onRequested: () => undefined,
      clientFor: (authorize) => api.client(authorize),
      requests,
      userAgentPrefix: 'config-weaver/1',
      clock,
      onChanged: (account) => ended.push(account),
      recheck: { deniedMs: 7_500, allowedMs: 45_000 },
    });
  }

  function get(tenant: Tenant, path = '/api/v1/namespaces/prod/configmaps/shared'): Promise<unknown> {
    return tenant.request({ method: 'GET', path, signal: new AbortController().signal });
  }

  const tokensAsked = (): number => api.sentTo('/token').length;
  const failureOf = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);

  describe('opens a tenant', () => {
    it('with a token whose identity the API server has told', async () => {
      const tenant = await tenants.open(account);
      await get(tenant);

      expect(tenant).to.include({ uid: 'uid-1', username: 'system:serviceaccount:team-a:builder' });
      expect(api.sent.map(({ authorization }) => authorization)).to.deep.equal([
        'operator',
        'Bearer token-1',
        'Bearer token-1',
      ]);
      expect(api.sent.slice(1).map(({ userAgent }) => userAgent)).to.deep.equal([
        'config-weaver/1 serviceaccount/team-a/builder',
        'config-weaver/1 serviceaccount/team-a/builder',
      ]);
    });

    it('once, however many ask at the same time or later', async () => {
      const opened = await Promise.all([1, 2, 3].map(() => tenants.open(account)));
      opened.push(await tenants.open(account));

      expect(new Set(opened)).to.have.length(1);
      expect(tokensAsked()).to.equal(1);
      expect(api.sentTo('/selfsubjectreviews')).to.have.length(1);
      expect(tenants.cachedTokens).to.equal(1);
    });

    it('for each ServiceAccount by itself', async () => {
      const one = await tenants.open(account);
      identity = { username: 'system:serviceaccount:team-b:builder', uid: 'uid-2' };
      const other = await tenants.open({ namespace: 'team-b', name: 'builder' });

      expect(one).not.to.equal(other);
      expect(tenants.cachedTokens).to.equal(2);
    });

    for (const [what, found] of Object.entries({
      'somebody else': { username: 'system:serviceaccount:kube-system:admin', uid: 'uid-9' },
      'nobody known': { username: 'system:serviceaccount:team-a:builder', uid: '' },
      nobody: { username: '', uid: '' },
    })) {
      it(`never with a token of ${what}`, async () => {
        identity = found;

        const error = await failureOf(tenants.open(account));

        expect(error).to.be.instanceOf(IdentityError);
        expect(error).to.include({ reason: 'IdentityMismatch' });
        expect(tenants.cachedTokens).to.equal(0);
      });
    }

    it('not where it may not ask who it is, and says what to bind', async () => {
      failIdentityCheck = refusal(403, 'Forbidden');

      const error = await failureOf(tenants.open(account));

      expect(error).to.include({ reason: 'IdentityMismatch', code: 403 });
      expect(error).to.have.property('message').that.includes('system:basic-user');
    });

    it('by a new attempt after one that failed', async () => {
      failTokenRequest = refusal(403, 'Forbidden');
      expect(await failureOf(tenants.open(account))).to.include({ reason: 'TokenRequestDenied' });

      failTokenRequest = undefined;
      await clock.advance(1000);

      expect(await tenants.open(account)).to.have.property('uid', 'uid-1');
    });
  });

  describe('asks for tokens', () => {
    const accounts = (namespace: string, count: number): ServiceAccount[] =>
      Array.from({ length: count }, (_, i) => ({ namespace, name: `sa-${i}` }));

    /** Requests for tokens wait for {@link answers}, as many as are under way. */
    function holdTokens(): (() => void)[] {
      const answers: (() => void)[] = [];
      api.answer = (sent) => {
        if (!sent.path.endsWith('/token')) {
          const [, namespace = '', name = ''] =
            /serviceaccount\/(.*)\/(.*)$/.exec(sent.userAgent ?? '') ?? [];
          identity = { username: `system:serviceaccount:${namespace}:${name}`, uid: 'uid-1' };
          return answer(sent);
        }
        return new Promise((resolve) => answers.push(() => resolve(answer(sent))));
      };
      return answers;
    }

    it('a few at a time, tenants in turns, however many one of them has', async () => {
      const answers = holdTokens();
      for (const each of accounts('hostile', 1000)) void failureOf(tenants.open(each));
      await settle();
      expect(answers).to.have.length.within(1, 8);

      const victim = tenants.open(account);
      await settle();
      for (let answered = 0; answered < 16; answered += 1) {
        answers.shift()!();
        await settle();
      }

      expect((await Promise.race([victim, settle()]))?.account).to.equal(account);
      tenants.close();
    });

    it('that are renewed before new ones, of the same tenant too', async () => {
      const tenant = await tenants.open(account);
      const answers = holdTokens();
      for (const each of accounts('team-a', 100)) void failureOf(tenants.open(each));
      await clock.advance(LIFE_MS / 2);

      const request = get(tenant);
      await settle();

      // It waits for no more than those that have begun.
      expect(api.sentTo('/builder/token')).to.have.length(2);
      for (const respond of answers) respond();
      await request;
      tenants.close();
    });

    it('once for each retry, however many want the same that is refused', async () => {
      failTokenRequest = refusal(404, 'NotFound');
      const ask = (isNew: boolean): Promise<unknown[]> =>
        Promise.all(Array.from({ length: 100 }, () => failureOf(tenants.open(account, isNew))));

      for (let second = 0; second < 60; second += 1) {
        const errors = await ask(second === 0);
        expect(new Set(errors.map((error) => (error as IdentityError).reason))).to.deep.equal(
          new Set(['ServiceAccountNotFound']),
        );
        await clock.advance(1000);
      }

      // After 0.5 s, 1 s, 2 s, and from then on every 4.5 s to 7 s.
      expect(tokensAsked()).to.be.within(8, 18);

      const before = tokensAsked();
      await ask(true);
      expect(tokensAsked() - before).to.be.at.most(1);
    });

    it('again at once for one that has just come, where the refusal is not as new', async () => {
      failTokenRequest = refusal(403, 'Forbidden');
      for (let i = 0; i < 10; i += 1) {
        await failureOf(tenants.open(account));
        await clock.advance(10_000);
      }
      await failureOf(tenants.open(account));
      failTokenRequest = undefined;
      await clock.advance(1000);
      expect(await failureOf(tenants.open(account))).to.be.instanceOf(IdentityError);

      expect(await tenants.open(account, true)).to.have.property('uid', 'uid-1');
      await settle();

      // Those who were refused look again.
      expect(ended).to.deep.equal([account]);
    });
  });

  it('repeats no request that the server puts off: the caller has other things to do, and others need the seat', async () => {
    const tenant = await tenants.open(account);
    await get(tenant);

    expect(api.sent.at(-1)).to.have.property('waits', false);
  });

  describe('renews a token', () => {
    it('at half of its life, not before, and goes on with the same tenant', async () => {
      const tenant = await tenants.open(account);
      await clock.advance(LIFE_MS / 2 - 1);
      await get(tenant);
      expect(tokensAsked()).to.equal(1);

      await clock.advance(1);
      await get(tenant);

      expect(tokensAsked()).to.equal(2);
      expect(api.sent.at(-1)).to.have.property('authorization', 'Bearer token-2');
      expect(await tenants.open(account)).to.equal(tenant);
    });

    it('once, however many requests come due together', async () => {
      const tenant = await tenants.open(account);
      await clock.advance(LIFE_MS / 2);

      await Promise.all([1, 2, 3, 4].map(() => get(tenant)));

      expect(tokensAsked()).to.equal(2);
    });

    it('even while requests that wait for it hold every seat', async () => {
      tenants = poolWith(new FairQueue(1));
      const tenant = await tenants.open(account);
      await clock.advance(LIFE_MS / 2);

      const answers = await Promise.race([
        Promise.all([1, 2, 3].map(() => get(tenant))),
        settle().then(() => 'stuck'),
      ]);

      expect(answers).to.have.length(3);
    });

    it('later where that fails, serving the old token until it expires', async () => {
      const tenant = await tenants.open(account);
      await clock.advance(LIFE_MS / 2);
      failTokenRequest = refusal(503);
      await get(tenant);
      expect(api.sent.at(-1)).to.have.property('authorization', 'Bearer token-1');

      await clock.advance(LIFE_MS / 2);

      expect(await failureOf(get(tenant))).to.equal(failTokenRequest);
      expect(tenant.ended.aborted).to.equal(false);

      failTokenRequest = undefined;
      await clock.advance(10_000);
      await get(tenant);
      expect(api.sent.at(-1)?.authorization)
        .to.match(/^Bearer token-\d+$/)
        .and.not.equal('Bearer token-1');
    });

    it('after a pause where that fails, not with every request', async () => {
      const tenant = await tenants.open(account);
      await clock.advance(LIFE_MS / 2);
      failTokenRequest = refusal(503);

      for (let request = 0; request < 10; request += 1) await get(tenant);
      expect(tokensAsked()).to.equal(2);

      await clock.advance(10_000);
      await get(tenant);
      expect(tokensAsked()).to.equal(3);
    });

    it('no more where that is refused: the tenant ends', async () => {
      const tenant = await tenants.open(account);
      await clock.advance(LIFE_MS / 2);
      failTokenRequest = refusal(404, 'NotFound');

      expect(await failureOf(get(tenant))).to.include({ reason: 'ServiceAccountNotFound' });
      expect(tenant.ended.aborted).to.equal(true);
      expect(tenants.cachedTokens).to.equal(0);
      expect(ended).to.deep.equal([account]);
    });

    it('and ends the tenant where the ServiceAccount was made anew, without a further use of either token', async () => {
      const tenant = await tenants.open(account);
      await clock.advance(LIFE_MS / 2);
      identity = { ...identity, uid: 'uid-2' };

      const error = await failureOf(get(tenant));

      expect(error).to.be.instanceOf(TokenRejectedError);
      expect(tenant.ended.aborted).to.equal(true);
      expect(api.sentTo('/shared')).to.deep.equal([]);
      expect(await tenants.open(account)).to.have.property('uid', 'uid-2');
    });

    it('without holding up a request longer than its own deadline', async () => {
      const tenant = await tenants.open(account);
      await clock.advance(LIFE_MS / 2);
      api.answer = () => new Promise(() => undefined);
      const controller = new AbortController();
      const request = failureOf(tenant.request({ method: 'GET', path: '/x', signal: controller.signal }));
      await settle();

      controller.abort(new Error('time is up'));

      expect(await request).to.have.property('message', 'time is up');
    });
  });

  describe('drops a token', () => {
    it('that the API server takes no longer, tells who used it, and starts anew', async () => {
      const tenant = await tenants.open(account);
      failOthers = refusal(401, 'Unauthorized');
      expect(await failureOf(get(tenant))).to.be.instanceOf(TokenRejectedError);
      expect(ended).to.deep.equal([account]);
      expect(tenants.cachedTokens).to.equal(0);

      failOthers = undefined;
      const successor = await tenants.open(account);
      await get(successor);

      expect(successor).not.to.equal(tenant);
      expect(api.sent.at(-1)).to.have.property('authorization', 'Bearer token-2');
    });

    it('for good: whoever still holds the old tenant sends nothing any more', async () => {
      const tenant = await tenants.open(account);
      tenant.end();
      const before = api.sent.length;

      expect(await failureOf(get(tenant))).to.be.instanceOf(TokenRejectedError);
      const watch = tenant.client.watch({ path: '/w', signal: new AbortController().signal });
      expect(await failureOf(watch.next())).to.be.instanceOf(TokenRejectedError);
      expect(api.sent).to.have.length(before);
      expect(api.watches).to.have.length(0);
    });

    it('also under a request that waited for a seat meanwhile', async () => {
      const requests = new FairQueue(1);
      tenants = poolWith(requests);
      const tenant = await tenants.open(account);
      const release = await requests.acquire({ namespace: 'somebody', name: 'else' }, 'work');
      const waiting = failureOf(get(tenant));
      tenant.end();
      release();

      expect(await waiting).to.be.instanceOf(TokenRejectedError);
      expect(api.sentTo('/shared')).to.deep.equal([]);
    });

    it('that nobody uses any more, without telling anybody', async () => {
      const tenant = await tenants.open(account);

      tenants.forget(account);

      expect(tenant.ended.aborted).to.equal(true);
      expect(tenants.cachedTokens).to.equal(0);
      expect(ended).to.deep.equal([]);
    });
  });

  it('reads as much at a time as the bound for bytes allows, as soon as answers are large', async () => {
    const requests = new FairQueue(8, clock, undefined, 40_000);
    tenants = poolWith(requests);
    const tenant = await tenants.open(account);
    api.bytes = 4000;
    await get(tenant);
    const answers: (() => void)[] = [];
    api.answer = () => new Promise<object>((resolve) => answers.push(() => resolve({})));

    const reads = Array.from({ length: 20 }, () => get(tenant));
    await settle();
    expect(answers).to.have.length(2);

    // Small ones wait no longer than until a few were small.
    api.bytes = 10;
    while (answers.length > 0) {
      answers.shift()!();
      await settle();
    }
    await Promise.all(reads);
    const small = Array.from({ length: 20 }, () => get(tenant));
    await settle();
    expect(answers).to.have.length(8);
    while (answers.length > 0) {
      answers.shift()!();
      await settle();
    }
    await Promise.all(small);
  });

  it('ends every tenant and gives up what is under way when it closes', async () => {
    const tenant = await tenants.open(account);
    api.answer = () => new Promise(() => undefined);
    void failureOf(tenants.open({ namespace: 'team-b', name: 'builder' }));
    await settle();

    tenants.close();

    expect(tenant.ended.aborted).to.equal(true);
    expect(api.sent.at(-1)?.signal?.aborted).to.equal(true);
    expect(tenants.cachedTokens).to.equal(0);
  });
});

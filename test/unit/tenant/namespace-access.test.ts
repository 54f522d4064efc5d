import { expect } from 'chai';
import type { Verb } from '../../../src/api/v1alpha1/config-map-sync-status.js';
import { FairQueue } from '../../../src/tenant/fair-queue.js';
import { NamespaceAccess, type AccessVerdict } from '../../../src/tenant/namespace-access.js';
import { Tenant } from '../../../src/tenant/tenant.js';
import { settle } from '../../support/fakes/fake-clock.js';
import { FakeApi, refusal, type Sent } from '../../support/fakes/fake-api.js';
import { FakeRights } from '../../support/fakes/fake-rights.js';

const NEEDED: Verb[] = ['get', 'create', 'update', 'delete'];

describe('what a tenant may do in a namespace', () => {
  let rights: FakeRights;
  let api: FakeApi;
  let access: NamespaceAccess;
  let outdated: number;

  beforeEach(() => {
    rights = new FakeRights(...NEEDED);
    api = new FakeApi((request) => rights.review(request));
    const tenant = new Tenant({ namespace: 'team-a', name: 'builder' }, 'uid-1', {
      client: api.client(),
      requests: new FairQueue(32),
      userAgentPrefix: 'config-weaver/1',
    });
    outdated = 0;
    access = new NamespaceAccess(tenant, 'prod', () => (outdated += 1));
  });

  const { signal } = new AbortController();
  const verdict = (name = 'shared'): Promise<AccessVerdict> => access.verdict(name, NEEDED, signal);

  it('is found out by one rules review where everything is allowed', async () => {
    expect(await verdict()).to.deep.equal({ missing: [], auditID: undefined });
    expect(api.sent.map(({ path, body }) => [path, body])).to.deep.equal([
      [
        '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
        {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectRulesReview',
          spec: { namespace: 'prod' },
        },
      ],
    ]);
    expect(access.denied).to.equal(false);
  });

  it('is asked for verb by verb where the rules lack one, and what is missing is in the usual order', async () => {
    rights.verbs = ['create', 'get'];

    const { missing, auditID } = await verdict();

    expect(missing).to.deep.equal(['update', 'delete']);
    expect(auditID).to.match(/^audit-\d+$/);
    expect(access.denied).to.equal(true);
  });

  it('is read again once where a review allows what the rules did not list: they are older', async () => {
    rights.verbs = [];
    await access.rules(signal);
    rights.verbs = NEEDED;

    expect(await verdict()).to.deep.include({ missing: [] });
    expect(outdated).to.equal(1);
    expect((await access.rules(signal)).allows('delete', 'shared')).to.equal(true);

    await verdict();
    expect(outdated).to.equal(1);
  });

  it('is not read again for what an authorizer allows that never lists it', async () => {
    rights.unlisted = true;
    await verdict();
    expect(outdated).to.equal(0);
  });

  it('is asked for a create without a name, as the real request has none', async () => {
    rights.verbs = [];
    await verdict();

    const asked = api
      .sentTo('/selfsubjectaccessreviews')
      .map(
        ({ body }) =>
          (body as { spec: { resourceAttributes: { verb: string; name?: string } } }).spec.resourceAttributes,
      );
    expect(asked.map(({ verb, name }) => [verb, name])).to.deep.equal([
      ['get', 'shared'],
      ['create', undefined],
      ['update', 'shared'],
      ['delete', 'shared'],
    ]);
  });

  it('is what access reviews say where an authorizer cannot list its rules', async () => {
    rights.unlisted = true;
    rights.verbs = ['get', 'create'];

    expect((await verdict()).missing).to.deep.equal(['update', 'delete']);
  });

  it('is kept until something says that it changed', async () => {
    await Promise.all([verdict('shared'), verdict('else')]);
    await verdict('shared');

    expect(api.sent).to.have.length(1);
  });

  it('is asked for once for all names where the rules name none, however many ask at the same time', async () => {
    rights.verbs = ['get'];

    const verdicts = await Promise.all([verdict('shared'), verdict('else')]);
    verdicts.push(await verdict('third'));

    expect(verdicts.map(({ missing }) => missing)).to.deep.equal(
      Array.from({ length: 3 }, () => ['create', 'update', 'delete']),
    );
    expect(api.sentTo('/selfsubjectaccessreviews')).to.have.length(NEEDED.length);
    expect(access.known('fourth', NEEDED)).to.deep.equal(verdicts[0]);
  });

  it('is asked for name by name where the rules name some', async () => {
    rights.verbs = ['get', 'create'];
    rights.named = { name: 'shared', verbs: ['update', 'delete'] };

    const verdicts = await Promise.all([verdict('shared'), verdict('else')]);

    expect(verdicts.map(({ missing }) => missing)).to.deep.equal([[], ['update', 'delete']]);
    expect(access.known('fourth', NEEDED)).to.equal(undefined);
  });

  it('does not end with the caller that happened to be the first to ask', async () => {
    rights.verbs = ['get'];
    const first = new AbortController();

    const given = access.verdict('shared', NEEDED, first.signal).catch((error: unknown) => error);
    const second = verdict('else');
    first.abort(new Error('enough'));

    expect(await given).to.have.property('message', 'enough');
    expect((await second).missing).to.deep.equal(['create', 'update', 'delete']);
  });

  it('is asked for again after a request was refused', async () => {
    await verdict();
    rights.verbs = [];
    expect((await verdict()).missing).to.deep.equal([]);

    access.invalidate();

    expect((await verdict()).missing).to.deep.equal(NEEDED);
  });

  it('is asked for again after an attempt that failed', async () => {
    api.answer = () => {
      throw refusal(503);
    };
    expect(await verdict().catch((error: unknown) => error)).to.have.property('code', 503);

    api.answer = (request: Sent) => rights.review(request);

    expect((await verdict()).missing).to.deep.equal([]);
  });

  describe('is rechecked', () => {
    it('without a word where nothing was asked for', async () => {
      expect(await access.recheck(signal)).to.equal(false);
      expect(api.sent).to.deep.equal([]);
    });

    it('and is as it was where the rules are', async () => {
      await verdict();

      expect(await access.recheck(signal)).to.equal(false);
      expect(api.sent).to.have.length(2);
    });

    it('and is judged anew where rights came or went', async () => {
      rights.verbs = ['get'];
      await verdict();
      rights.verbs = NEEDED;

      expect(await access.recheck(signal)).to.equal(true);
      expect(access.denied).to.equal(false);
      expect((await verdict()).missing).to.deep.equal([]);
    });

    it('verdict by verdict where an authorizer cannot list its rules', async () => {
      rights.unlisted = true;
      rights.verbs = ['get'];
      await verdict();
      expect(await access.recheck(signal)).to.equal(false);

      rights.verbs = NEEDED;

      expect(await access.recheck(signal)).to.equal(true);
      expect((await verdict()).missing).to.deep.equal([]);
    });
  });

  it('is not what was found before a change, however late that answer comes', async () => {
    rights.verbs = [];
    let answerReviews = (): void => undefined;
    const held = new Promise<void>((resolve) => (answerReviews = resolve));
    api.answer = async (request) => {
      const answer = rights.review(request);
      if (request.path.endsWith('/selfsubjectaccessreviews')) await held;
      return answer;
    };
    const late = verdict();
    await settle();
    rights.verbs = NEEDED;
    expect(await access.recheck(signal)).to.equal(true);

    answerReviews();

    expect((await late).missing).to.deep.equal(NEEDED);
    expect((await verdict()).missing).to.deep.equal([]);
    expect(access.denied).to.equal(false);
  });

  it('is forgotten for names that nobody cares for any more', async () => {
    rights.verbs = [];
    rights.named = { name: 'shared', verbs: [...NEEDED] };
    await verdict('shared');
    await verdict('abandoned');
    rights.named = undefined;

    access.keepOnly(new Set(['shared']));

    expect(access.denied).to.equal(true);
    access.keepOnly(new Set(['else']));
    expect(access.denied).to.equal(false);
  });
});

describe('what a tenant may do in many namespaces', () => {
  const { signal } = new AbortController();
  let requests: FairQueue;
  let api: FakeApi;
  let tenant: Tenant;
  /** What lets the answer to each review go, in their order. */
  let held: (() => void)[];

  beforeEach(() => {
    const rights = new FakeRights(...NEEDED);
    held = [];
    requests = new FairQueue(32);
    api = new FakeApi(async (request) => {
      const review = rights.review(request);
      if (review !== undefined) await new Promise<void>((resolve) => held.push(resolve));
      return review;
    });
    tenant = new Tenant({ namespace: 'team-a', name: 'builder' }, 'uid-1', {
      client: api.client(),
      requests,
      userAgentPrefix: 'config-weaver/1',
    });
  });

  const verdicts = (count: number): Promise<AccessVerdict[]> =>
    Promise.all(
      Array.from({ length: count }, (_, i) =>
        new NamespaceAccess(tenant, `prod-${i}`, () => undefined).verdict('shared', NEEDED, signal),
      ),
    );
  const underWay = (): number => held.length;

  async function answer(count: number): Promise<void> {
    for (const release of held.splice(0, count)) release();
    await settle();
  }

  async function answerAll(): Promise<void> {
    while (held.length > 0) await answer(held.length);
  }

  it('is asked for a few at a time, and keeps no other request of it waiting', async () => {
    const all = verdicts(100);
    await tenant.request({ method: 'GET', path: '/source', signal });
    await settle();

    expect(underWay()).to.equal(16);
    await answerAll();
    expect(await all).to.have.length(100);
    expect(api.sentTo('/selfsubjectrulesreviews')).to.have.length(100);
  });

  it('is told to whoever still waits when the first that asked gives up', async () => {
    const access = new NamespaceAccess(tenant, 'prod', () => undefined);
    const controller = new AbortController();
    const first = access.rules(controller.signal).catch((error: unknown) => error);
    const second = access.rules(signal);
    await settle();

    controller.abort(new Error('enough'));
    await answerAll();

    expect(await first).to.have.property('message', 'enough');
    expect((await second).complete).to.equal(true);
  });

  it('keeps no other tenant waiting that asks as well', async () => {
    const other = new Tenant({ namespace: 'team-b', name: 'builder' }, 'uid-2', {
      client: api.client(),
      requests,
      userAgentPrefix: 'config-weaver/1',
    });
    const all = verdicts(100);
    await settle();
    const asked = new NamespaceAccess(other, 'prod', () => undefined).verdict('shared', NEEDED, signal);

    await answer(1);

    expect(api.sent.at(-1)?.userAgent).to.equal('config-weaver/1 serviceaccount/team-b/builder');
    await answerAll();
    expect(await asked)
      .to.have.property('missing')
      .that.has.length(0);
    await all;
  });
});

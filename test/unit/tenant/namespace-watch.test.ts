import { expect } from 'chai';
import type { KubernetesObject, WatchEvent } from '../../../src/k8s/client/objects.js';
import { FairQueue } from '../../../src/tenant/fair-queue.js';
import { NamespaceWatch } from '../../../src/tenant/namespace-watch.js';
import { ReviewPace } from '../../../src/k8s/util/review-pace.js';
import { Tenant } from '../../../src/tenant/tenant.js';
import { FakeClock, settle } from '../../support/fakes/fake-clock.js';
import { FakeApi, refusal, type Sent } from '../../support/fakes/fake-api.js';
import { FakeRights } from '../../support/fakes/fake-rights.js';

const DENIED_MS = 7_500;
const ALLOWED_MS = 45_000;
const NEEDED = ['get', 'create', 'update', 'delete'] as const;
const SYNC = 'team-a/share';
const RIVAL = 'team-a/rival';

function change(name: string, resourceVersion: string): WatchEvent<KubernetesObject> {
  return {
    type: 'MODIFIED',
    object: { metadata: { name, namespace: 'prod', uid: 'uid-copy', resourceVersion } },
  };
}

describe("a tenant's view of a namespace", () => {
  let clock: FakeClock;
  let rights: FakeRights;
  let api: FakeApi;
  let requests: FairQueue;
  let tenant: Tenant;
  let view: NamespaceWatch;
  let told: string[];
  let ends: number;

  beforeEach(() => {
    clock = new FakeClock();
    rights = new FakeRights(...NEEDED, 'list', 'watch');
    api = new FakeApi(answer);
    requests = new FairQueue(2);
    tenant = new Tenant({ namespace: 'team-a', name: 'builder' }, 'uid-1', {
      client: api.client(),
      requests,
      userAgentPrefix: 'config-weaver/1',
    });
    told = [];
    ends = 0;
    view = new NamespaceWatch({
      tenant,
      namespace: 'prod',
      clock,
      random: () => 1,
      recheck: { deniedMs: DENIED_MS, allowedMs: ALLOWED_MS },
      pace: new ReviewPace(clock),
      notify: (sync, cause) => told.push(`${sync} ${cause}`),
      onEnded: () => (ends += 1),
    });
  });

  afterEach(() => view.close());

  function answer(request: Sent): unknown {
    return rights.review(request) ?? { metadata: { resourceVersion: '1' }, items: [] };
  }

  const lists = (): Sent[] => api.sentTo('/configmaps');
  const { signal } = new AbortController();

  describe('watches', () => {
    it('the whole namespace where it may, once for all who use it', async () => {
      view.setInterest(SYNC, new Set(['shared']));
      view.setInterest(RIVAL, new Set(['else']));
      await settle();

      expect(api.watches.map(({ request }) => request.query?.fieldSelector)).to.deep.equal([undefined]);
      expect(api.watches[0]?.request).to.include({
        path: '/api/v1/namespaces/prod/configmaps',
        userAgent: 'config-weaver/1 serviceaccount/team-a/builder',
      });
      expect(view.covers('shared')).to.equal(true);
      expect(view.covers('anything')).to.equal(true);
      expect(told).to.deep.equal([`${SYNC} covered`, `${RIVAL} covered`]);
    });

    it('by name where only that is allowed', async () => {
      rights.verbs = [...NEEDED];
      rights.named = { name: 'shared', verbs: ['list', 'watch'] };
      view.setInterest(SYNC, new Set(['shared', 'else']));
      await settle();

      expect(api.watches.map(({ request }) => request.query?.fieldSelector)).to.deep.equal([
        'metadata.name=shared',
      ]);
      expect(view.covers('shared')).to.equal(true);
      expect(view.covers('else')).to.equal(false);
    });

    it('nothing, nor tries to, where the rules forbid it', async () => {
      rights.verbs = [...NEEDED, 'watch'];
      view.setInterest(SYNC, new Set(['shared']));
      await settle();

      expect(lists()).to.deep.equal([]);
      expect(view.watches).to.equal(0);
      expect(view.covers('shared')).to.equal(false);
    });

    it('nothing that may not be read', async () => {
      rights.verbs = ['list', 'watch'];
      view.setInterest(SYNC, new Set(['shared']));
      await settle();

      expect(lists()).to.deep.equal([]);
      expect(view.watches).to.equal(0);
    });

    it('what was granted after the rules were read, and before they were doubted', async () => {
      rights.verbs = [];
      view.setInterest(SYNC, new Set(['shared']));
      await settle();
      expect(view.watches).to.equal(0);

      rights.verbs = [...NEEDED, 'list', 'watch'];
      expect(await view.access.verdict('shared', NEEDED, signal)).to.deep.include({ missing: [] });
      await settle();

      expect(view.covers('shared')).to.equal(true);
    });

    it('nothing where nobody cares for a name', async () => {
      view.setInterest(SYNC, new Set());
      await settle();

      expect(api.sent).to.deep.equal([]);
    });

    it('by name no more once it may watch everything', async () => {
      rights.verbs = [...NEEDED];
      rights.named = { name: 'shared', verbs: ['list', 'watch'] };
      view.setInterest(SYNC, new Set(['shared']));
      await settle();
      rights.verbs = [...NEEDED, 'list', 'watch'];

      await clock.advance(ALLOWED_MS);

      expect(api.watches.map(({ request }) => request.query?.fieldSelector)).to.deep.equal([undefined]);
      expect(view.watches).to.equal(1);
      expect(view.covers('shared')).to.equal(true);
    });

    it('a name no longer that is given up, and again when it is taken up', async () => {
      rights.verbs = [...NEEDED];
      rights.named = { name: 'old', verbs: ['list', 'watch'] };
      view.setInterest(SYNC, new Set(['old']));
      await settle();
      expect(api.watches).to.have.length(1);

      view.setInterest(SYNC, new Set(['new']));
      view.setInterest(SYNC, new Set(['old']));
      await settle();
      expect(api.watches).to.have.length(1);
      expect(view.covers('old')).to.equal(true);

      view.setInterest(SYNC, new Set(['new']));
      await settle();
      expect(api.watches).to.have.length(0);
      expect(view.watches).to.equal(0);
    });
  });

  describe('tells', () => {
    it('those who care for a name of its changes, and nobody else', async () => {
      view.setInterest(SYNC, new Set(['shared']));
      view.setInterest(RIVAL, new Set(['else']));
      await settle();
      told.length = 0;

      api.watches[0]!.emit(change('shared', '5'));
      api.watches[0]!.emit(change('unheard-of', '6'));
      await settle();

      expect(told).to.deep.equal([`${SYNC} changed`]);
    });

    it('everybody but the writer of its own write', async () => {
      view.setInterest(SYNC, new Set(['shared']));
      view.setInterest(RIVAL, new Set(['shared']));
      await settle();
      told.length = 0;

      const observation = view.track('shared', SYNC);
      observation.confirm('5', 'as wished');
      observation.end();
      api.watches[0]!.emit(change('shared', '5'));
      await settle();

      expect(told).to.deep.equal([`${RIVAL} changed`]);
      expect(view.isCurrent('shared', 'as wished')).to.equal(true);
    });

    it('that copies have to be looked at again when a watch was away', async () => {
      view.setInterest(SYNC, new Set(['shared']));
      await settle();
      const observation = view.track('shared', SYNC);
      observation.confirm('5', 'as wished');
      observation.end();
      told.length = 0;

      api.watches[0]!.end(refusal(410, 'Expired'));
      await settle();
      expect(view.isCurrent('shared', 'as wished')).to.equal(false);

      await clock.advance(2_000);
      expect(view.covers('shared')).to.equal(true);
      expect(told).to.deep.equal([`${SYNC} covered`]);
    });
  });

  describe('and a watch that is refused although the rules allow it', () => {
    beforeEach(() => {
      api.refuseWatch = () => refusal(403, 'Forbidden');
    });

    it('sends everybody to ask for their rights again, and is not tried in a hot loop', async () => {
      // What a ConfigMapSync that is told does: it looks again, and declares the same interest.
      view.setInterest(SYNC, new Set(['shared']));
      for (let round = 0; round < 20; round += 1) {
        await settle();
        if (told.splice(0).length > 0) view.setInterest(SYNC, new Set(['shared']));
      }

      expect(lists()).to.have.length(1);
      expect(view.watches).to.equal(0);
      expect(view.covers('shared')).to.equal(false);
    });

    it('is tried again with the regular look at rights', async () => {
      view.setInterest(SYNC, new Set(['shared']));
      await settle();
      view.setInterest(SYNC, new Set(['shared']));
      api.refuseWatch = undefined;

      await clock.advance(2 * ALLOWED_MS);

      expect(view.covers('shared')).to.equal(true);
    });

    it('is tried at once when rights change', async () => {
      view.setInterest(SYNC, new Set(['shared']));
      await settle();
      rights.verbs = ['get', 'list', 'watch'];
      await view.access.verdict('shared', NEEDED, signal);
      api.refuseWatch = undefined;
      rights.verbs = [...NEEDED, 'list', 'watch'];

      await clock.advance(DENIED_MS);

      expect(view.covers('shared')).to.equal(true);
    });
  });

  it('watches by name where the rules say so and an authorizer that cannot list its rules refuses the rest', async () => {
    const named = { name: 'shared', verbs: ['list', 'watch'] };
    api.answer = (request) =>
      request.path.endsWith('/selfsubjectrulesreviews')
        ? {
            status: {
              incomplete: true,
              resourceRules: [
                {
                  apiGroups: [''],
                  resources: ['configmaps'],
                  verbs: named.verbs,
                  resourceNames: [named.name],
                },
              ],
            },
          }
        : answer(request);
    api.refuseWatch = ({ query }) => (query?.fieldSelector === undefined ? refusal(403) : undefined);
    view.setInterest(SYNC, new Set(['shared']));
    await settle();
    view.setInterest(SYNC, new Set(['shared']));
    await settle();

    expect(api.watches.map(({ request }) => request.query?.fieldSelector)).to.deep.equal([
      'metadata.name=shared',
    ]);
    expect(view.covers('shared')).to.equal(true);
  });

  it('lets its users poll where a watch breaks for good, and tries it again later', async () => {
    view.setInterest(SYNC, new Set(['shared']));
    await settle();
    told.length = 0;

    api.watches[0]!.end(refusal(400, 'BadRequest'));
    await settle();
    expect(view.covers('shared')).to.equal(false);
    expect(told).to.deep.equal([`${SYNC} access`]);

    await clock.advance(2 * ALLOWED_MS);
    expect(view.covers('shared')).to.equal(true);
  });

  describe('gives back its seat among the requests', () => {
    const everySeat = (): Promise<unknown> =>
      Promise.all(['x', 'y'].map((name) => requests.acquire({ namespace: name, name }, 'work')));
    const free = async (): Promise<boolean> => {
      let got = false;
      void everySeat().then(() => (got = true));
      await settle();
      return got;
    };

    it('when its watch is open', async () => {
      view.setInterest(SYNC, new Set(['shared']));
      await settle();

      expect(await free()).to.equal(true);
    });

    it('when its watch does not get going', async () => {
      api.answer = (request) => rights.review(request) ?? new Promise(() => undefined);
      view.setInterest(SYNC, new Set(['shared']));

      await clock.advance(10_000);

      expect(await free()).to.equal(true);
    });
  });

  describe('looks at rights again', () => {
    const reviews = (): number => api.sentTo('/selfsubjectrulesreviews').length;

    it('every 45 s while all is well', async () => {
      view.setInterest(SYNC, new Set(['shared']));
      await view.access.verdict('shared', NEEDED, signal);
      expect(reviews()).to.equal(1);

      await clock.advance(ALLOWED_MS - 1);
      expect(reviews()).to.equal(1);
      await clock.advance(10 * ALLOWED_MS);

      expect(reviews()).to.equal(11);
      expect(told).not.to.include(`${SYNC} access`);
    });

    it('within 7.5 s while something is missing, and tells when it is granted', async () => {
      rights.verbs = ['get'];
      view.setInterest(SYNC, new Set(['shared']));
      await view.access.verdict('shared', NEEDED, signal);
      await clock.advance(DENIED_MS);
      expect(told).to.deep.equal([]);

      rights.verbs = [...NEEDED, 'list', 'watch'];
      await clock.advance(DENIED_MS);

      expect(told).to.include(`${SYNC} access`);
      expect(view.covers('shared')).to.equal(true);
    });

    it('for ever, whatever answers come', async () => {
      view.setInterest(SYNC, new Set(['shared']));
      await view.access.verdict('shared', NEEDED, signal);
      api.answer = () => {
        throw refusal(500);
      };
      await clock.advance(10 * ALLOWED_MS);
      api.answer = answer;
      rights.verbs = ['list', 'watch'];

      await clock.advance(ALLOWED_MS);

      expect(told).to.include(`${SYNC} access`);
    });

    it('a hundred times a second at most, however many namespaces there are', async () => {
      const pace = new ReviewPace(clock);
      const views = Array.from(
        { length: 2000 },
        (_, namespace) =>
          new NamespaceWatch({
            tenant,
            namespace: `ns-${namespace}`,
            clock,
            random: () => 1,
            recheck: { deniedMs: DENIED_MS, allowedMs: ALLOWED_MS },
            pace,
            notify: () => undefined,
          }),
      );
      rights.verbs = [];
      await Promise.all(views.map((each) => each.access.verdict('shared', NEEDED, signal)));
      await clock.advance(DENIED_MS);
      const before = reviews();

      await clock.advance(5000);

      expect(reviews() - before).to.be.within(490, 510);
      for (const each of views) each.close();
    });

    it('no more when it has ended', async () => {
      view.setInterest(SYNC, new Set(['shared']));
      await settle();
      view.close();
      const before = api.sent.length;

      await clock.advance(10 * ALLOWED_MS);

      expect(api.sent).to.have.length(before);
    });
  });

  describe('ends', () => {
    it('with its last user: watches close, and nobody is told', async () => {
      view.setInterest(SYNC, new Set(['shared']));
      view.setInterest(RIVAL, new Set(['shared']));
      await settle();
      told.length = 0;
      view.dropInterest(SYNC);
      expect(ends).to.equal(0);

      view.dropInterest(RIVAL);
      await settle();

      expect(api.watches).to.deep.equal([]);
      expect(view.watches).to.equal(0);
      expect(ends).to.equal(1);
      expect(told).to.deep.equal([]);
    });

    it('with its tenant, whose token a watch found rejected', async () => {
      view.setInterest(SYNC, new Set(['shared']));
      await settle();

      api.watches[0]!.end(refusal(401, 'Unauthorized'));
      await settle();

      expect(tenant.ended.aborted).to.equal(true);
      expect(ends).to.equal(1);
      expect(view.watches).to.equal(0);
    });

    it('without leaving anything on a tenant that lives on', async () => {
      const before = tenant.dependents.size;
      const counted = countListeners(tenant.ended);
      for (let round = 0; round < 50; round += 1) {
        const other = new NamespaceWatch({
          tenant,
          namespace: `ns-${round}`,
          clock,
          random: () => 1,
          recheck: { deniedMs: DENIED_MS, allowedMs: ALLOWED_MS },
          pace: new ReviewPace(clock),
          notify: () => undefined,
        });
        other.setInterest(SYNC, new Set(['shared']));
        await settle();
        other.close();
        await settle();
      }

      expect(tenant.dependents.size).to.equal(before);
      expect(counted()).to.equal(0);
    });
  });
});

/** Listeners added to the signal from now on and not taken off again. */
function countListeners(signal: AbortSignal): () => number {
  let count = 0;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    count += 1;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    count -= 1;
    remove(...args);
  };
  return () => count;
}

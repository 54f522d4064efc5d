import { expect } from 'chai';
import { ApiError } from '../../../src/k8s/client/errors.js';
import { IdentityError } from '../../../src/tenant/errors.js';
import { requestToken, type TokenRequestOptions } from '../../../src/tenant/token-broker.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeApi, refusal } from '../../support/fakes/fake-api.js';

const account = { namespace: 'team-a', name: 'builder' };
const operator = 'system:serviceaccount:config-weaver:operator';

describe('the token broker', () => {
  let api: FakeApi;
  let clock: FakeClock;
  let counted: string[];
  let options: TokenRequestOptions;

  beforeEach(() => {
    clock = new FakeClock();
    api = new FakeApi(() => ({ spec: { expirationSeconds: 600 }, status: { token: 'a.b.c' } }));
    counted = [];
    options = {
      client: api.client(),
      operator,
      expirationSeconds: 600,
      clock,
      onRequested: (result) => counted.push(result),
    };
  });

  const request = (): Promise<unknown> => requestToken(options, account, new AbortController().signal);
  const failure = (): Promise<unknown> => request().catch((error: unknown) => error);

  it("asks for a short token of just that ServiceAccount, in the tenant's namespace, bound to nothing", async () => {
    const issued = await request();

    expect(issued).to.deep.equal({ token: 'a.b.c', issuedAt: clock.now(), expiresAt: clock.now() + 600_000 });
    expect(api.sent).to.have.length(1);
    expect(api.sent[0]).to.deep.include({
      method: 'POST',
      path: '/api/v1/namespaces/team-a/serviceaccounts/builder/token',
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: 600 },
      },
    });
    expect(counted).to.deep.equal(['success']);
  });

  it('believes the life that the server grants, shorter or longer, whatever its clock says', async () => {
    const expirationTimestamp = new Date(clock.now() - 3_600_000).toISOString();
    api.answer = () => ({ spec: { expirationSeconds: 60 }, status: { token: 'a.b.c', expirationTimestamp } });

    expect(await request()).to.include({ expiresAt: clock.now() + 60_000 });
  });

  it('says what to create where there is no such ServiceAccount', async () => {
    api.answer = () => {
      throw refusal(404, 'NotFound');
    };

    const error = await failure();

    expect(error).to.be.instanceOf(IdentityError);
    expect(error).to.include({ reason: 'ServiceAccountNotFound', code: 404, auditID: 'audit-refused' });
    expect(error).to.have.property('message').that.includes('"builder"').and.includes('"team-a"');
    expect(counted).to.deep.equal(['not_found']);
  });

  /** The request for a token is refused; the review says whether RBAC would allow it. */
  function refuse(error: Error, allowed: boolean | Error): void {
    api.answer = ({ path }) => {
      if (!path.endsWith('/selfsubjectaccessreviews')) throw error;
      if (allowed instanceof Error) throw allowed;
      return { status: { allowed } };
    };
  }

  for (const code of [400, 403, 422]) {
    it(`passes on why it is refused with ${code} although it is granted, and proposes no grant`, async () => {
      const words = 'denied request: no tokens on Sundays';
      refuse(new ApiError({ code, reason: 'Invalid', message: words }), true);

      const error = await failure();

      expect(error).to.include({ reason: 'TokenRequestDenied', code });
      expect(error).to.have.property('message').that.includes(words).and.does.not.include('RoleBinding');
      expect(counted).to.deep.equal(['denied']);
    });
  }

  it('says nothing where it cannot find out whether it is granted', async () => {
    const outage = refusal(500);
    refuse(refusal(403, 'Forbidden'), outage);

    expect(await failure()).to.equal(outage);
  });

  it('says how to grant it, ready to apply, where the tenant has not', async () => {
    refuse(refusal(403, 'Forbidden'), false);

    const error = await failure();

    expect(error).to.include({ reason: 'TokenRequestDenied', code: 403 });
    expect(error)
      .to.have.property('message')
      .that.includes('kind: RoleBinding')
      .and.includes('resourceNames:\n      - builder')
      .and.includes('kind: ServiceAccount\n    namespace: config-weaver\n    name: operator');
    expect(counted).to.deep.equal(['denied']);
  });

  it('proposes no grant in a namespace that is being deleted', async () => {
    api.answer = () => {
      throw new ApiError({
        code: 403,
        reason: 'Forbidden',
        message: 'terminating',
        causes: [{ reason: 'NamespaceTerminating' }],
      });
    };

    const error = await failure();

    expect(error).to.include({ reason: 'TokenRequestDenied' });
    expect(error).to.have.property('message').that.does.not.include('RoleBinding');
  });

  it('lets pass what may pass', async () => {
    const outage = refusal(503);
    api.answer = () => {
      throw outage;
    };

    expect(await failure()).to.equal(outage);
    expect(counted).to.deep.equal(['error']);
  });

  for (const [what, answer] of Object.entries({
    'no token': { spec: { expirationSeconds: 600 }, status: {} },
    'an empty token': { spec: { expirationSeconds: 600 }, status: { token: '' } },
    'no life': { status: { token: 'a.b.c' } },
    'no status': {},
  })) {
    it(`gives nothing where the answer holds ${what}, and repeats none of it`, async () => {
      api.answer = () => answer;

      const error = await failure();

      expect(error).to.include({ reason: 'IdentityMismatch' });
      expect(error).to.have.property('message').that.does.not.include('a.b.c');
    });
  }
});

import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { eventually } from '../../support/eventually.js';
import { operatorKubeconfig, type RunningOperator } from '../../support/operator.js';
import { auditLogOrSkip, plane, type TestPlane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import { ALL_VERBS, type TestTenant } from '../../support/tenant.js';
import { findToken } from '../../support/token-finder.js';

/** Where a token may turn up: name and text of everything that leaves the operator. */
async function surfaces(fixture: SyncFixture, operator: RunningOperator): Promise<Map<string, string>> {
  const { api } = fixture;
  const json = async (resource: 'configmapsyncs' | 'configmaps' | 'events' | 'leases'): Promise<string> =>
    JSON.stringify(await api.list({ resource }));
  return new Map([
    ['logs and audit lines', operator.output],
    ['metrics', (await operator.get('metrics', '/metrics')).text],
    ['readiness', (await operator.get('health', '/readyz?verbose')).text],
    ['ConfigMapSyncs', await json('configmapsyncs')],
    ['ConfigMaps', await json('configmaps')],
    ['Events', await json('events')],
    ['Leases', await json('leases')],
    ['the command line', await readFile(`/proc/${operator.pid}/cmdline`, 'utf8').catch(() => '')],
    ['the environment', await readFile(`/proc/${operator.pid}/environ`, 'utf8').catch(() => '')],
  ]);
}

/** The one that the operator itself was given. */
async function operatorToken(): Promise<string> {
  const kubeconfig = JSON.parse(await readFile(await operatorKubeconfig(), 'utf8')) as {
    users: { user: { token: string } }[];
  };
  return kubeconfig.users[0]?.user.token ?? '';
}

/** What can go wrong with an identity, and what goes well. @returns the tenant whose copies are in step */
async function liveThrough(fixture: SyncFixture): Promise<TestTenant> {
  const begin = async (tenant: TestTenant, verbs: readonly string[]): Promise<void> => {
    const target = await tenant.target(verbs);
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target] });
  };
  const allowed = await fixture.tenant();
  await begin(allowed, ALL_VERBS);
  const denied = await fixture.tenant();
  await begin(denied, []);
  const ungranted = await fixture.tenant({ tokenGrant: false });
  await begin(ungranted, ALL_VERBS);
  const hidden = await fixture.tenant({ home: [] });
  await begin(hidden, ALL_VERBS);
  await allowed.ready();
  await denied.condition('Ready', 'MissingPermissions');
  await ungranted.condition('Ready', 'TokenRequestDenied');
  await hidden.condition('Ready', 'SourceDenied');
  return allowed;
}

/** The API server refuses the token that is held: 401. It remembers a good token for ten seconds itself. */
async function loseServiceAccount(allowed: TestTenant): Promise<void> {
  await allowed.deleteServiceAccount();
  let looks = 0;
  await eventually(
    async () => {
      looks += 1;
      await allowed.patchSource({ data: { look: String(looks) } });
      const { conditions = [] } = await allowed.status();
      expect(conditions.find(({ type }) => type === 'Ready')?.reason).to.equal('ServiceAccountNotFound');
    },
    { timeoutMs: 30_000, intervalMs: 500 },
  );
}

/** Where a paged list goes on is JSON in base64 too, and no secret: other suites' lists leave it in the log. */
function withoutListPositions(log: string): string {
  return log.replace(/(continue=)[^&"\\]+/g, '$1');
}

describe('tokens', () => {
  let shared: TestPlane;

  before(async () => {
    shared = await plane();
  });

  it('would be found, whole or in part, if they were anywhere', async () => {
    const token = await operatorToken();
    const [header = '', payload = ''] = token.split('.');

    expect(findToken(`before ${token} after`)).to.be.a('string');
    expect(findToken(header.slice(0, 24))).to.be.a('string');
    expect(findToken(payload.slice(0, 24))).to.be.a('string');
    expect(findToken('{"authorization":"Bearer abcdefgh"}')).to.be.a('string');
    expect(findToken('system:serviceaccount:eye:default may not get configmaps')).to.equal(undefined);
  });

  for (const format of ['json', 'text']) {
    it(`are in nothing that leaves the operator, whatever goes wrong, with debug logs as ${format}`, async function () {
      const auditLog = auditLogOrSkip(this, shared);
      const signature = (await operatorToken()).split('.')[2] ?? '';
      const fixture = await SyncFixture.start({ args: ['--poll-interval=1s', `--log-format=${format}`] });
      try {
        const allowed = await liveThrough(fixture);
        if (format === 'json') await loseServiceAccount(allowed);

        for (const [name, text] of await surfaces(fixture, fixture.operator)) {
          expect(findToken(text), name).to.equal(undefined);
          expect(text.includes(signature.slice(0, 20)), name).to.equal(false);
        }
        const log = withoutListPositions(await readFile(auditLog, 'utf8'));
        expect(findToken(log), "the API server's audit log").to.equal(undefined);
        expect(signature.length).to.be.greaterThan(20);
      } finally {
        await fixture.end();
      }
    });
  }

  it('are no longer held when the last ConfigMapSync that uses them is gone', async () => {
    const fixture = await SyncFixture.start();
    try {
      const tenant = await fixture.tenant();
      const target = await tenant.target();
      const cached = async (): Promise<number> =>
        (await fixture.operator.samples('configweaver_cached_tokens'))[0]?.value ?? 0;
      await fixture.idle();
      // Those of ConfigMapSyncs that other suites may have left.
      const others = await cached();
      await tenant.createSource({ data: { key: 'value' } });
      await tenant.createSync({ syncToNamespaces: [target] }, 'one');
      await tenant.createSync({ syncToNamespaces: [target], target: { name: 'two' } }, 'two');
      await tenant.ready('one');
      await tenant.ready('two');

      const withTwo = await cached();
      await tenant.deleteSync('one');
      await tenant.gone('one');
      const withOne = await cached();
      await tenant.deleteSync('two');
      await tenant.gone('two');

      expect([withTwo, withOne]).to.deep.equal([others + 1, others + 1]);
      await eventually(async () => expect(await cached()).to.equal(others));
    } finally {
      await fixture.end();
    }
  });
});

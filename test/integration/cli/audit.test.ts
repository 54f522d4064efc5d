import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { expect } from 'chai';
import { repositoryRoot } from '../../../hack/repository.js';
import { plane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import type { TestTenant } from '../../support/tenant.js';
import { configWeaver, execute } from './audit-plan-grant-process.js';

describe('config-weaver audit', () => {
  let fixture: SyncFixture;
  let tenant: TestTenant;
  let allowed: string;
  let denied: string;

  before(async () => {
    fixture = await SyncFixture.start();
    tenant = await fixture.tenant();
    allowed = await tenant.target();
    denied = await tenant.target(['get']);
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [allowed, denied] });
    await tenant.targetState(allowed, 'Synced');
    await tenant.targetState(denied, 'Denied');
  });
  after(() => fixture.end());

  it('tells of every target its state, what is missing, and since when', async () => {
    const { code, stdout } = await configWeaver(['audit', '-n', tenant.namespace, '-o', 'json']);

    expect(code).to.equal(0);
    const list = JSON.parse(stdout) as { since: string }[];
    const sync = { namespace: tenant.namespace, name: 'sync', serviceAccount: 'syncer' };
    const expected = [
      { ...sync, targetNamespace: allowed, state: 'Synced', reason: 'ConfigMapSynced', missingVerbs: [] },
      {
        ...sync,
        targetNamespace: denied,
        state: 'Denied',
        reason: 'MissingPermissions',
        missingVerbs: ['create', 'update', 'delete'],
      },
    ].sort((a, b) => (a.targetNamespace < b.targetNamespace ? -1 : 1));
    expect(list.map((row) => ({ ...row, since: '' }))).to.deep.equal(
      expected.map((row) => ({ ...row, since: '' })),
    );
    for (const { since } of list) expect(since).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  it('ends with 3 for a denial where that is asked for, and with 0 where there is none', async () => {
    const other = await fixture.tenant();

    const refused = await configWeaver(['audit', '-n', tenant.namespace, '--fail-on-denied']);
    const fine = await configWeaver(['audit', '-n', other.namespace, '--fail-on-denied']);

    expect([refused.code, fine.code]).to.deep.equal([3, 0]);
    expect(fine.stderr).to.equal(`# no ConfigMapSync in namespace "${other.namespace}"\n`);
  });

  it('prints a plain table where nobody looks at it, and all namespaces for -A', async () => {
    const { stdout } = await configWeaver(['audit', '-A']);

    expect(stdout).to.match(/^NAMESPACE {2,}NAME {2,}SERVICEACCOUNT {2,}TARGET {2,}STATE/);
    expect(stdout).to.contain(denied).and.to.not.contain('\u001b');
  });

  it('prints CSV and HTML', async () => {
    const csv = await configWeaver(['audit', '-n', tenant.namespace, '-o', 'csv']);
    const html = await configWeaver(['audit', '-n', tenant.namespace, '-o', 'html']);

    expect(csv.stdout).to.contain(`,${denied},Denied,MissingPermissions,create update delete,`);
    expect(html.stdout)
      .to.match(/^<!doctype html>/)
      .and.to.contain(`namespace: ${denied}`);
  });

  it('shows a ConfigMapSync that no operator has looked at yet', async () => {
    const other = await fixture.tenant();
    await fixture.restart(async () => {
      await other.createSync({ syncToNamespaces: [allowed] });

      const { stdout } = await configWeaver(['audit', '-n', other.namespace, '-o', 'json']);

      expect(JSON.parse(stdout)).to.have.length(1);
      expect((JSON.parse(stdout) as object[])[0]).to.include({ targetNamespace: allowed, state: 'Pending' });
    });
  });

  it('looks with the rights of the caller, and says what to do where they do not reach', async () => {
    const shared = await plane();
    const kubeconfig = await shared.serviceAccountKubeconfig(tenant.namespace, 'syncer');

    const { code, stderr } = await configWeaver(['audit', '-A'], { kubeconfig });

    expect(code).to.equal(1);
    expect(stderr).to.contain(tenant.username).and.to.contain('-n NAMESPACE');
    expect(stderr.trim().split('\n')).to.have.length(1);
  });

  it('is a plugin of kubectl, found on PATH by way of a link', async () => {
    const shared = await plane();
    const kubectl = shared.controlPlane?.assets ?? '';
    const directory = await mkdtemp(join(tmpdir(), 'config-weaver-plugin-'));
    try {
      await symlink(join(repositoryRoot(), 'hack', 'kubectl-weaver'), join(directory, 'kubectl-weaver'));
      const PATH = [directory, dirname(process.execPath), kubectl, process.env.PATH].join(delimiter);
      const env = { PATH, HOME: process.env.HOME, KUBECONFIG: shared.kubeconfig };

      const audit = await execute(['kubectl', 'weaver', 'audit', '-n', tenant.namespace], env);
      const bare = await execute(['kubectl', 'weaver'], env);

      expect(audit.stderr).to.equal('');
      expect(audit.stdout).to.contain(denied);
      expect(bare, 'starts no operator').to.deep.include({ code: 0 });
      expect(bare.stdout).to.contain('Usage: kubectl weaver ');
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

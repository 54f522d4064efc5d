import { expect } from 'chai';
import type { PlanRow } from '../../../src/cli/plan/plan-table.js';
import { AuditLog } from '../../support/audit-log.js';
import { auditLogOrSkip, plane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import type { TestTenant } from '../../support/tenant.js';
import { configWeaver, type Outcome } from './audit-plan-grant-process.js';

function manifest(tenant: TestTenant, spec: object, name = 'sync'): string {
  return JSON.stringify({
    apiVersion: 'weaver.example.com/v1alpha1',
    kind: 'ConfigMapSync',
    metadata: { name, namespace: tenant.namespace },
    spec: { source: { name: 'source' }, serviceAccount: { name: tenant.serviceAccount }, ...spec },
  });
}

function plan(tenant: TestTenant, spec: object, kubeconfig?: string): Promise<Outcome> {
  const input = manifest(tenant, spec);
  return configWeaver(['plan', '-f', '-', '-o', 'json'], { input, ...(kubeconfig && { kubeconfig }) });
}

/** `target ConfigMap: action` of each row. */
function actions({ stdout }: Outcome): string[] {
  const rows = JSON.parse(stdout) as PlanRow[];
  return rows
    .map(({ targetNamespace, configMap, action }) => `${targetNamespace} ${configMap}: ${action}`)
    .sort();
}

describe('config-weaver plan', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start();
  });
  after(() => fixture.end());

  it('tells what would be created, taken for a conflict, denied and waited for', async () => {
    const tenant = await fixture.tenant();
    const [fresh, taken, denied] = [
      await tenant.target(),
      await tenant.target(),
      await tenant.target(['get']),
    ];
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createConfigMap(taken, 'source', { data: { other: 'x' } });

    const outcome = await plan(tenant, { syncToNamespaces: [fresh, taken, denied] });

    expect(outcome.code, outcome.stderr).to.equal(0);
    expect(actions(outcome)).to.deep.equal(
      [`${fresh} source: create`, `${taken} source: conflict`, `${denied} source: denied`].sort(),
    );
    const rows = JSON.parse(outcome.stdout) as PlanRow[];
    expect(rows.find(({ action }) => action === 'create')?.changes).to.deep.equal([
      { part: 'data', key: 'key', change: 'added', bytesBefore: null, bytesAfter: 5 },
    ]);
    expect(rows.find(({ action }) => action === 'denied')?.missingVerbs).to.deep.equal([
      'create',
      'update',
      'delete',
    ]);
    expect(outcome.stdout, 'a value').to.not.contain('value');
  });

  it('agrees with what the operator then does, for what is there already as well', async () => {
    const tenant = await fixture.tenant();
    const [kept, dropped] = [await tenant.target(), await tenant.target()];
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [kept, dropped] });
    await tenant.ready();

    const same = await plan(tenant, { syncToNamespaces: [kept, dropped] });
    const narrowed = await plan(tenant, { syncToNamespaces: [kept], target: { labels: { team: 'a' } } });
    const orphaned = await plan(tenant, { syncToNamespaces: [kept], deletionPolicy: 'Orphan' });
    const renamed = await plan(tenant, { syncToNamespaces: [kept, dropped], target: { name: 'new' } });

    expect(actions(same)).to.deep.equal([`${kept} source: unchanged`, `${dropped} source: unchanged`].sort());
    expect(actions(narrowed)).to.deep.equal([`${kept} source: update`, `${dropped} source: delete`].sort());
    expect(actions(orphaned)).to.include(`${dropped} source: release`);
    expect(actions(renamed)).to.deep.equal(
      [kept, dropped].flatMap((target) => [`${target} new: create`, `${target} source: delete`]).sort(),
    );

    await tenant.patchSync({ spec: { syncToNamespaces: [kept, dropped], target: { name: 'new' } } });
    for (const target of [kept, dropped]) {
      await tenant.copied(target, { key: 'value' }, { name: 'new' });
      await tenant.copyGone(target);
    }
  });

  it('writes nothing: the API server has seen nobody change anything for it', async function () {
    const log = auditLogOrSkip(this, await plane());
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });
    const audit = await AuditLog.fromNow(log);

    const outcome = await plan(tenant, { syncToNamespaces: [target] });

    expect(actions(outcome)).to.deep.equal([`${target} source: create`]);
    const lines = (await audit.entries({ userAgent: /^config-weaver\// })).filter(
      ({ user, objectRef }) => user.username === tenant.username || objectRef?.namespace === tenant.namespace,
    );
    const asked = [
      'selfsubjectreviews',
      'selfsubjectrulesreviews',
      'selfsubjectaccessreviews',
      'serviceaccounts',
    ];
    const writes = lines.filter(
      ({ verb, objectRef }) => !['get', 'list'].includes(verb) && !asked.includes(objectRef?.resource ?? ''),
    );
    expect(writes).to.deep.equal([]);
    const reads = lines.filter(({ objectRef }) => objectRef?.resource === 'configmaps');
    expect(reads.map(({ user }) => user.username)).to.include(tenant.username);
    expect(
      new Set(reads.map(({ user }) => user.username)),
      'ConfigMaps are read as the tenant only',
    ).to.have.property('size', 1);
    expect(await tenant.copy(target)).to.equal(undefined);
  });

  it('tells what stands in the way of everything: the source, the identity, suspend', async () => {
    const tenant = await fixture.tenant();
    const blind = await fixture.tenant({ home: [] });
    const target = await tenant.target();

    const outcomes = await Promise.all([
      plan(tenant, { syncToNamespaces: [target] }),
      plan(blind, { syncToNamespaces: [target] }),
      plan(tenant, { syncToNamespaces: [target], serviceAccount: { name: 'nobody' } }),
      plan(tenant, { syncToNamespaces: [target], suspend: true }),
    ]);

    const rows = outcomes.map(({ stdout }) => (JSON.parse(stdout) as PlanRow[])[0]);
    expect(rows.map((row) => [row?.action, row?.reason])).to.deep.equal([
      ['blocked', 'ConfigMapNotFound'],
      ['blocked', 'SourceDenied'],
      ['blocked', 'ServiceAccountNotFound'],
      ['blocked', 'Suspended'],
    ]);
  });

  it('says what is needed to somebody who may not act as the tenant', async () => {
    const shared = await plane();
    const tenant = await fixture.tenant();
    const kubeconfig = await shared.serviceAccountKubeconfig(tenant.namespace, tenant.serviceAccount);
    await tenant.bind(tenant.namespace, 'reader', {
      apiGroups: ['weaver.example.com'],
      resources: ['configmapsyncs'],
      verbs: ['get'],
    });

    const outcome = await plan(tenant, { syncToNamespaces: ['foo'] }, kubeconfig);

    expect(outcome).to.deep.include({ code: 1, stdout: '' });
    expect(outcome.stderr).to.contain(tenant.username).and.to.contain('subresource token');
  });

  it('names the field that is wrong in a file', async () => {
    const tenant = await fixture.tenant();

    const outcome = await plan(tenant, { syncToNamespaces: ['foo'], deletionPolicy: 'Keep' });

    expect(outcome).to.deep.include({ code: 1, stdout: '' });
    expect(outcome.stderr).to.contain('spec.deletionPolicy');
  });

  it('prints a table for people', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });

    const { stdout } = await configWeaver(['plan', '-f', '-'], {
      input: manifest(tenant, { syncToNamespaces: [target] }),
    });

    expect(stdout).to.contain('+ key (5 B)').and.to.contain('plan: 1 create; nothing was written');
  });
});

import { expect } from 'chai';
import { version } from '../../../src/cli/version.js';
import type { AuditEntry } from '../../support/audit-log.js';
import { OPERATOR_USERNAME } from '../../support/operator.js';
import { auditLogOrSkip, plane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import type { TestTenant } from '../../support/tenant.js';

const WRITES = ['create', 'update', 'patch', 'delete', 'deletecollection'];

/** A whole life: created, changed, partly denied, deleted. */
async function liveThrough(tenant: TestTenant): Promise<{ allowed: string; denied: string }> {
  const allowed = await tenant.target();
  const denied = await tenant.target([]);
  await tenant.createSource({ data: { key: 'value' } });
  await tenant.createSync({ syncToNamespaces: [allowed, denied] });
  await tenant.copied(allowed, { key: 'value' });
  await tenant.targetState(denied, 'Denied');
  await tenant.patchSource({ data: { key: 'newer' } });
  await tenant.copied(allowed, { key: 'newer' });
  await tenant.deleteConfigMap(tenant.namespace);
  await tenant.condition('SourceConfigMapFound', 'ConfigMapNotFound');
  await tenant.deleteSync();
  await tenant.gone();
  return { allowed, denied };
}

describe('whose rights count', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start({ args: ['--poll-interval=1s'] });
  });
  after(() => fixture.end());

  it('are never those of the operator: the API server sees it ask for no ConfigMap and no Secret', async function () {
    auditLogOrSkip(this, await plane());
    const tenant = await fixture.tenant();
    await liveThrough(tenant);

    // Of the whole run, whatever other tests had it do.
    const requests = await fixture.audit({ username: OPERATOR_USERNAME });

    const resources = new Set(requests.map(({ objectRef }) => objectRef?.resource ?? ''));
    expect([...resources]).to.include.members(['configmapsyncs', 'namespaces', 'serviceaccounts', 'events']);
    expect([...resources]).to.not.include.members(['configmaps']);
    expect([...resources]).to.not.include.members(['secrets']);
    const here = requests.filter(({ objectRef }) => objectRef?.namespace === tenant.namespace);
    expect(here.filter(({ responseStatus }) => responseStatus?.code === 403)).to.deep.equal([]);
  });

  it('are none of its own over ConfigMaps and Secrets: the API server would refuse it', async () => {
    const { kubectl } = await plane();
    const tenant = await fixture.tenant();

    const rights = await kubectl([
      ...['auth', 'can-i', '--list', `--as=${OPERATOR_USERNAME}`, '--no-headers'],
      `--namespace=${tenant.namespace}`,
    ]);

    expect(rights).to.contain('configmapsyncs.weaver.example.com');
    expect(rights).to.match(/serviceaccounts\/token +\[\] +\[syncer\] +\[create\]/);
    expect(rights).to.not.match(/^((configmaps|secrets)\b|\*)/m);
  });

  it("are the ServiceAccount's: every request for a ConfigMap is its own and names the ConfigMapSync", async function () {
    auditLogOrSkip(this, await plane());
    const tenant = await fixture.tenant();
    const { allowed, denied } = await liveThrough(tenant);

    const requests = (await fixture.audit({ username: tenant.username })).filter(
      ({ objectRef }) => objectRef?.resource === 'configmaps',
    );

    const ours = `config-weaver/${version()} configmapsync/${tenant.namespace}/sync`;
    const shared = `config-weaver/${version()} serviceaccount/${tenant.namespace}/syncer`;
    const agents = (entries: AuditEntry[]): unknown[] => [
      ...new Set(entries.map(({ userAgent }) => userAgent)),
    ];
    const writes = requests.filter(({ verb }) => WRITES.includes(verb));
    expect(writes.map(({ verb }) => verb)).to.deep.equal(['create', 'update', 'delete']);
    expect(agents(writes)).to.deep.equal([ours]);
    expect(agents(requests.filter(({ verb }) => verb === 'get'))).to.deep.equal([ours]);
    expect(agents(requests.filter(({ verb }) => verb === 'watch'))).to.deep.equal([shared]);
    expect(new Set(writes.map(({ objectRef }) => objectRef?.namespace))).to.deep.equal(new Set([allowed]));
    // What may not be done is asked for in a review and not tried; no copy is recorded there, so deletion need not look.
    expect(requests.filter(({ objectRef }) => objectRef?.namespace === denied)).to.deep.equal([]);
  });

  it('keep tenants apart: one whose rights reach nothing gets nothing through the rights of another', async function () {
    auditLogOrSkip(this, await plane());
    const rich = await fixture.tenant();
    const poor = await fixture.tenant();
    const target = await rich.target();
    await rich.createSource({ data: { secret: 'of the rich' } });
    await rich.createSync({ syncToNamespaces: [target], target: { name: 'rich' } });
    await rich.copied(target, { secret: 'of the rich' }, { name: 'rich' });

    await poor.createSync({
      source: { name: 'source', namespace: rich.namespace },
      syncToNamespaces: [poor.namespace],
    });
    await poor.createSource({ data: { mine: 'yes' } }, 'own');
    await poor.createSync({ source: { name: 'own' }, syncToNamespaces: [target] }, 'intruder');

    await poor.condition('SourceConfigMapFound', 'SourceDenied');
    await poor.targetState(target, 'Denied', { name: 'intruder' });
    expect(await poor.copy(poor.namespace)).to.equal(undefined);
    expect(await poor.copy(target, 'own')).to.equal(undefined);
  });

  it('are told apart in one namespace: each ConfigMapSync acts as its own ServiceAccount', async function () {
    auditLogOrSkip(this, await plane());
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target] });
    await tenant.createSync({ syncToNamespaces: [target], serviceAccount: { name: 'default' } }, 'other');

    await tenant.ready();
    await tenant.condition('ValidServiceAccount', 'TokenRequestDenied', { name: 'other' });

    const asDefault = `system:serviceaccount:${tenant.namespace}:default`;
    expect(await fixture.audit({ username: asDefault })).to.deep.equal([]);
  });
});

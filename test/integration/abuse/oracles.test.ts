import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { AuditLog } from '../../support/audit-log.js';
import { auditLogOrSkip, plane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';

/** Far longer than a reconcile takes, and shorter than the poll interval: this one wait is no waiting for something. */
const WINDOW_MS = 4000;

describe('a namespace in which a tenant has no permission', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start();
  });
  after(() => fixture.end());

  it('comes and goes without a request as that tenant, nor a word in the status', async function () {
    this.timeout(90_000);
    const path = auditLogOrSkip(this, await plane());
    const tenant = await fixture.tenant();
    const [target, source] = [`quiet-${tenant.namespace}`, `source-${tenant.namespace}`];
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [target] }, 'target');
    await tenant.createSync(
      { source: { name: 'shared', namespace: source }, syncToNamespaces: ['x'] },
      'source',
    );
    await tenant.targetState(target, 'Denied', { name: 'target' });
    await tenant.condition('SourceConfigMapFound', 'SourceDenied', { name: 'source' });
    await sleep(WINDOW_MS);

    const log = await AuditLog.fromNow(path);
    for (const name of [target, source]) {
      await fixture.api.create({ resource: 'namespaces' }, { metadata: { name } });
    }
    await sleep(WINDOW_MS);
    for (const name of [target, source]) await fixture.api.delete({ resource: 'namespaces', name });
    await sleep(WINDOW_MS);

    // Permissions are checked again and again, whatever happens: such requests name the ServiceAccount.
    const requests = await log.entries({
      userAgent: new RegExp(`configmapsync/${tenant.namespace}/target$`),
    });
    expect(requests.map(({ verb, requestURI }) => `${verb} ${requestURI}`)).to.deep.equal([]);
    const writes = await log.entries({
      verb: 'patch',
      resource: 'configmapsyncs',
      namespace: tenant.namespace,
    });
    expect(writes.map(({ requestURI }) => requestURI)).to.deep.equal([]);
  });
});

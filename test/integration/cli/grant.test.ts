import { expect } from 'chai';
import { OPERATOR_USERNAME } from '../../support/operator.js';
import { plane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import { configWeaver } from './audit-plan-grant-process.js';

describe('config-weaver grant', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start();
  });
  after(() => fixture.end());

  it('piped into kubectl apply turns a ConfigMapSync without any right into a synced one', async () => {
    const { kubectl } = await plane();
    const tenant = await fixture.tenant({ home: [], tokenGrant: false });
    const targets = [await tenant.target([]), await tenant.target([])];
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: targets });
    await tenant.condition('Ready', 'TokenRequestDenied');

    const grant = await configWeaver(['grant', 'sync', '-n', tenant.namespace]);
    await kubectl(['apply', '-f', '-'], grant.stdout);

    expect(grant).to.deep.include({ code: 0, stderr: '' });
    for (const target of targets) await tenant.copied(target, { key: 'value' }, { timeoutMs: 30_000 });
    await tenant.ready();

    // What was granted is enough to follow changes at once, and to remove the copies.
    await tenant.patchSource({ data: { key: 'changed' } });
    for (const target of targets) await tenant.copied(target, { key: 'changed' }, { timeoutMs: 5000 });
    await tenant.deleteSync();
    for (const target of targets) await tenant.copyGone(target);
  });

  it('mends a target that lacks one verb, and prints nothing of what is there', async () => {
    const { kubectl } = await plane();
    const tenant = await fixture.tenant();
    const whole = await tenant.target();
    const partial = await tenant.target(['get', 'create', 'update']);
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ syncToNamespaces: [whole, partial] });
    await tenant.targetState(partial, 'Denied');

    const grant = await configWeaver(['grant', 'sync', '-n', tenant.namespace]);
    await kubectl(['apply', '-f', '-'], grant.stdout);

    expect(grant.stdout.match(/^kind: \w+$/gm)).to.deep.equal(['kind: Role', 'kind: RoleBinding']);
    expect(grant.stdout).to.contain(`namespace: ${partial}\n`).and.to.not.contain(whole);
    await tenant.targetState(partial, 'Synced', { timeoutMs: 20_000 });
  });

  it('prints nothing but a remark where nothing is missing', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target(['get', 'create', 'update', 'delete']);
    await tenant.createSync({ syncToNamespaces: [target] });

    const grant = await configWeaver(['grant', 'sync', '-n', tenant.namespace]);

    expect(grant).to.deep.include({ code: 0, stdout: '' });
    expect(grant.stderr).to.match(/^# nothing is missing: .*\n$/);
  });

  it('leaves delete out for copies that are meant to stay', async () => {
    const tenant = await fixture.tenant();
    const target = await tenant.target([]);
    const file = {
      apiVersion: 'weaver.example.com/v1alpha1',
      kind: 'ConfigMapSync',
      metadata: { name: 'orphans', namespace: tenant.namespace },
      spec: {
        source: { name: 'source' },
        serviceAccount: { name: 'syncer' },
        syncToNamespaces: [target, 'no-such-namespace'],
        deletionPolicy: 'Orphan',
      },
    };

    const grant = await configWeaver(['grant', '-f', '-'], { input: JSON.stringify(file) });

    expect(grant.stdout).to.contain('- update').and.to.not.contain('- delete');
    expect(grant.stderr).to.equal(
      '# there is no namespace "no-such-namespace": its grant is left out until there is\n',
    );
  });

  it('prints all that is needed, and says so, to somebody who may not ask what is there', async () => {
    const shared = await plane();
    const tenant = await fixture.tenant();
    const target = await tenant.target();
    await tenant.bind(tenant.namespace, 'reader', {
      apiGroups: ['weaver.example.com'],
      resources: ['configmapsyncs'],
      verbs: ['get'],
    });
    await tenant.createSync({ syncToNamespaces: [target] });
    const kubeconfig = await shared.serviceAccountKubeconfig(tenant.namespace, 'syncer');

    const grant = await configWeaver(['grant', 'sync', '-n', tenant.namespace], { kubeconfig });

    expect(grant.code, grant.stderr).to.equal(0);
    expect(grant.stdout.match(/^kind: Role$/gm)).to.have.length(3);
    expect(grant.stderr).to.contain('subjectaccessreviews');
  });

  it('names the operator that --operator-service-account says', async () => {
    const tenant = await fixture.tenant({ tokenGrant: false });
    const target = await tenant.target();
    await tenant.createSync({ syncToNamespaces: [target] });
    const args = ['grant', 'sync', '-n', tenant.namespace];

    const usual = await configWeaver(args);
    const other = await configWeaver([...args, '--operator-service-account', 'ops/weaver']);

    const [, , namespace, name] = OPERATOR_USERNAME.split(':');
    expect(usual.stdout).to.contain(`namespace: ${namespace}\n    name: ${name}\n`);
    expect(other.stdout).to.contain('namespace: ops\n    name: weaver\n');
  });

  it('says so for a name that is not there', async () => {
    const tenant = await fixture.tenant();

    const grant = await configWeaver(['grant', 'nobody', '-n', tenant.namespace]);

    expect(grant).to.deep.include({ code: 1, stdout: '' });
    expect(grant.stderr).to.contain('no ConfigMapSync "nobody"');
  });
});

import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { TAKEOVER } from '../../support/foreign-text.js';
import { plane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import { configWeaver, execute } from '../cli/audit-plan-grant-process.js';

const MAIN = fileURLToPath(new URL('../../../src/main.js', import.meta.url));

/** Runs `config-weaver … 2>&1`. */
async function withErrors(args: readonly string[], input: string): Promise<string> {
  const shell = ['sh', '-c', 'exec "$@" 2>&1', 'sh', process.execPath, MAIN, ...args];
  const env = { KUBECONFIG: (await plane()).kubeconfig, HOME: '/nonexistent' };
  return (await execute(shell, env, input)).stdout;
}

function syncOf(namespace: string, spec: object, name = 'sync'): object {
  return {
    apiVersion: 'weaver.example.com/v1alpha1',
    kind: 'ConfigMapSync',
    metadata: { name, namespace },
    spec: { source: { name: 'source' }, serviceAccount: { name: 'syncer' }, ...spec },
  };
}

describe('a file of a hostile tenant, given to config-weaver grant', () => {
  let fixture: SyncFixture;

  before(async () => {
    fixture = await SyncFixture.start();
  });
  after(() => fixture.end());

  it('smuggles no manifest of its own into kubectl apply, standard error included', async () => {
    const { kubectl } = await plane();
    const tenant = await fixture.tenant({ home: [], tokenGrant: false });
    const target = await tenant.target([]);
    const items = [
      { kind: `ConfigMap\n${TAKEOVER}`, metadata: { name: 'a' } },
      { kind: 'ConfigMap', metadata: { name: `b\n${TAKEOVER}` } },
      syncOf(tenant.namespace, { syncToNamespaces: [target] }),
    ];

    const output = await withErrors(['grant', '-f', '-'], JSON.stringify({ kind: 'List', items }));
    await kubectl(['apply', '-f', '-'], output);

    expect(output).to.contain('# left out').and.to.contain('cluster-admin');
    const bindings = await kubectl(['get', 'clusterrolebindings', '-o', 'name']);
    expect(bindings).to.not.contain('owned');
    expect(await kubectl(['get', 'roles', '-n', target, '-o', 'name'])).to.contain('config-weaver-write');
  });

  it('smuggles none into the comment of an error either', async () => {
    const sync = syncOf('team-a', { syncToNamespaces: [TAKEOVER], [`x\n${TAKEOVER}`]: 1 }, TAKEOVER);

    const output = await withErrors(['grant', '-f', '-'], JSON.stringify(sync));

    expect(output).to.match(/^# config-weaver: [^\n]*\n$/);
  });

  it('is granted nothing in kube-* namespaces, and none in that of the operator, unless asked', async () => {
    const tenant = await fixture.tenant({ home: [], tokenGrant: false });
    const [target, operator] = [await tenant.target([]), await tenant.target([])];
    const syncToNamespaces = [target, operator, 'kube-system'];
    const source = { name: 'source', namespace: 'kube-public' };
    const items = [
      syncOf(tenant.namespace, { source, syncToNamespaces }),
      syncOf('kube-system', { syncToNamespaces: [target] }),
    ];
    const input = JSON.stringify({ kind: 'List', items });
    const args = ['grant', '-f', '-', '--operator-service-account', `${operator}/weaver`];
    const namespacesOf = (yaml: string): string[] => [
      ...new Set([...yaml.matchAll(/^ {2}namespace: (.*)$/gm)].map(([, namespace = '']) => namespace)),
    ];

    const usual = await configWeaver(args, { input });
    const asked = await configWeaver([...args, '--include-system-namespaces'], { input });

    expect(namespacesOf(usual.stdout)).to.have.members([tenant.namespace, target]);
    expect(usual.stderr).to.match(/^# left out, in system namespaces: [^\n]*\n$/);
    for (const namespace of [operator, 'kube-system', 'kube-public', '--include-system-namespaces']) {
      expect(usual.stderr).to.contain(namespace);
    }
    expect(namespacesOf(asked.stdout)).to.have.members([
      ...[tenant.namespace, target, operator, 'kube-system', 'kube-public'],
    ]);
    expect(asked.stderr).to.equal('');
  });

  it('is no reason to say that nothing is missing where all of it was left out', async () => {
    const sync = syncOf('kube-system', { syncToNamespaces: ['kube-public'] });

    const grant = await configWeaver(['grant', '-f', '-'], { input: JSON.stringify(sync) });

    expect(grant).to.deep.include({ code: 0, stdout: '' });
    expect(grant.stderr).to.contain('kube-public').and.to.not.contain('nothing is missing');
  });
});

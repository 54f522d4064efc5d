import { expect } from 'chai';
import { join } from 'node:path';
import { repositoryRoot } from '../../../hack/repository.js';
import { eventually } from '../../support/eventually.js';
import { apply } from '../../support/kubectl.js';
import { controlPlaneOrSkip, plane, type TestPlane } from '../../support/plane.js';

const OPERATOR = 'system:serviceaccount:config-weaver-system:config-weaver-controller-manager';
const TENANT = 'system:serviceaccount:team-a:config-sync';
const config = (name: string): string => join(repositoryRoot(), 'config', name);

interface Rule {
  verbs: string[];
  resources: string[];
  resourceNames?: string[];
}

describe('the rights that are installed', function () {
  this.timeout(120_000);
  let shared: TestPlane;

  /** Whether the API server would let `user` do that. */
  async function may(user: string, verb: string, resource: string, ...rest: string[]): Promise<boolean> {
    const answer = await shared
      .kubectl(['auth', 'can-i', verb, resource, '--as', user, ...rest])
      .catch((error: unknown) => (error as { stdout: string }).stdout);
    return answer.trim() === 'yes';
  }

  /** `resource: verbs`, with the names that they are limited to. */
  async function rulesOf(kind: string, name: string, ...rest: string[]): Promise<string[]> {
    const role = JSON.parse(await shared.kubectl(['get', kind, name, '-o', 'json', ...rest])) as {
      rules: Rule[];
    };
    return role.rules.map(
      ({ resources, verbs, resourceNames = [] }) =>
        `${[...resources, ...resourceNames].join(' ')}: ${verbs.join(' ')}`,
    );
  }

  before(async function () {
    shared = await plane();
    // It makes namespaces of common names: not on a cluster that may have such.
    controlPlaneOrSkip(this, shared);
    await apply(shared.kubectl, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'config-weaver-system' },
    });
    await shared.kubectl(['apply', '-k', config('rbac')]);
    await shared.kubectl(['apply', '-k', config('samples')]);
  });

  after(async () => {
    // The operator's own part stays: other suites' operators run by it.
    if (shared.controlPlane !== undefined) {
      await shared.kubectl(['delete', '-k', config('samples'), '--timeout=60s']);
    }
  });

  it('give the operator what it needs in the cluster, and not a verb more', async () => {
    const rules = await rulesOf('clusterrole', 'config-weaver-manager-role');

    expect(rules).to.have.members([
      'configmapsyncs: get list watch patch',
      'configmapsyncs/status: patch',
      'configmapsyncs/finalizers: update',
      'namespaces: get list watch',
      'events: create patch',
      'tokenreviews: create',
      'subjectaccessreviews: create',
    ]);
  });

  it('give the operator its own Lease, and no other', async () => {
    const rules = await rulesOf('role', 'config-weaver-leader-election-role', '-n', 'config-weaver-system');

    expect(rules).to.have.members([
      'leases config-weaver.weaver.example.com: get update patch',
      'leases: create',
    ]);
  });

  it('let the operator neither read nor write a ConfigMap or a Secret anywhere', async () => {
    const allowed: string[] = [];
    for (const verb of ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete']) {
      for (const resource of ['configmaps', 'secrets']) {
        for (const scope of [['-A'], ['-n', 'team-a'], ['-n', 'config-weaver-system']]) {
          if (await may(OPERATOR, verb, resource, ...scope))
            allowed.push([verb, resource, ...scope].join(' '));
        }
      }
    }

    expect(allowed).to.deep.equal([]);
  });

  it('let the operator request tokens of the ServiceAccount that a tenant granted, and of no other', async () => {
    const token = ['--subresource=token', '-n', 'team-a'];

    expect(await may(OPERATOR, 'create', 'serviceaccounts/config-sync', ...token)).to.equal(true);
    expect(await may(OPERATOR, 'create', 'serviceaccounts/default', ...token)).to.equal(false);
  });

  it("let the sample's ServiceAccount into the one target, and not into the other", async () => {
    for (const verb of ['get', 'create', 'update', 'delete']) {
      expect(await may(TENANT, verb, 'configmaps', '-n', 'foo'), verb).to.equal(true);
      expect(await may(TENANT, verb, 'configmaps', '-n', 'bar'), verb).to.equal(false);
    }
    expect(await may(TENANT, 'get', 'configmaps', '-n', 'team-a')).to.equal(true);
    expect(await may(TENANT, 'update', 'configmaps', '-n', 'team-a')).to.equal(false);
  });

  it('let who may edit a namespace have ConfigMapSyncs there, and who may view it see them', async () => {
    await shared.kubectl(['create', 'rolebinding', 'e', '--clusterrole=edit', '--user=ed', '-n', 'team-a']);
    await shared.kubectl(['create', 'rolebinding', 'v', '--clusterrole=view', '--user=vi', '-n', 'team-a']);

    await eventually(async () => {
      expect(await may('ed', 'create', 'configmapsyncs', '-n', 'team-a')).to.equal(true);
      expect(await may('vi', 'list', 'configmapsyncs', '-n', 'team-a')).to.equal(true);
    });
    expect(await may('ed', 'patch', 'configmapsyncs', '-n', 'team-a', '--subresource=status')).to.equal(
      false,
    );
    expect(await may('vi', 'create', 'configmapsyncs', '-n', 'team-a')).to.equal(false);
    expect(await may('ed', 'create', 'configmapsyncs', '-n', 'foo')).to.equal(false);
  });
});

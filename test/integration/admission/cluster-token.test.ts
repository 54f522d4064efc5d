import { expect } from 'chai';
import { buildComponents } from '../../support/kustomize.js';
import { eventually } from '../../support/eventually.js';
import { operatorKubeconfig, OPERATOR_USERNAME, startOperator } from '../../support/operator.js';
import { plane, type TestPlane } from '../../support/plane.js';
import { removeSyncs } from '../../support/sync-fixture.js';
import { TestApi } from '../../support/test-api.js';
import { TestTenant } from '../../support/tenant.js';

describe('cluster-token', function () {
  this.timeout(60_000);
  let shared: TestPlane;
  let api: TestApi;
  let component: string;
  let tenant: TestTenant;

  /** Asks for a token as `user`; returns what the API server said, never a token. */
  async function tokenAs(user: string, namespace: string, name: string, spec: object = {}): Promise<string> {
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    try {
      const answer = await shared.kubectl(
        ['create', '--raw', path, '-f', '-', '--as', user],
        JSON.stringify(body),
      );
      return (JSON.parse(answer) as { status: { token: string } }).status.token === '' ? 'none' : 'a token';
    } catch (error) {
      return String(error);
    }
  }

  before(async () => {
    shared = await plane();
    api = await TestApi.connect();
    await operatorKubeconfig();
    component = await buildComponents(shared.kubectl, 'cluster-token');
    await shared.kubectl(['apply', '-f', '-'], component);
    tenant = await TestTenant.create(api, { tokenGrant: false });
    await eventually(async () => {
      const answer = await tokenAs(OPERATOR_USERNAME, 'kube-system', 'default', { expirationSeconds: 600 });
      expect(answer).to.contain('config-weaver gets no token');
    });
  });

  after(async () => {
    await shared.kubectl(['delete', '-f', '-', '--ignore-not-found'], component);
    await api.close();
  });

  it('lets the operator sync for a tenant that granted no token itself', async () => {
    await tenant.createSource({ data: { key: 'value' } });
    const target = await tenant.target();
    const operator = await startOperator();
    try {
      await tenant.createSync({ syncToNamespaces: [target] });

      await eventually(async () => expect((await tenant.copy(target))?.data).to.deep.equal({ key: 'value' }));
    } finally {
      await removeSyncs(api, [tenant]);
      await operator.stop();
    }
  });

  it('gives the operator no token in a kube-* namespace', async () => {
    const answer = await tokenAs(OPERATOR_USERNAME, 'kube-system', 'default', { expirationSeconds: 600 });

    expect(answer).to.contain('config-weaver gets no token of a ServiceAccount in namespace "kube-system"');
  });

  it('gives the operator no token for longer than 600 s', async () => {
    const { namespace, serviceAccount } = tenant;

    expect(await tokenAs(OPERATOR_USERNAME, namespace, serviceAccount, { expirationSeconds: 600 })).to.equal(
      'a token',
    );
    expect(
      await tokenAs(OPERATOR_USERNAME, namespace, serviceAccount, { expirationSeconds: 601 }),
    ).to.contain('bounded to 600 s');
  });

  it('bounds the operator wherever an overlay puts it, since the grant goes there as well', async () => {
    const elsewhere = OPERATOR_USERNAME.replace(/:[^:]+:([^:]+)$/, ':elsewhere:$1');
    const binding = ['clusterrolebinding', 'cluster-token-elsewhere'];
    const role = '--clusterrole=config-weaver-cluster-token';
    await shared.kubectl(['create', ...binding, role, `--user=${elsewhere}`]);

    const answer = await tokenAs(elsewhere, 'kube-system', 'default', { expirationSeconds: 600 });

    await shared.kubectl(['delete', ...binding]);
    expect(answer).to.contain('config-weaver gets no token of a ServiceAccount in namespace "kube-system"');
  });

  it('bounds nobody but the operator', async () => {
    const answer = await tokenAs('system:admin-of-tests', 'kube-system', 'default', {
      expirationSeconds: 7200,
    });

    // Refused by RBAC, which is not the policy's word.
    expect(answer).to.contain('cannot create resource "serviceaccounts/token"');
    expect(answer).not.to.contain('config-weaver gets no token');
  });
});

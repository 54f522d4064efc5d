import { expect } from 'chai';
import { buildComponents } from '../../support/kustomize.js';
import { eventually } from '../../support/eventually.js';
import {
  operatorKubeconfig,
  OPERATOR_SERVICE_ACCOUNT,
  OPERATOR_USERNAME,
  startOperator,
} from '../../support/operator.js';
import { plane, type TestPlane } from '../../support/plane.js';
import { removeSyncs } from '../../support/sync-fixture.js';
import { TestApi } from '../../support/test-api.js';
import { createNamespace, TestTenant } from '../../support/tenant.js';

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
    component = await buildComponents(shared.kubectl, ['cluster-token']);
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

  it('gives the operator no token for anybody but the API server', async () => {
    const { namespace, serviceAccount } = tenant;
    for (const audience of [
      'sts.amazonaws.com',
      'api://AzureADTokenExchange',
      'vault',
      'https://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/cluster',
    ]) {
      const spec = { expirationSeconds: 600, audiences: [audience] };

      expect(await tokenAs(OPERATOR_USERNAME, namespace, serviceAccount, spec)).to.contain(
        `config-weaver gets no token for the audience "${audience}"`,
      );
    }
  });

  it('gives the operator no token that is bound to an object', async () => {
    const { namespace, serviceAccount } = tenant;
    await shared.kubectl(['create', 'secret', 'generic', 'anchor', '-n', namespace]);
    const boundObjectRef = { apiVersion: 'v1', kind: 'Secret', name: 'anchor' };
    const spec = { expirationSeconds: 600, boundObjectRef };

    expect(await tokenAs(OPERATOR_USERNAME, namespace, serviceAccount, spec)).to.contain(
      'config-weaver gets no token that is bound to an object',
    );
  });

  it('bounds the operator wherever an overlay puts it, and whatever that calls it', async () => {
    const namespace = await createNamespace(api, 'elsewhere');
    const names = { namePrefix: 'acme-', nameSuffix: '-prod', namespace };
    const overlay = await buildComponents(shared.kubectl, ['cluster-token'], {
      ...names,
      resources: ['rbac'],
    });
    const renamed = `system:serviceaccount:${namespace}:acme-${OPERATOR_SERVICE_ACCOUNT}-prod`;
    await shared.kubectl(['apply', '-f', '-'], overlay);
    try {
      await eventually(async () => {
        const answer = await tokenAs(renamed, 'kube-system', 'default', { expirationSeconds: 600 });
        expect(answer).to.contain(
          'config-weaver gets no token of a ServiceAccount in namespace "kube-system"',
        );
      });
      const day = { expirationSeconds: 86_400 };
      expect(await tokenAs(renamed, tenant.namespace, tenant.serviceAccount, day)).to.contain(
        'bounded to 600 s',
      );
      const aws = { expirationSeconds: 600, audiences: ['sts.amazonaws.com'] };
      expect(await tokenAs(renamed, tenant.namespace, tenant.serviceAccount, aws)).to.contain(
        'for the audience',
      );
    } finally {
      await shared.kubectl(['delete', '-f', '-', '--ignore-not-found'], overlay);
    }
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

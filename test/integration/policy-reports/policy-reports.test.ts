import { expect } from 'chai';
import type { PolicyReport } from '../../../src/reporting/policy-report.js';
import { buildComponents } from '../../support/kustomize.js';
import { eventually } from '../../support/eventually.js';
import { apply, getObject } from '../../support/kubectl.js';
import { startOperator, type RunningOperator } from '../../support/operator.js';
import { controlPlaneOrSkip, plane, type TestPlane } from '../../support/plane.js';
import { TestApi } from '../../support/test-api.js';
import { TestTenant } from '../../support/tenant.js';
import { policyReportCrd } from './policy-report-crd.js';

describe('PolicyReports', function () {
  this.timeout(90_000);
  let shared: TestPlane;
  let api: TestApi;
  let operator: RunningOperator;
  let rights: string;
  let tenant: TestTenant;
  let allowed: string;
  let denied: string;

  const report = (): Promise<PolicyReport | undefined> =>
    getObject<PolicyReport & { apiVersion: string; kind: string }>(
      shared.kubectl,
      'policyreport',
      'config-weaver',
      tenant.namespace,
    );

  before(async function () {
    shared = await plane();
    // It installs a definition of its own: not on a cluster that may have the real one.
    controlPlaneOrSkip(this, shared);
    api = await TestApi.connect();
    operator = await startOperator({ args: ['--policy-reports'] });
    rights = await buildComponents(shared.kubectl, ['policy-reports']);
    await shared.kubectl(['apply', '-f', '-'], rights);
    tenant = await TestTenant.create(api);
    await tenant.createSource({ data: { key: 'value' } });
    allowed = await tenant.target();
    denied = await tenant.target(['get']);
    await tenant.createSync({ syncToNamespaces: [allowed, denied] });
    await eventually(async () => expect((await tenant.status()).deniedTargets).to.equal(1));
  });

  after(async () => {
    await operator.stop();
    await shared.kubectl(['delete', 'crd', 'policyreports.wgpolicyk8s.io', '--ignore-not-found']);
    await shared.kubectl(['delete', '-f', '-', '--ignore-not-found'], rights);
    await api.close();
  });

  it('are off where their definition is missing, which is said once, and begin when it appears', async () => {
    expect(
      operator.log().filter(({ message }) => message.startsWith('no PolicyReports for now')),
    ).to.have.length(1);

    await apply(shared.kubectl, policyReportCrd);

    await eventually(async () => expect(await report()).not.to.equal(undefined), { timeoutMs: 40_000 });
  });

  it('have a result for each target, with who lacks what', async () => {
    await eventually(async () => {
      const found = await report();

      expect(found?.summary).to.deep.equal({ pass: 1, fail: 1, warn: 0, error: 0, skip: 0 });
      const failure = found?.results.find(({ result }) => result === 'fail');
      expect(failure?.properties).to.deep.equal({
        targetNamespace: denied,
        state: 'Denied',
        reason: 'MissingPermissions',
        serviceAccount: tenant.serviceAccount,
        missingVerbs: 'create,update,delete',
      });
      expect(failure?.message).to.contain(`${tenant.username} may not create, update, delete configmaps`);
    });
  });

  it('follow a grant, and are not written where nothing changed', async () => {
    await tenant.grant(denied, ['get', 'create', 'update', 'delete']);

    let version: string | undefined;
    await eventually(
      async () => {
        const found = await report();
        expect(found?.summary.pass).to.equal(2);
        version = found?.metadata.resourceVersion;
      },
      { timeoutMs: 20_000 },
    );
    await tenant.patchSource({ metadata: { labels: { touched: 'yes' } } });
    await tenant.patchSource({ data: { key: 'new' } });
    await eventually(async () => expect((await tenant.copy(allowed))?.data).to.deep.equal({ key: 'new' }));
    expect((await report())?.metadata.resourceVersion).to.equal(version);
  });

  it('leave with the last ConfigMapSync of their namespace', async () => {
    await tenant.deleteSync();

    await eventually(async () => expect(await report()).to.equal(undefined));
  });
});

import { expect } from 'chai';
import { buildComponents } from '../../support/kustomize.js';
import { eventually } from '../../support/eventually.js';
import { allowUser } from '../../support/kubectl.js';
import { startOperator, type RunningOperator } from '../../support/operator.js';
import { plane, type TestPlane } from '../../support/plane.js';
import { removeSyncs } from '../../support/sync-fixture.js';
import { TestApi } from '../../support/test-api.js';
import { TestTenant } from '../../support/tenant.js';

const AUTHOR = 'author@example.com';
const EDITOR = 'editor@example.com';

describe('author-check', function () {
  this.timeout(60_000);
  let shared: TestPlane;
  let api: TestApi;
  let operator: RunningOperator;
  let policy: string;
  let tenant: TestTenant;

  /** Creates a ConfigMapSync as `user`; returns what the API server said. */
  function createAs(user: string, name: string, ...flags: string[]): Promise<string> {
    const sync = {
      apiVersion: 'weaver.example.com/v1alpha1',
      kind: 'ConfigMapSync',
      metadata: { name, namespace: tenant.namespace },
      spec: {
        source: { name: 'source' },
        syncToNamespaces: ['anywhere'],
        serviceAccount: { name: tenant.serviceAccount },
      },
    };
    const args = ['create', '-f', '-', '--as', user, ...flags];
    return shared.kubectl(args, JSON.stringify(sync)).catch((error: unknown) => String(error));
  }

  function allow(user: string, name: string, rulesOrClusterRole: object[] | string): Promise<void> {
    return allowUser(shared.kubectl, user, { namespace: tenant.namespace, name }, rulesOrClusterRole);
  }

  const syncs = { apiGroups: ['weaver.example.com'], resources: ['configmapsyncs'], verbs: ['*'] };

  before(async () => {
    shared = await plane();
    api = await TestApi.connect();
    operator = await startOperator();
    policy = await buildComponents(shared.kubectl, ['author-check']);
    await shared.kubectl(['apply', '-f', '-'], policy);
    tenant = await TestTenant.create(api);
    await allow(AUTHOR, 'author', [syncs]);
    await allow(EDITOR, 'editor', 'edit');
    await eventually(async () => {
      // A policy takes a moment until every request is looked at.
      expect(await createAs(AUTHOR, 'probe', '--dry-run=server')).to.contain('may not act as');
    });
  });

  after(async () => {
    await shared.kubectl(['delete', '-f', '-', '--ignore-not-found'], policy);
    await removeSyncs(api, [tenant]);
    await operator.stop();
    await api.close();
  });

  it('refuses an author who may create ConfigMapSyncs but not act as the ServiceAccount, and says what is missing', async () => {
    const answer = await createAs(AUTHOR, 'borrowed');

    expect(answer).to.contain(
      `${AUTHOR} may not act as ServiceAccount "${tenant.serviceAccount}" of namespace "${tenant.namespace}"`,
    );
    expect(answer).to.contain('impersonate it or to create its serviceaccounts/token');
    expect(await tenant.sync('borrowed')).to.equal(undefined);
  });

  it('lets an author pass who may impersonate the ServiceAccount', async () => {
    const account = {
      apiGroups: [''],
      resources: ['serviceaccounts'],
      resourceNames: [tenant.serviceAccount],
    };
    await allow('impersonator', 'impersonator', [syncs, { ...account, verbs: ['impersonate'] }]);

    expect(await createAs('impersonator', 'impersonated', '--dry-run=server')).to.contain('created');
  });

  it('lets an author pass who may create the ServiceAccount’s tokens', async () => {
    const token = {
      apiGroups: [''],
      resources: ['serviceaccounts/token'],
      resourceNames: [tenant.serviceAccount],
    };
    await allow('issuer', 'issuer', [syncs, { ...token, verbs: ['create'] }]);

    expect(await createAs('issuer', 'issued', '--dry-run=server')).to.contain('created');
  });

  it('lets a user of the default edit role pass', async () => {
    await allow(EDITOR, 'editor-syncs', [syncs]);

    expect(await createAs(EDITOR, 'edited', '--dry-run=server')).to.contain('created');
  });

  it('refuses a change of the spec, and lets labels and finalizers be changed by anybody who may', async () => {
    await tenant.createSync({ syncToNamespaces: ['anywhere'] }, 'changed');
    const patch = (body: object): Promise<string> =>
      shared
        .kubectl([
          ...['patch', 'cms', 'changed', '-n', tenant.namespace, '--as', AUTHOR],
          ...['--type=merge', '-p', JSON.stringify(body)],
        ])
        .catch((error: unknown) => String(error));

    expect(await patch({ spec: { syncToNamespaces: ['elsewhere'] } })).to.contain('may not act as');
    expect(await patch({ metadata: { labels: { team: 'a' } } })).to.contain('patched');
    expect(await patch({ metadata: { finalizers: [] } })).to.contain('patched');
  });

  it('stands in the way of neither the operator’s finalizer nor of a deletion', async () => {
    await tenant.createSource({ data: { key: 'value' } });
    const target = await tenant.target();
    await tenant.createSync({ syncToNamespaces: [target] }, 'whole-life');
    await eventually(async () => {
      expect((await tenant.sync('whole-life'))?.metadata.finalizers).to.include('configmapsync.io/finalizer');
      expect(await tenant.copy(target)).not.to.equal(undefined);
    });

    await tenant.deleteSync('whole-life');

    await eventually(async () => {
      expect(await tenant.sync('whole-life')).to.equal(undefined);
      expect(await tenant.copy(target)).to.equal(undefined);
    });
  });
});

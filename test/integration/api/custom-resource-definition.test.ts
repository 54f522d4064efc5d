import { expect } from 'chai';
import { parse } from 'yaml';
import { customResourceDefinitionYaml } from '../../../hack/crd/custom-resource-definition.js';
import { parseConfigMapSync } from '../../../src/api/v1alpha1/parse-config-map-sync.js';
import { loadConnection } from '../../../src/k8s/config/kubeconfig.js';
import { Transport } from '../../../src/k8s/client/transport.js';
import { apply, getObject, type AnyObject } from '../../support/kubectl.js';
import { plane, type TestPlane } from '../../support/plane.js';

const NAMESPACE = 'api-crd';
const CRD = 'configmapsyncs.weaver.example.com';

interface Definition extends AnyObject {
  status: { conditions: { type: string; status: string; message: string }[] };
}

describe('the CustomResourceDefinition', function () {
  this.timeout(60_000);
  let shared: TestPlane;

  before(async () => {
    shared = await plane();
    await shared.kubectl(['create', 'namespace', NAMESPACE]);
    await apply(shared.kubectl, {
      apiVersion: 'weaver.example.com/v1alpha1',
      kind: 'ConfigMapSync',
      metadata: { name: 'share-ca', namespace: NAMESPACE },
      spec: { source: { name: 'ca' }, syncToNamespaces: ['foo', 'bar'], serviceAccount: { name: 'sync' } },
    });
    const status = {
      summary: '1/2',
      deniedTargets: 1,
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          reason: 'MissingPermissions',
          message: 'bar: create',
          lastTransitionTime: '2026-01-02T03:04:05Z',
        },
      ],
    };
    await shared.kubectl([
      ...['patch', 'cms', 'share-ca', '-n', NAMESPACE, '--subresource=status', '--type=merge'],
      ...['-p', JSON.stringify({ status })],
    ]);
  });

  after(async () => {
    await shared.kubectl(['delete', 'namespace', NAMESPACE, '--wait=false']);
  });

  it('is taken by the API server without a warning', async () => {
    const connection = await loadConnection({ kubeconfig: shared.kubeconfig, env: {}, home: '/' });
    const transport = new Transport(connection);

    const answer = await transport.dispatcher('operator', 'write').request({
      origin: connection.server,
      method: 'PATCH',
      path: `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${CRD}?dryRun=All&fieldManager=test&force=true&fieldValidation=Strict`,
      headers: { 'content-type': 'application/apply-patch+yaml' },
      body: customResourceDefinitionYaml(),
    });
    const body = await answer.body.text();
    await transport.close();

    expect(answer.statusCode, body).to.equal(200);
    expect(answer.headers).not.to.have.property('warning');
  });

  it('has a structural schema, and all of its names', async () => {
    const definition = await getObject<Definition>(shared.kubectl, 'crd', CRD);

    const conditions = new Map(definition?.status.conditions.map(({ type, status }) => [type, status]));
    expect(conditions.get('Established')).to.equal('True');
    expect(conditions.get('NamesAccepted')).to.equal('True');
    expect(conditions.has('NonStructuralSchema')).to.equal(false);
  });

  it('is known by its short names', async () => {
    const names = await Promise.all(
      ['cms', 'cmsync', 'configmapsync', 'configmapsyncs'].map((name) =>
        shared.kubectl(['get', name, '-n', NAMESPACE, '-o', 'name']),
      ),
    );

    expect(new Set(names)).to.deep.equal(new Set([`configmapsync.weaver.example.com/share-ca\n`]));
  });

  it('shows in a table what an administrator looks for', async () => {
    const table = await shared.kubectl(['get', 'cms', '-n', NAMESPACE]);

    const [head, row] = table.trimEnd().split('\n');
    expect(head?.split(/\s+/)).to.deep.equal(['NAME', 'READY', 'SYNCED', 'DENIED', 'SOURCE', 'AGE']);
    expect(row?.split(/\s+/).slice(0, -1)).to.deep.equal(['share-ca', 'False', '1/2', '1', 'ca']);
  });

  it('shows the reason and the ServiceAccount in a wide table', async () => {
    const table = await shared.kubectl(['get', 'cms', '-n', NAMESPACE, '-o', 'wide']);

    const [head, row] = table.trimEnd().split('\n');
    expect(head?.split(/\s+/)).to.deep.equal([
      ...['NAME', 'READY', 'REASON', 'SYNCED', 'DENIED', 'SOURCE', 'SERVICEACCOUNT', 'AGE'],
    ]);
    expect(row?.split(/\s+/).slice(0, -1)).to.deep.equal([
      ...['share-ca', 'False', 'MissingPermissions', '1/2', '1', 'ca', 'sync'],
    ]);
  });

  it('explains every field to kubectl', async () => {
    const all = await shared.kubectl(['explain', 'configmapsync', '--recursive']);
    const name = await shared.kubectl(['explain', 'configmapsync.spec.serviceAccount.name']);

    expect(all).to.contain('matchExpressions').and.to.contain('missingVerbs');
    expect(name).to.contain("Name of a ServiceAccount in the ConfigMapSync's own namespace");
  });

  it('parses what the API server gives out', async () => {
    const raw = await getObject(shared.kubectl, 'cms', 'share-ca', NAMESPACE);

    const sync = parseConfigMapSync(raw);

    expect(sync.metadata.uid).to.equal(raw?.metadata.uid);
    expect(JSON.parse(JSON.stringify(sync))).to.deep.equal(raw);
  });

  it('is the file that is installed', async () => {
    const definition = parse(customResourceDefinitionYaml()) as { spec: object };
    const installed = await getObject<AnyObject & { spec: object }>(shared.kubectl, 'crd', CRD);

    expect(installed?.spec).to.deep.include(definition.spec);
  });
});

import { expect } from 'chai';
import { plane } from '../../support/plane.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import type { TestTenant } from '../../support/tenant.js';

/** What somebody may write by mistake, and the field that the answer has to name. */
const MISTAKES: readonly { title: string; spec: object; field: string; message: RegExp }[] = [
  {
    title: 'no target at all',
    spec: { source: { name: 'source' } },
    field: 'spec',
    message: /name at least one namespace in syncToNamespaces, or set namespaceSelector/,
  },
  {
    title: 'an empty list of targets',
    spec: { source: { name: 'source' }, syncToNamespaces: [] },
    field: 'spec',
    message: /name at least one namespace in syncToNamespaces/,
  },
  {
    title: 'no source',
    spec: { syncToNamespaces: ['foo'] },
    field: 'spec.source',
    message: /Required value/,
  },
  {
    title: 'a source name that is none',
    spec: { source: { name: 'Not A Name' }, syncToNamespaces: ['foo'] },
    field: 'spec.source.name',
    message: /Invalid value/,
  },
  {
    title: 'a target namespace that is none',
    spec: { source: { name: 'source' }, syncToNamespaces: ['foo', 'Foo_Bar'] },
    field: 'spec.syncToNamespaces[1]',
    message: /Invalid value/,
  },
  {
    title: 'a target namespace twice',
    spec: { source: { name: 'source' }, syncToNamespaces: ['foo', 'foo'] },
    field: 'spec.syncToNamespaces[1]',
    message: /Duplicate value/,
  },
  {
    title: 'a policy that there is not',
    spec: { source: { name: 'source' }, syncToNamespaces: ['foo'], conflictPolicy: 'Fight' },
    field: 'spec.conflictPolicy',
    message: /Unsupported value: "Fight"/,
  },
  {
    title: 'a label with our prefix',
    spec: {
      source: { name: 'source' },
      syncToNamespaces: ['foo'],
      target: { labels: { 'configmapsync.io/owner-uid': 'forged' } },
    },
    field: 'spec.target.labels',
    message: /configmapsync\.io/,
  },
  {
    title: 'a field that there is not',
    spec: { source: { name: 'source' }, syncToNamespace: ['foo'], syncToNamespaces: ['foo'] },
    field: 'spec.syncToNamespace',
    message: /unknown field/,
  },
  {
    title: 'a ServiceAccount of another namespace, which nobody may name',
    spec: {
      source: { name: 'source' },
      syncToNamespaces: ['foo'],
      serviceAccount: { name: 'admin', namespace: 'kube-system' },
    },
    field: 'spec.serviceAccount.namespace',
    message: /unknown field/,
  },
];

describe('a ConfigMapSync with a mistake in it', () => {
  let fixture: SyncFixture;
  let tenant: TestTenant;

  before(async () => {
    fixture = await SyncFixture.start();
    tenant = await fixture.tenant();
  });
  after(() => fixture.end());

  for (const { title, spec, field, message } of MISTAKES) {
    it(`is refused with the field's name: ${title}`, async () => {
      const { kubectl } = await plane();
      const manifest = {
        apiVersion: 'weaver.example.com/v1alpha1',
        kind: 'ConfigMapSync',
        metadata: { name: 'mistaken', namespace: tenant.namespace },
        spec,
      };

      const refusal = await kubectl(['create', '-f', '-'], JSON.stringify(manifest)).catch(
        (error: unknown) => error,
      );

      expect(refusal).to.be.instanceOf(Error);
      expect(String(refusal)).to.contain(field);
      expect(String(refusal)).to.match(message);
      expect(await tenant.sync('mistaken')).to.equal(undefined);
    });
  }

  it('that was mended is synced', async () => {
    const target = await tenant.target();
    await tenant.createSource({ data: { key: 'value' } });
    await tenant.createSync({ source: { name: 'misspelt' }, syncToNamespaces: [target] });
    await tenant.condition('SourceConfigMapFound', 'ConfigMapNotFound');

    await tenant.patchSync({ spec: { source: { name: 'source' } } });

    await tenant.copied(target, { key: 'value' });
    await tenant.ready();
  });
});

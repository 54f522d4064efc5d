import { expect } from 'chai';
import { NamespaceLister, namespaceOutline } from '../../../src/controller/namespace-lister.js';
import type { KubernetesObject } from '../../../src/k8s/client/objects.js';
import { syncSpec } from '../../support/sync-object.js';
import { Store } from '../../../src/k8s/cache/store.js';

describe('the namespace directory', () => {
  const store = new Store<KubernetesObject>();
  const directory = new NamespaceLister(store);
  store.upsert({ metadata: { name: 'prod', uid: '1', resourceVersion: '1', labels: { share: 'ca' } } });
  store.upsert({
    metadata: { name: 'old', uid: '2', resourceVersion: '2', deletionTimestamp: '2026-01-02T03:04:05Z' },
  });

  it('knows whether a namespace is there, goes, or is not', () => {
    expect(['prod', 'old', 'nowhere'].map((name) => directory.state(name))).to.deep.equal([
      'active',
      'terminating',
      'missing',
    ]);
  });

  it('finds those that a selector reaches, and none without one', async () => {
    const selectedBy = (spec: Parameters<typeof syncSpec>[0]): Promise<string[]> =>
      directory.selectedBy(syncSpec(spec));

    expect(await selectedBy({ namespaceSelector: { matchLabels: { share: 'ca' } } })).to.deep.equal(['prod']);
    expect(await selectedBy({ namespaceSelector: {} })).to.deep.equal(['prod', 'old']);
    expect(await selectedBy({ syncToNamespaces: ['prod'] })).to.deep.equal([]);
  });

  it('keeps of a namespace only what it tells', () => {
    const full: KubernetesObject = {
      kind: 'Namespace',
      metadata: {
        name: 'prod',
        uid: '1',
        resourceVersion: '1',
        labels: { share: 'ca' },
        annotations: { long: 'text' },
        finalizers: ['kubernetes'],
      },
    };

    expect(namespaceOutline(full)).to.deep.equal({
      metadata: { name: 'prod', uid: '1', resourceVersion: '1', labels: { share: 'ca' } },
    });
  });
});

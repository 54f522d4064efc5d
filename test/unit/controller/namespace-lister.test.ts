import { expect } from 'chai';
import { NamespaceLister, namespaceOutline } from '../../../src/controller/namespace-lister.js';
import type { KubernetesObject } from '../../../src/k8s/client/objects.js';
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

  it('gives names and labels to select by', () => {
    expect([...directory.all()]).to.deep.equal([
      { name: 'prod', labels: { share: 'ca' } },
      { name: 'old', labels: {} },
    ]);
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

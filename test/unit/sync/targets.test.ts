import { expect } from 'chai';
import type { ConfigMapSyncSpec } from '../../../src/api/v1alpha1/config-map-sync-spec.js';
import { selectorOf, selectTargets } from '../../../src/sync/targets.js';
import { syncSpec } from '../../support/sync-object.js';

const cluster = [
  { name: 'kube-system', labels: { share: 'ca' } },
  { name: 'prod', labels: { share: 'ca' } },
  { name: 'dev', labels: { share: 'ca' } },
  { name: 'lab', labels: {} },
  { name: 'team-a', labels: { share: 'ca' } },
];

function targetsIn(
  spec: ConfigMapSyncSpec,
  own: string,
  namespaces: readonly { name: string; labels: Record<string, string> }[],
) {
  const reached = namespaces.filter(selectorOf(spec) ?? (() => false)).map(({ name }) => name);
  return selectTargets(spec, own, reached);
}

describe('the targets of a ConfigMapSync', () => {
  it('are the namespaces named and those that the selector matches: sorted, each once', () => {
    const spec = syncSpec({
      syncToNamespaces: ['prod', 'zoo'],
      namespaceSelector: { matchLabels: { share: 'ca' } },
      source: { name: 'shared', namespace: 'elsewhere' },
    });

    expect(targetsIn(spec, 'team-a', cluster).wanted).to.deep.equal(['dev', 'prod', 'team-a', 'zoo']);
  });

  it('are, under an empty selector, every namespace but kube-*', () => {
    const spec = syncSpec({ namespaceSelector: {}, source: { name: 'shared', namespace: 'elsewhere' } });

    expect(targetsIn(spec, 'team-a', cluster).wanted).to.deep.equal(['dev', 'lab', 'prod', 'team-a']);
  });

  it('may be in kube-* where they are named', () => {
    const spec = syncSpec({ syncToNamespaces: ['kube-system'] });

    expect(targetsIn(spec, 'team-a', cluster).wanted).to.deep.equal(['kube-system']);
  });

  it('are none of the cluster without a selector', () => {
    const spec = syncSpec({ syncToNamespaces: ['prod'] });

    expect(targetsIn(spec, 'team-a', cluster)).to.deep.equal({ wanted: ['prod'], skipped: undefined });
    expect(selectorOf(spec)).to.equal(undefined);
  });

  it("never are the source's own place, however it is reached", () => {
    const named = syncSpec({ syncToNamespaces: ['prod', 'team-a'] });
    const selected = syncSpec({ namespaceSelector: { matchLabels: { share: 'ca' } } });
    const sameName = syncSpec({ syncToNamespaces: ['team-a'], target: { name: 'shared' } });

    expect(targetsIn(named, 'team-a', cluster)).to.deep.equal({ wanted: ['prod'], skipped: 'team-a' });
    expect(targetsIn(selected, 'team-a', cluster)).to.deep.equal({
      wanted: ['dev', 'prod'],
      skipped: 'team-a',
    });
    expect(targetsIn(sameName, 'team-a', cluster)).to.deep.equal({ wanted: [], skipped: 'team-a' });
  });

  it("may be in the source's namespace under another name", () => {
    const spec = syncSpec({ syncToNamespaces: ['team-a'], target: { name: 'twin' } });

    expect(targetsIn(spec, 'team-a', cluster)).to.deep.equal({ wanted: ['team-a'], skipped: undefined });
  });

  it('skip the namespace of the source, not that of the ConfigMapSync', () => {
    const spec = syncSpec({
      source: { name: 'shared', namespace: 'prod' },
      syncToNamespaces: ['prod', 'team-a'],
    });

    expect(targetsIn(spec, 'team-a', cluster)).to.deep.equal({ wanted: ['team-a'], skipped: 'prod' });
  });
});

import { expect } from 'chai';
import { isNamespaced, rightsOf } from '../../../hack/bundle/permissions.js';
import type { PolicyRule } from '../../../hack/bundle/manifest.js';
import { committedBundle } from './committed.js';

describe('the rights that the bundle asks for', () => {
  let cluster: PolicyRule[];
  let namespaced: PolicyRule[];

  before(async () => {
    const { clusterPermissions, permissions } = (await committedBundle()).csv.spec.install.spec;
    cluster = clusterPermissions.flatMap(({ rules }) => rules);
    namespaced = permissions.flatMap(({ rules }) => rules);
  });

  it('are what the operator needs, and not a verb more', () => {
    expect(rightsOf([...cluster, ...namespaced])).to.deep.equal([
      'configmapsyncs.weaver.example.com/finalizers: update',
      'configmapsyncs.weaver.example.com/status: patch',
      'configmapsyncs.weaver.example.com: get list watch patch',
      'events.events.k8s.io: create patch',
      'leases.coordination.k8s.io config-weaver.weaver.example.com: get update patch',
      'leases.coordination.k8s.io: create',
      'namespaces: get list watch',
      'subjectaccessreviews.authorization.k8s.io: create',
      'tokenreviews.authentication.k8s.io: create',
    ]);
  });

  it('hold no verb on ConfigMaps, Secrets, ServiceAccounts or their tokens, in any spelling', () => {
    const resources = [...cluster, ...namespaced].flatMap((rule) => rule.resources ?? []);

    expect(
      resources.filter((name) => /^((configmaps|secrets|serviceaccounts)($|\/)|\*)/.test(name)),
    ).to.deep.equal([]);
  });

  it('use no wildcard, so that a resource of a later Kubernetes is not theirs', () => {
    const words = [...cluster, ...namespaced].flatMap(({ verbs, apiGroups = [] }) => [
      ...verbs,
      ...apiGroups,
    ]);

    expect(words).to.not.include('*');
  });

  it('stay least when OLM lifts them to the cluster: only the own Lease can be written', () => {
    const leases = namespaced.filter(({ resources }) => resources?.includes('leases'));

    for (const { verbs, resourceNames } of leases) {
      if (verbs.some((verb) => verb !== 'create')) {
        expect(resourceNames).to.deep.equal(['config-weaver.weaver.example.com']);
      }
    }
    expect(leases).to.have.length(2);
  });

  it('reach, in an installation for some namespaces, ConfigMapSyncs and Events of those only', () => {
    expect(cluster.filter((rule) => isNamespaced(rule))).to.deep.equal([]);
    expect(rightsOf(cluster)).to.deep.equal([
      'namespaces: get list watch',
      'subjectaccessreviews.authorization.k8s.io: create',
      'tokenreviews.authentication.k8s.io: create',
    ]);
  });
});

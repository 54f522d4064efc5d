import { expect } from 'chai';
import { remedyFor, sourceGrant, targetGrant } from '../../../../../src/cli/audit/report/required-rbac.js';
import { rowsOf } from '../../../../../src/cli/audit/report/report-row.js';
import type { ConfigMapSync } from '../../../../../src/api/v1alpha1/config-map-sync.js';
import { refused, syncWith, target } from '../../../../support/report-fixture.js';

const OPERATOR = 'system:serviceaccount:ops:weaver';

interface Manifest {
  kind: string;
  metadata: { name: string; namespace: string };
  rules?: { resources: string[]; resourceNames?: string[]; verbs: string[] }[];
  roleRef?: { kind: string; name: string };
  subjects?: { kind: string; namespace: string; name: string }[];
}

function remedy(sync: ConfigMapSync): object[] {
  const [row] = rowsOf(sync);
  return remedyFor(sync, row!, OPERATOR);
}

function manifests(objects: object[]): Manifest[] {
  return objects as Manifest[];
}

describe('the RBAC that mends a refusal', () => {
  it('binds every verb at a target to the name of the copy but create, which has none when it is authorized', () => {
    const sync = syncWith({ spec: { target: { name: 'renamed' } } });

    const [role, binding] = manifests(targetGrant(sync, 'prod'));

    expect(role?.kind).to.equal('Role');
    expect(role?.metadata.namespace).to.equal('prod');
    expect(role?.rules).to.deep.equal([
      { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] },
      {
        apiGroups: [''],
        resources: ['configmaps'],
        resourceNames: ['renamed'],
        verbs: ['get', 'update', 'delete', 'list', 'watch'],
      },
    ]);
    expect(binding).to.deep.include({ kind: 'RoleBinding', metadata: role?.metadata });
    expect(binding?.roleRef).to.deep.include({ kind: 'Role', name: role?.metadata.name });
    expect(binding?.subjects).to.deep.equal([
      { kind: 'ServiceAccount', namespace: 'team-a', name: 'sharer' },
    ]);
  });

  it('holds just the verbs that the ConfigMapSync needs', () => {
    const [role] = manifests(targetGrant(syncWith({ spec: { deletionPolicy: 'Orphan' } }), 'prod'));

    expect(role?.rules?.flatMap(({ verbs }) => verbs)).to.not.include('delete');
  });

  it('lets the source be read by its name, where it is', () => {
    const sync = syncWith({ spec: { source: { name: 'ca', namespace: 'pki' } } });

    const [role] = manifests(sourceGrant(sync));

    expect(role?.metadata.namespace).to.equal('pki');
    expect(role?.rules).to.deep.equal([
      { apiGroups: [''], resources: ['configmaps'], resourceNames: ['ca'], verbs: ['get', 'list', 'watch'] },
    ]);
  });

  it('lets the operator request the token of that one ServiceAccount', () => {
    const sync = syncWith({ targets: [target('prod', 'Denied', { reason: 'TokenRequestDenied' })] });

    const [role, binding] = manifests(remedy(sync));

    expect(role?.rules).to.deep.equal([
      { apiGroups: [''], resources: ['serviceaccounts/token'], resourceNames: ['sharer'], verbs: ['create'] },
    ]);
    expect(binding?.subjects).to.deep.equal([{ kind: 'ServiceAccount', namespace: 'ops', name: 'weaver' }]);
  });

  it('has the same name each time, and another one for another tenant whose names run together alike', () => {
    const nameFor = (namespace: string, serviceAccount: string): string | undefined =>
      manifests(
        targetGrant(syncWith({ namespace, spec: { serviceAccount: { name: serviceAccount } } }), 'prod'),
      )[0]?.metadata.name;

    expect(nameFor('team', 'a-x')).to.equal(nameFor('team', 'a-x'));
    expect(nameFor('team', 'a-x')).to.not.equal(nameFor('team-a', 'x'));
  });

  it('has a name within the bounds of DNS labels for the longest names there are', () => {
    const sync = syncWith({
      namespace: 'n'.repeat(63),
      spec: { source: { name: 's'.repeat(253) }, serviceAccount: { name: 'a'.repeat(253) } },
    });

    for (const { metadata } of manifests([...sourceGrant(sync), ...targetGrant(sync, 'prod')])) {
      expect(metadata.name).to.match(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])$/);
    }
  });

  describe('is chosen by the reason:', () => {
    const cases: [string, string | undefined][] = [
      ['MissingPermissions', 'config-weaver-write-'],
      ['CleanupBlocked', 'config-weaver-write-'],
      ['SourceDenied', 'config-weaver-read-'],
      ['TokenRequestDenied', 'config-weaver-token-'],
      ['ServiceAccountNotFound', undefined],
    ];
    for (const [reason, prefix] of cases) {
      it(`${reason}: ${prefix ?? 'nothing'}`, () => {
        const sync = syncWith({ targets: [target('prod', 'Stale', { reason })] });

        expect(firstName(sync)?.slice(0, prefix?.length)).to.equal(prefix);
      });
    }
  });

  it('is the same for a refusal as for the target itself', () => {
    const sync = syncWith({ targets: [refused('prod')] });

    expect(remedy(sync)).to.deep.equal(targetGrant(sync, 'prod'));
  });
});

function firstName(sync: ConfigMapSync): string | undefined {
  return manifests(remedy(sync))[0]?.metadata.name;
}

import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import { tokenGrant, toYaml } from '../../../src/tenant/token-grant.js';

interface Manifest {
  kind: string;
  metadata: { name: string; namespace: string };
  rules?: { resourceNames: string[]; verbs: string[] }[];
  subjects?: object[];
}

const OPERATOR = 'system:serviceaccount:config-weaver-system:config-weaver-controller-manager';

describe('the grant of a token', () => {
  it('lets the operator create tokens of that ServiceAccount and of no other', () => {
    const [role, binding] = tokenGrant({ namespace: 'team-a', name: 'sharer' }, OPERATOR) as [
      Manifest,
      Manifest,
    ];

    expect(role.rules).to.have.length(1);
    expect(role.rules?.[0]).to.deep.include({
      resources: ['serviceaccounts/token'],
      resourceNames: ['sharer'],
      verbs: ['create'],
    });
    expect(binding.subjects).to.deep.equal([
      { kind: 'ServiceAccount', namespace: 'config-weaver-system', name: 'config-weaver-controller-manager' },
    ]);
    expect(binding.metadata.namespace).to.equal('team-a');
  });

  it('names an operator that is no ServiceAccount as the user that it is', () => {
    const [, binding] = tokenGrant({ namespace: 'team-a', name: 'sharer' }, 'jane') as [Manifest, Manifest];

    expect(binding.subjects).to.deep.equal([
      { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'jane' },
    ]);
  });

  it('has a name that Kubernetes takes, and one for each ServiceAccount, however long theirs are', () => {
    const names = ['a'.repeat(253), `${'a'.repeat(252)}b`].map(
      (name) =>
        (tokenGrant({ namespace: 'team-a', name }, OPERATOR) as [Manifest, Manifest])[0].metadata.name,
    );

    expect(names[0]).to.have.length.of.at.most(253);
    expect(names[0]).to.match(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
    expect(new Set(names).size).to.equal(2);
  });

  it('is a stream of YAML for kubectl', () => {
    const grant = tokenGrant({ namespace: 'team-a', name: 'sharer' }, OPERATOR);

    const documents = parseAllDocuments(toYaml(grant)).map((document) => document.toJS() as unknown);

    expect(documents).to.deep.equal(grant);
  });

  it('leaves no name to be taken for something else by kubectl, which reads YAML 1.1 as well', () => {
    for (const name of [
      'no',
      'on',
      'y',
      'true',
      'null',
      '0b11',
      '0o17',
      '012',
      '1e3',
      '12e03',
      '2024-01-01',
    ]) {
      const yaml = toYaml(tokenGrant({ namespace: 'team-a', name }, OPERATOR));

      for (const version of ['1.1', '1.2'] as const) {
        const [role] = parseAllDocuments(yaml, { version }).map((document) => document.toJS() as Manifest);
        expect(role?.rules?.[0]?.resourceNames, `${name} in YAML ${version}`).to.deep.equal([name]);
      }
    }
    expect(toYaml(tokenGrant({ namespace: 'team-a', name: 'sharer' }, OPERATOR))).to.include('- sharer\n');
  });
});

import { expect } from 'chai';
import type { Verb } from '../../../../src/api/v1alpha1/config-map-sync-status.js';
import { Remedies } from '../../../../src/cli/audit/report/required-rbac.js';
import type { Attempt } from '../../../../src/cli/grant/access-reviewer.js';
import { GrantPlanner, targetsOf } from '../../../../src/cli/grant/grant-planner.js';
import { refused, syncWith, target } from '../../../support/report-fixture.js';

const OPERATOR = 'system:serviceaccount:ops:weaver';
const TENANT = 'system:serviceaccount:team-a:sharer';

/** `user verb namespace` of each right that is there. */
function planner(rights: readonly string[], asked: string[] = []): GrantPlanner {
  const neededVerbs = (): readonly Verb[] => ['get', 'create', 'update', 'delete'];
  const allowsAll = (username: string, attempts: readonly Attempt[]): Promise<boolean> => {
    const needed = attempts.map(({ verb, namespace }) => `${username} ${verb} ${namespace}`);
    asked.push(...attempts.map(({ verb, name }) => `${verb} ${name ?? '(no name)'}`));
    return Promise.resolve(needed.every((right) => rights.includes(right)));
  };
  const remedies = new Remedies({ operator: OPERATOR, neededVerbs });
  return new GrantPlanner({ reviewer: { allowsAll }, remedies, operator: OPERATOR, neededVerbs });
}

function kinds(manifests: object[]): string[] {
  return (manifests as { kind: string; metadata: { namespace: string; name: string } }[]).map(
    ({ kind, metadata }) =>
      `${kind} ${metadata.namespace} ${/^config-weaver-\w+/.exec(metadata.name)?.[0] ?? ''}`,
  );
}

function namespace(name: string, labels: Record<string, string> = {}): { metadata: never } {
  return { metadata: { name, labels } as never };
}

describe('the grants of a ConfigMapSync', () => {
  it('are all of them where nothing is there: token, source, each target', async () => {
    const missing = await planner([]).missing(syncWith({}), ['foo', 'prod']);

    expect(kinds(missing)).to.deep.equal([
      'Role team-a config-weaver-token',
      'RoleBinding team-a config-weaver-token',
      'Role team-a config-weaver-read',
      'RoleBinding team-a config-weaver-read',
      'Role foo config-weaver-write',
      'RoleBinding foo config-weaver-write',
      'Role prod config-weaver-write',
      'RoleBinding prod config-weaver-write',
    ]);
  });

  it('are those alone that are missing', async () => {
    const rights = [
      `${OPERATOR} create team-a`,
      `${TENANT} get team-a`,
      ...['get', 'create', 'update', 'delete'].map((verb) => `${TENANT} ${verb} foo`),
      ...['get', 'create', 'update'].map((verb) => `${TENANT} ${verb} prod`),
    ];

    const missing = await planner(rights).missing(syncWith({}), ['foo', 'prod']);

    expect(kinds(missing)).to.deep.equal([
      'Role prod config-weaver-write',
      'RoleBinding prod config-weaver-write',
    ]);
  });

  it('are asked about as the API server will be: by name, and a create by none', async () => {
    const asked: string[] = [];

    await planner([], asked).missing(syncWith({ spec: { target: { name: 'copy' } } }), ['foo']);

    expect(asked).to.deep.equal([
      'create sharer',
      'get settings',
      'get copy',
      'create (no name)',
      'update copy',
      'delete copy',
    ]);
  });

  it('leave out namespaces that do not exist, and name them', () => {
    const sync = syncWith({ spec: { syncToNamespaces: ['foo', 'ghost'] } });

    expect(targetsOf(sync, [namespace('foo')])).to.deep.equal({ targets: ['foo'], unknown: ['ghost'] });
  });

  it('reach what the selector reaches, and what could not be removed', () => {
    const sync = syncWith({
      spec: { namespaceSelector: { matchLabels: { share: 'ca' } } },
      targets: [refused('left-behind', ['delete']), target('in-step', 'Synced')],
    });
    const namespaces = [namespace('in-step'), namespace('left-behind'), namespace('new', { share: 'ca' })];

    expect(targetsOf(sync, namespaces).targets).to.deep.equal(['left-behind', 'new']);
  });

  it('cannot be told for a selector without the right to list namespaces', () => {
    const sync = syncWith({ spec: { namespaceSelector: {} } });

    expect(() => targetsOf(sync, undefined)).to.throw('right to list namespaces');
  });

  it('take the namespaces that the spec names to exist where that cannot be known', () => {
    const sync = syncWith({ spec: { syncToNamespaces: ['foo'] } });

    expect(targetsOf(sync, undefined)).to.deep.equal({ targets: ['foo'], unknown: [] });
  });
});

import { expect } from 'chai';
import type { ConfigMapSync } from '../../../../src/api/v1alpha1/config-map-sync.js';
import type { Attempt } from '../../../../src/cli/grant/access-reviewer.js';
import { missingGrants, targetsOf } from '../../../../src/cli/grant/grant.js';
import { refused, syncWith, target } from '../../../support/report-fixture.js';

const OPERATOR = 'system:serviceaccount:ops:weaver';
const TENANT = 'system:serviceaccount:team-a:sharer';

/** @param rights `user verb namespace` of each right that is there. */
function missing(
  rights: readonly string[],
  sync: ConfigMapSync,
  targets: readonly string[],
  asked: string[] = [],
): Promise<object[]> {
  const allowsAll = (username: string, attempts: readonly Attempt[]): Promise<boolean> => {
    const needed = attempts.map(({ verb, namespace }) => `${username} ${verb} ${namespace}`);
    asked.push(...attempts.map(({ verb, name }) => `${verb} ${name ?? '(no name)'}`));
    return Promise.resolve(needed.every((right) => rights.includes(right)));
  };
  return missingGrants(sync, targets, { operator: OPERATOR, reviewer: { allowsAll } });
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
    const grants = await missing([], syncWith({}), ['foo', 'prod']);

    expect(kinds(grants)).to.deep.equal([
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

    const grants = await missing(rights, syncWith({}), ['foo', 'prod']);

    expect(kinds(grants)).to.deep.equal([
      'Role prod config-weaver-write',
      'RoleBinding prod config-weaver-write',
    ]);
  });

  it('are asked about as the API server will be: by name, and a create by none', async () => {
    const asked: string[] = [];

    await missing([], syncWith({ spec: { target: { name: 'copy' } } }), ['foo'], asked);

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

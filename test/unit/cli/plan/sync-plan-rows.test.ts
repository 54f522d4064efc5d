import { expect } from 'chai';
import type { ConfigMapSync } from '../../../../src/api/v1alpha1/config-map-sync.js';
import type { Caller } from '../../../../src/cli/caller.js';
import { lookAround } from '../../../../src/cli/plan/cluster-view.js';
import type { PlanRow } from '../../../../src/cli/plan/plan-table.js';
import { planRows } from '../../../../src/cli/plan/sync-plan-rows.js';
import { IdentityError } from '../../../../src/tenant/errors.js';
import { syncObject } from '../../../support/sync-object.js';
import { refusal } from '../../../support/fakes/fake-api.js';
import { PlanRig } from './plan-rig.js';

const { signal } = new AbortController();

describe('the rows of a plan', () => {
  let rig: PlanRig;
  let stored: ConfigMapSync[];

  beforeEach(() => {
    rig = new PlanRig();
    rig.put('team-a', { metadata: { name: 'shared' }, data: { key: 'value' } });
    stored = [];
  });

  afterEach(() => rig.tenancy.closeAll());

  async function rows(sync: ConfigMapSync, dryRun = false): Promise<PlanRow[]> {
    const namespaces = ['team-a', 'prod', 'dev', 'old'].map((name) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, uid: `uid-${name}`, resourceVersion: '1' },
    }));
    const caller = {
      listNamespaces: () => Promise.resolve(namespaces),
      listSyncs: () => Promise.resolve(stored),
    } as unknown as Caller;
    const { tenancy } = rig;
    return planRows(sync, { tenancy, cluster: await lookAround(caller), dryRun, signal });
  }

  const to = (...syncToNamespaces: string[]): ConfigMapSync => syncObject({ spec: { syncToNamespaces } });
  const told = (all: PlanRow[]): string[] =>
    all.map(
      ({ targetNamespace, configMap, action, reason }) =>
        `${targetNamespace}/${configMap} ${action} ${reason}`,
    );

  it('tell what would be created, without writing anything', async () => {
    const all = await rows(to('prod', 'dev'));

    expect(told(all)).to.have.members(['prod/shared create Missing', 'dev/shared create Missing']);
    expect(all[0]).to.deep.include({ namespace: 'team-a', name: 'share', serviceAccount: 'default' });
    expect(all[0]?.changes).to.deep.equal([
      { part: 'data', key: 'key', change: 'added', bytesBefore: null, bytesAfter: 5 },
    ]);
    expect(rig.writes).to.deep.equal([]);
  });

  it('tell of a ConfigMap that is in the way, though nothing is known of the target yet', async () => {
    rig.put('prod', { metadata: { name: 'shared' }, data: { key: "somebody else's" } });

    expect(told(await rows(to('prod')))).to.deep.equal(['prod/shared conflict NotOurs']);
  });

  it('tell what a takeover would change', async () => {
    rig.put('prod', { metadata: { name: 'shared' }, data: { key: 'other', more: 'x' } });
    const sync = syncObject({ spec: { syncToNamespaces: ['prod'], conflictPolicy: 'Overwrite' } });

    const [row] = await rows(sync);

    expect(row).to.include({ action: 'update', reason: 'TakenOver' });
    expect(row?.changes.map(({ key, change }) => `${key} ${change}`)).to.deep.equal([
      'key changed',
      'more removed',
    ]);
  });

  it('tell which verbs are missing', async () => {
    rig.rights.verbs = ['get', 'create'];

    const [row] = await rows(to('prod'));

    expect(row).to.deep.include({
      action: 'denied',
      missingVerbs: ['update', 'delete'],
      message: 'the ServiceAccount lacks update, delete',
    });
  });

  it('tell that a namespace is not there', async () => {
    expect(told(await rows(to('nowhere')))).to.deep.equal(['nowhere/shared wait NamespaceNotFound']);
  });

  it("skip the source's own place", async () => {
    expect(told(await rows(to('team-a', 'prod')))).to.deep.equal([
      'team-a/shared skip SourceItself',
      'prod/shared create Missing',
    ]);
  });

  it('tell why nothing would be done at all', async () => {
    rig.configMaps.clear();
    expect(told(await rows(to('prod')))).to.deep.equal(['prod/shared blocked ConfigMapNotFound']);

    const suspended = syncObject({ spec: { syncToNamespaces: ['prod'], suspend: true } });
    expect(told(await rows(suspended))).to.deep.equal(['prod/shared blocked Suspended']);
  });

  it('need a token of the ServiceAccount, and say whom to ask for it', async () => {
    rig.tokenFailure = refusal(403, 'Forbidden');

    const failure = await rows(to('prod')).catch((error: unknown) => error);

    expect(failure).to.have.property('cause').that.is.instanceOf(IdentityError);
    expect(failure).to.have.property('message').that.includes('you may not request a token of it');
  });

  it('tell of copies that would go with the targets that spec names no more', async () => {
    stored = [
      syncObject({
        spec: { syncToNamespaces: ['old'] },
        status: {
          targets: [
            {
              namespace: 'old',
              state: 'Synced',
              reason: 'Synced',
              copies: [{ name: 'shared', uid: 'uid-old' }],
            },
          ],
        } as never,
      }),
    ];
    rig.put('old', {
      metadata: {
        name: 'shared',
        labels: {
          'app.kubernetes.io/managed-by': 'config-weaver',
          'configmapsync.io/owner-uid': 'uid-share',
        },
        annotations: {
          'configmapsync.io/owner-name': 'share',
          'configmapsync.io/owner-namespace': 'team-a',
          'configmapsync.io/source': 'team-a/shared',
        },
      },
      data: { key: 'value' },
    });

    expect(told(await rows(to('prod')))).to.have.members([
      'prod/shared create Missing',
      'old/shared delete NotWanted',
    ]);
    expect(rig.writes).to.deep.equal([]);
  });

  describe('with a dry run on the server', () => {
    it('tell what the API server would refuse', async () => {
      rig.dryRun = () => refusal(422, 'Invalid');

      const [row] = await rows(to('prod'), true);

      expect(row).to.include({ action: 'failed' });
      expect(row?.message).to.include('refused with 422');
    });
  });
});

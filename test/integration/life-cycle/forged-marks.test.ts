import { expect } from 'chai';
import { eventually } from '../../support/eventually.js';
import { SyncFixture } from '../../support/sync-fixture.js';
import { ALL_VERBS } from '../../support/tenant.js';
import { ForgedWorld, OTHER_NAME, type ForgedCase } from './forged-world.js';
import { Forger } from './forger.js';

interface Attack {
  /** One after the other; the operator is idle in between. */
  steps: ((world: ForgedWorld, fixture: SyncFixture) => Promise<unknown>)[];
  /** Waits for what shows that the operator has carried it out. */
  shows: (world: ForgedWorld) => Promise<unknown>;
  /** Which of the marked ConfigMaps must be left alone. Default: all. */
  spared?: ForgedCase[];
}

const deleteSync =
  (propagationPolicy: string): Attack['steps'][number] =>
  ({ tenant }, { api }) =>
    api.delete(
      { resource: 'configmapsyncs', namespace: tenant.namespace, name: 'sync' },
      { propagationPolicy },
    );

const reconciled = ({ tenant }: ForgedWorld): Promise<unknown> =>
  eventually(async () => {
    const sync = await tenant.sync();
    expect(sync?.status?.observedGeneration).to.equal(sync?.metadata.generation);
  });

const takeOffAndPutBack: Attack['steps'] = [
  ({ tenant, witness }) => tenant.patchSync({ spec: { syncToNamespaces: [witness] } }),
  ({ tenant, targets }) => tenant.patchSync({ spec: { syncToNamespaces: targets } }),
];

/** Everything that makes the operator update, replace, prune or release copies. */
const ATTACKS: Record<string, Attack> = {
  'spec.keys and spec.target.labels change': {
    steps: [
      ({ tenant }) => tenant.patchSync({ spec: { keys: ['key'], target: { labels: { tier: 'web' } } } }),
    ],
    shows: ({ tenant, witness }) => tenant.copied(witness, { key: 'value' }),
  },
  'targets are taken off the list and put back': {
    steps: takeOffAndPutBack,
    shows: reconciled,
    spared: ['older', 'otherName', 'noTarget'],
  },
  'targets with a ConfigMap younger than the ConfigMapSync are taken off the list and put back': {
    steps: takeOffAndPutBack,
    shows: reconciled,
    spared: ['younger'],
  },
  'a namespace becomes a target': {
    steps: [
      ({ tenant, targets, noTargets }) =>
        tenant.patchSync({ spec: { syncToNamespaces: [...targets, ...noTargets] } }),
    ],
    shows: ({ tenant, noTargets }) =>
      Promise.all(noTargets.map((namespace) => tenant.targetState(namespace, 'Conflict'))),
  },
  'spec.target.name changes and changes back': {
    steps: [
      ({ tenant }) => tenant.patchSync({ spec: { target: { name: 'renamed' } } }),
      ({ tenant }) => tenant.patchSync({ spec: { target: null } }),
    ],
    shows: async ({ tenant, witness }) => {
      await tenant.copyGone(witness, 'renamed');
      await tenant.copied(witness, { key: 'value', more: 'value' });
    },
  },
  'spec.target.name becomes that of a marked ConfigMap': {
    steps: [({ tenant }) => tenant.patchSync({ spec: { target: { name: OTHER_NAME } } })],
    shows: ({ tenant, witness }) => tenant.copyGone(witness),
  },
  'the source is deleted under sourceDeletionPolicy Delete': {
    steps: [
      ({ tenant }) => tenant.patchSync({ spec: { sourceDeletionPolicy: 'Delete' } }),
      ({ tenant }) => tenant.deleteConfigMap(tenant.namespace),
    ],
    shows: ({ tenant, witness }) => tenant.copyGone(witness),
  },
  'the ConfigMapSync is deleted with --cascade=background': {
    steps: [deleteSync('Background')],
    shows: async ({ tenant, witness }) => {
      await tenant.gone();
      await tenant.copyGone(witness);
    },
  },
  'the ConfigMapSync is deleted with --cascade=foreground': {
    steps: [deleteSync('Foreground')],
    shows: async ({ tenant, witness }) => {
      await tenant.gone();
      await tenant.copyGone(witness);
    },
  },
  'the ConfigMapSync is deleted with --cascade=orphan': {
    steps: [deleteSync('Orphan')],
    shows: ({ tenant }) => tenant.gone(),
  },
  'the ConfigMapSync is deleted under deletionPolicy Orphan': {
    steps: [
      ({ tenant }) => tenant.patchSync({ spec: { deletionPolicy: 'Orphan' } }),
      deleteSync('Background'),
    ],
    shows: ({ tenant }) => tenant.gone(),
  },
};

describe('forged ownership metadata', () => {
  let fixture: SyncFixture;
  let forger: Forger;

  before(async () => {
    fixture = await SyncFixture.start();
    forger = await Forger.create(fixture.api);
  });
  after(async () => {
    await forger.close();
    await fixture.end();
  });

  it('takes the permission to update, but neither to create nor to delete', async () => {
    const world = await ForgedWorld.create(fixture, forger);

    for (const namespace of world.targets) await forger.expectPowerless({ namespace, name: 'source' });
  });

  it('keeps a target in Conflict under Fail, after a change of the source and a restart too', async () => {
    const world = await ForgedWorld.create(fixture, forger);
    const { tenant, witness, contested } = world;
    await fixture.idle();
    const afterMarking = await world.touched();

    await tenant.patchSource({ data: { key: 'changed' } });
    await tenant.copied(witness, { key: 'changed', more: 'value' });
    await fixture.restart(() => tenant.patchSource({ data: { key: 'again' } }).then(() => undefined));
    await tenant.copied(witness, { key: 'again', more: 'value' });
    await fixture.idle();

    expect(afterMarking).to.deep.equal([]);
    expect(await world.touched()).to.deep.equal([]);
    for (const namespace of contested) await tenant.targetState(namespace, 'Conflict');
  });

  for (const immutable of [false, true]) {
    it(`puts a target in Conflict under Fail where ${immutable ? 'an immutable' : 'a'} ConfigMap got it while the target was denied`, async () => {
      const tenant = await fixture.tenant();
      const [target, witness] = [await tenant.target([]), await tenant.target()];
      await tenant.createSource({ data: { key: 'value' } });
      await tenant.createSync({ syncToNamespaces: [target, witness] });
      await tenant.targetState(target, 'Denied');
      await tenant.targetState(witness, 'Synced');
      await tenant.createConfigMap(target, 'source', { data: { owner: 'another team' }, immutable });
      await forger.allow(target);
      await forger.allow(witness);
      const place = { namespace: target, name: 'source' };
      const marked = await forger.mark(place, { namespace: witness, name: 'source' });

      await tenant.grant(target, ALL_VERBS);
      await tenant.targetState(target, 'Conflict', { timeoutMs: 20_000 });
      await tenant.deleteSync();
      await tenant.gone();

      expect(await tenant.copy(target)).to.deep.equal(marked);
    });
  }

  it('makes nothing deletable while a deletion is blocked in another namespace, over restarts too', async () => {
    const world = await ForgedWorld.create(fixture, forger);
    const { tenant, witness } = world;
    await fixture.idle();
    await fixture.restart(async () => {
      await tenant.grant(witness, ['get', 'create', 'update']);
      await tenant.deleteSync();
    });
    await tenant.condition('Ready', 'CleanupBlocked');
    await fixture.restart();
    await fixture.idle();
    const whileBlocked = await world.touched();

    await tenant.grant(witness, ALL_VERBS);
    await tenant.gone('sync', { timeoutMs: 20_000 });

    expect(whileBlocked).to.deep.equal([]);
    expect(await world.touched()).to.deep.equal([]);
    await tenant.copyGone(witness);
  });

  for (const isRunning of [true, false]) {
    describe(`makes nothing writable ${isRunning ? 'while the operator runs' : 'while the operator is down'}, when`, () => {
      const worlds = new Map<string, ForgedWorld>();

      before(async function () {
        this.timeout(180_000);
        await Promise.all(
          Object.keys(ATTACKS).map(async (title) => {
            worlds.set(title, await ForgedWorld.create(fixture, forger));
          }),
        );
        await fixture.idle();
        const longest = Math.max(...Object.values(ATTACKS).map(({ steps }) => steps.length));
        for (let index = 0; index < longest; index += 1) {
          const step = async (): Promise<void> => {
            await Promise.all(
              Object.entries(ATTACKS).map(async ([title, { steps }]) =>
                steps[index]?.(worlds.get(title)!, fixture),
              ),
            );
          };
          if (isRunning) await step();
          else await fixture.restart(step);
          await fixture.idle();
        }
      });

      for (const [title, { shows, spared }] of Object.entries(ATTACKS)) {
        it(title, async () => {
          const world = worlds.get(title)!;

          await shows(world);

          expect(await world.touched(spared)).to.deep.equal([]);
        });
      }
    });
  }
});

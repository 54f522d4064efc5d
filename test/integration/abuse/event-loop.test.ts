import { expect } from 'chai';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forEachOf } from '../../../hack/bench/pool.js';
import { repositoryRoot } from '../../../hack/repository.js';
import type { PartialSpec } from '../../../hack/rig/tenant.js';
import { eventually } from '../../support/eventually.js';
import { startOperator, type RunningOperator } from '../../support/operator.js';
import { removeSyncs } from '../../support/sync-fixture.js';
import { createNamespace, NEEDED_VERBS, TestTenant } from '../../support/tenant.js';
import { TestApi } from '../../support/test-api.js';
import type { Turn } from '../../support/turn-monitor.js';
import { Victim } from '../../support/victim.js';

/**
 * The longest that one turn may compute, in milliseconds of CPU time: 15 to 35 are what parsing or writing one object of a
 * megabyte takes on two busy cores, and one plan with a long selector took more than 100 in one piece.
 */
const MOST_MS = 70;
const NAMESPACES = 600;
/** Of each kind of hostile ConfigMapSync: as many as make each kind of work, for more of them only make it longer. */
const SELECTORS = 8;
const WIDE = 20;
const LONG_TEXTS = 30;
const LINKS = 50;
const SMALL = 892;

const MONITOR = join(repositoryRoot(), 'dist/test/support/turn-monitor.js');
const KEYS = Array.from({ length: 64 }, (_, i) => `k${i}`);

/** As many values as the schema takes, none of which a namespace has, and as long as what it has: each is compared. */
function longSelector(): PartialSpec {
  const values = Array.from({ length: 1000 }, (_, i) => `v${String(i).padStart(5, '0')}`);
  const matchExpressions = KEYS.map((key) => ({ key, operator: 'NotIn' as const, values }));
  return { namespaceSelector: { matchExpressions } };
}

function wide(i: number): PartialSpec {
  return { syncToNamespaces: Array.from({ length: 1000 }, (_, j) => `wide-${i % 2}-${j}`) };
}

/** What the schema takes of signs that the API server stores as six characters each. */
function longTexts(i: number): PartialSpec {
  const annotations = Object.fromEntries(KEYS.map((key) => [key, '<'.repeat(1500)]));
  return { syncToNamespaces: ['wide-0-1'], target: { name: `text-${i}`, annotations } };
}

describe('the event loop', function () {
  this.timeout(600_000);
  let api: TestApi;
  let tenant: TestTenant;
  let victim: Victim;
  let operator: RunningOperator;
  let folder: string;
  let file: string;
  const namespaces: string[] = [];

  const turns = async (since: number): Promise<Turn[]> => {
    const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as Turn).filter(({ at }) => at > since);
  };

  before(async () => {
    api = await TestApi.connect();
    folder = await mkdtemp(join(tmpdir(), 'config-weaver-event-loop-'));
    file = join(folder, 'turns');
    await writeFile(file, '');
    const labels = Object.fromEntries(KEYS.map((key) => [key, 'vother']));
    await forEachOf(Array.from({ length: NAMESPACES }), 8, async () => {
      namespaces.push(await createNamespace(api, 'loop', labels));
    });
    tenant = await TestTenant.create(api);
    await tenant.grantEverywhere(NEEDED_VERBS);
    await tenant.createSource({ data: { key: 'value' } });
    operator = await startOperator({
      args: ['--log-level=info'],
      nodeFlags: [`--import=${MONITOR}`],
      env: { TURN_MONITOR: file },
    });
    victim = await Victim.create({ api, operator, tenant: await TestTenant.create(api) });
  });

  after(async () => {
    await operator.stop();
    await removeSyncs(api, [tenant, victim.tenant]);
    await tenant.revokeEverywhere();
    await forEachOf(namespaces, 8, (name) => api.delete({ resource: 'namespaces', name }));
    await api.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('is never blocked for long by a thousand hostile ConfigMapSyncs', () =>
    victim.endures('what is long to compute', async () => {
      const began = Date.now();
      const create = (count: number, prefix: string, spec: (i: number) => PartialSpec): Promise<void> =>
        forEachOf(
          Array.from({ length: count }, (_, i) => i),
          8,
          async (i) => {
            await tenant.createSync({ target: { name: `${prefix}-${i}` }, ...spec(i) }, `${prefix}-${i}`);
          },
        );
      await create(SELECTORS, 'selector', longSelector);
      await create(WIDE, 'wide', wide);
      await create(LONG_TEXTS, 'text', longTexts);
      await create(LINKS, 'link', (i) => ({
        source: { name: `data-${i}` },
        target: { name: `data-${i + 1}` },
        syncToNamespaces: [tenant.namespace],
        suspend: true,
      }));
      await create(SMALL, `small-${'x'.repeat(200)}`, () => ({
        syncToNamespaces: ['wide-0-0'],
        suspend: true,
      }));
      await forEachOf(namespaces.slice(0, 20), 4, async (name) => {
        await api.patch({ resource: 'namespaces', name }, { metadata: { labels: { k0: 'other' } } });
      });
      for (let i = 0; i < WIDE; i += 4) await tenant.deleteSync(`wide-${i}`);
      await eventually(
        async () => {
          const depth = await operator.samples('workqueue_depth');
          expect(depth.map(({ value }) => value)).to.deep.equal([0]);
        },
        { timeoutMs: 180_000, intervalMs: 1000 },
      );
      const idleAt = Date.now();
      await eventually(async () => expect(await turns(idleAt)).not.to.deep.equal([]));

      const longest = (await turns(began)).sort((a, b) => b.cpuMs - a.cpuMs).slice(0, 5);
      expect(longest[0]?.cpuMs ?? 0, JSON.stringify(longest)).to.be.at.most(MOST_MS);
      return `${SELECTORS + WIDE + LONG_TEXTS + LINKS + SMALL} ConfigMapSyncs, ${NAMESPACES} namespaces; ${Math.round(longest[0]?.cpuMs ?? 0)} ms the longest turn`;
    }));
});

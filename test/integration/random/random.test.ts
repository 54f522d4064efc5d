import { expect } from 'chai';
import fc from 'fast-check';
import { AuditLog } from '../../support/audit-log.js';
import { operatorKubeconfig, OPERATOR_USERNAME } from '../../support/operator.js';
import { plane } from '../../support/plane.js';
import { SlowProxy } from '../../support/slow-proxy.js';
import { TestApi } from '../../support/test-api.js';
import { settle } from './settle.js';
import { stories, type Story } from './steps.js';
import { World } from './world.js';

/** Stories are told for so long; RANDOM_SECONDS=3600 for a thorough look. */
const SECONDS = Number(process.env.RANDOM_SECONDS ?? 30);
/** Of the first story, each further one has the next; a seed in SEED is told alone, so that a failure can be repeated. */
const SEED = Number(process.env.SEED ?? process.env.RANDOM_FROM ?? 1);
const ALONE = process.env.SEED !== undefined;
/** true: after a failure look for the shortest story that fails, which takes minutes. */
const SHRINK = process.env.RANDOM_SHRINK === 'true';

/** The longest that anything takes: a namespace to go, a deleted account's token to be refused (10 s), a back-off. */
const SETTLE_MS = 45_000;

describe('any story of two tenants', () => {
  /** How often each reason and state was seen when all was well: shows what the stories reach. */
  const seen = new Map<string, number>();
  let eventsJudged = 0;
  let api: TestApi;
  let proxy: SlowProxy;
  let auditLog: AuditLog | undefined;

  before(async () => {
    api = await TestApi.connect();
    proxy = await SlowProxy.start(await operatorKubeconfig());
    const { auditLog: path } = await plane();
    auditLog = path === undefined ? undefined : await AuditLog.fromNow(path);
  });
  after(async () => {
    await proxy.close();
    await api.close();
  });

  it(`ends as the model says (seed ${SEED}${ALONE ? '' : ' and on'})`, async function () {
    this.timeout((SECONDS + 600) * 1000);
    const deadline = performance.now() + SECONDS * 1000;
    let seed = SEED;
    do {
      const replay = process.env.RANDOM_PATH === undefined ? {} : { path: process.env.RANDOM_PATH };
      await fc.assert(
        fc.asyncProperty(stories, (story) => tell(story, seed)),
        { seed, numRuns: 1, endOnFailure: !SHRINK, ...replay },
      );
      seed += 1;
    } while (!ALONE && performance.now() < deadline);
    console.log(
      `      ${seed - SEED} stories, seeds ${SEED} to ${seed - 1}, ${eventsJudged} Events about permissions`,
    );
    const counts = [...seen].sort(([, a], [, b]) => b - a).map(([state, count]) => `${state} ${count}`);
    console.log(`      seen: ${counts.join(', ')}`);
  });

  async function tell(story: Story, seed: number): Promise<void> {
    const world = await World.create(api, `r${seed}-${Math.random().toString(36).slice(2, 6)}`, proxy);
    try {
      await world.ensureOperator();
      for (const { sync, spec } of story.first) await world.perform({ do: 'put-sync', sync, spec });
      await settled(world, 'the beginning');
      for (const [index, batch] of story.batches.entries()) {
        for (const step of batch) await world.perform(step);
        await world.ensureOperator();
        await world.recover();
        await settled(world, `batch ${index}: ${JSON.stringify(batch)}`);
      }
      const own = await auditLog?.entries({ username: OPERATOR_USERNAME, resource: 'configmaps' });
      expect(own ?? [], "requests for ConfigMaps under the operator's own identity").to.deep.equal([]);
    } finally {
      eventsJudged += world.eventsJudged;
      await world.remove();
    }
  }

  async function settled(world: World, after: string): Promise<void> {
    for (const state of await settle(world, after, SETTLE_MS)) seen.set(state, (seen.get(state) ?? 0) + 1);
  }
});

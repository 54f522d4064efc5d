import { expect } from 'chai';
import type { PlanRow } from '../../../src/cli/plan/plan-table.js';
import { eventually } from '../../support/eventually.js';
import type { SyncFixture } from '../../support/sync-fixture.js';
import { configWeaver } from '../cli/audit-plan-grant-process.js';
import { PlanWorld } from './plan-world.js';
import type { Effects } from './effects.js';
import type { SpecStory, Story } from './stories.js';

/** One story and its result. */
export interface PlayedStory {
  story: Story;
  /** By `plan`. */
  foretold: Effects;
  /** According to the cluster. */
  happened: Effects;
  /** For the report of a failure. */
  details: string;
}

/**
 * Plays stories side by side, each in a world of its own: plans the last spec of each, applies it, and looks at what the
 * operator has done when it is idle.
 */
export async function play(fixture: SyncFixture, stories: readonly Story[]): Promise<PlayedStory[]> {
  const worlds = await Promise.all(stories.map((story) => PlanWorld.create(fixture, story)));
  const settle = async (specOf: (story: Story) => SpecStory | undefined): Promise<void> => {
    await Promise.all(worlds.map((world) => world.apply(specOf(world.story))));
    await settled(fixture, worlds);
  };
  await settle(({ earlier }) => earlier[0]);
  // An operator that starts afterwards finds every change, watched or not.
  await fixture.restart(async () => {
    await Promise.all(worlds.map((world) => world.change()));
  });
  await settle(({ earlier }) => earlier[1]);

  const manifests = await Promise.all(worlds.map((world) => world.manifest()));
  const outcome = await configWeaver(['plan', '-f', '-', '-o', 'json'], { input: manifests.join('\n---\n') });
  expect(outcome.code, outcome.stderr).to.equal(0);
  const rows = JSON.parse(outcome.stdout) as PlanRow[];
  await settle(({ planned }) => planned);
  return Promise.all(
    worlds.map(async (world) => {
      const own = rows.filter(({ namespace }) => namespace === world.tenant.namespace);
      const details = JSON.stringify({ story: world.story, plan: own, status: await world.status() });
      return { story: world.story, ...(await world.outcome(rows)), details };
    }),
  );
}

async function settled(fixture: SyncFixture, worlds: readonly PlanWorld[]): Promise<void> {
  await eventually(
    async () => {
      for (const { tenant } of worlds) {
        const sync = await tenant.sync();
        if (sync === undefined) continue;
        expect(sync.status?.observedGeneration, tenant.namespace).to.equal(sync.metadata.generation);
      }
    },
    { timeoutMs: 30_000 },
  );
  await fixture.idle();
}

import { expect } from 'chai';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../support/eventually.js';
import type { World } from './world.js';

/** So many looks in a row must find the very same objects. */
const LOOKS = 3;

/**
 * Waits until the world is as the model says, and nothing moves.
 * @param after What happened, for whoever reads the error.
 * @returns the reasons for Ready and the states of targets, each as often as it occurs
 * @throws Error with all that is otherwise, and the path of a file with objects and log
 */
export async function settle(world: World, after: string, timeoutMs: number): Promise<string[]> {
  const same: string[] = [];
  try {
    await eventually(
      async () => {
        const { problems, fingerprint } = await world.look();
        if (problems.length > 0 || same[0] !== fingerprint) same.length = 0;
        expect(problems, problems.join('\n')).to.deep.equal([]);
        same.push(fingerprint);
        expect(same.length, 'looks that found nothing moving').to.equal(LOOKS);
      },
      { timeoutMs, intervalMs: 250 },
    );
  } catch (error) {
    const details = join(await mkdtemp(join(tmpdir(), 'config-weaver-random-')), 'details.txt');
    await writeFile(details, `${await world.describe()}\n\n${world.operator?.output ?? ''}`);
    throw new Error(`after ${after}\n${String(error)}\nobjects and log: ${details}`, { cause: error });
  }
  return world.settled();
}

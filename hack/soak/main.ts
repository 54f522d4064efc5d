import { parseArgs } from 'node:util';
import { interruptSignal } from '../interrupt.js';
import { stopPlane } from '../../test/support/plane.js';
import { soak } from './soak.js';

const USAGE = `Usage: make soak ARGS="[--minutes N] [--seed N] [--worlds N]"

  --minutes N  of churn (default 10); looking at what became of it takes about as long again
  --seed N     of the steps and faults (default: another one each time)
  --worlds N   of two tenants each (default 3)`;

const ROUND_MS = 20_000;

const interrupted = interruptSignal();

const options = readOptions();
if (options === undefined) process.exitCode = 2;
else {
  const { minutes, seed, worlds } = options;
  console.log(`soak: seed ${seed}`);
  try {
    await soak({
      milliseconds: minutes * 60_000,
      roundMs: ROUND_MS,
      seed,
      worlds,
      untilClosed: true,
      print: (line) => console.log(`soak: ${line}`),
      signal: interrupted,
    });
    console.log('soak: all as it should be');
  } catch (error) {
    process.exitCode = 1;
    console.error(`soak: ${error instanceof Error ? error.message : String(error)}`);
    console.error(
      `soak: to repeat it: make soak ARGS="--seed ${seed} --minutes ${minutes} --worlds ${worlds}"`,
    );
  } finally {
    await stopPlane();
  }
}

function readOptions(): { minutes: number; seed: number; worlds: number } | undefined {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string', default: '10' },
        seed: { type: 'string', default: String(1 + Math.floor(Math.random() * 1_000_000)) },
        worlds: { type: 'string', default: '3' },
      },
    });
    const [minutes, seed, worlds] = [Number(values.minutes), Number(values.seed), Number(values.worlds)];
    if (!(minutes > 0 && minutes <= 1440)) throw new Error('--minutes takes a number up to 1440');
    if (!(Number.isInteger(seed) && seed >= 0)) throw new Error('--seed takes a number from 0 on');
    if (!(Number.isInteger(worlds) && worlds >= 1 && worlds <= 20)) {
      throw new Error('--worlds takes a number from 1 to 20');
    }
    return { minutes, seed, worlds };
  } catch (error) {
    console.error(`soak: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return undefined;
  }
}

import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { interruptSignal } from '../interrupt.js';
import { Rig } from '../rig/rig.js';
import { measureMemory, measureRest } from './at-rest.js';
import { BenchTenant, contentOf } from './bench-tenant.js';
import { measureConvergence } from './convergence.js';
import { measureFairness } from './fairness.js';
import { describeMachine } from './machine.js';
import { renderTable, type Measurement } from './measurement.js';
import { measureNeighbours, SCENE_NAMES } from './neighbours.js';
import { measureStartUp } from './start-up.js';

const USAGE = `Usage: make bench ARGS="[--runs N] [--targets N] [--only tenant|neighbours] [--scene NAME] [--json FILE] [--cpu-prof DIR]"

  --runs N        how often each is measured; the median counts (default 5)
  --targets N     namespaces that the ConfigMapSync names (default 100, at most 1000)
  --only PART     tenant: what one tenant costs; neighbours: its edits beside slow, throttled, denied and busy ones
  --scene NAME    of the neighbours just one: ${SCENE_NAMES.join(', ')}
  --json FILE     also write all numbers there
  --cpu-prof DIR  write a CPU profile of the operator's convergence and fairness there`;

const PARTS = ['tenant', 'neighbours'] as const;
type Part = (typeof PARTS)[number];

interface Options {
  runs: number;
  targets: number;
  /** Nothing else is measured. */
  only: Part | undefined;
  scene: string | undefined;
  json: string | undefined;
  cpuProf: string | undefined;
}

const interrupted = interruptSignal();

const options = readOptions();
if (options === undefined) process.exitCode = 2;
else {
  try {
    await bench(options, interrupted);
  } catch (error) {
    process.exitCode = 1;
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function bench(
  { runs, targets, only, scene, json, cpuProf }: Options,
  signal: AbortSignal,
): Promise<void> {
  const machine = describeMachine();
  console.log(
    Object.entries(machine)
      .map(([name, value]) => `${name}: ${value}`)
      .join(', '),
  );
  const rig = await Rig.start({ signal });
  const nodeFlags = cpuProf === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${cpuProf}`];
  try {
    const measurements: Measurement[] = [];
    if (only !== 'neighbours') {
      measurements.push(...(await measureOneTenant(rig, { runs, targets, nodeFlags, signal })));
    }
    if (only !== 'tenant') {
      const neighbours = await measureNeighbours(rig, { runs, scene, nodeFlags, onStep: progress, signal });
      measurements.push(...neighbours);
    }
    console.log(`\n${renderTable(measurements).join('\n')}`);
    if (json !== undefined) {
      await writeFile(json, `${JSON.stringify({ machine, targets, measurements }, null, 2)}\n`);
    }
  } finally {
    await rig.stop();
  }
}

interface Measuring {
  runs: number;
  nodeFlags: readonly string[];
  signal: AbortSignal;
}

async function measureOneTenant(rig: Rig, options: Measuring & { targets: number }): Promise<Measurement[]> {
  progress(`a tenant with rights in ${options.targets} namespaces`);
  const tenant = await BenchTenant.create(rig, options.targets);
  return measureAll(rig, tenant, options).finally(() => tenant.close());
}

async function measureAll(
  rig: Rig,
  tenant: BenchTenant,
  { runs, nodeFlags, signal }: Measuring,
): Promise<Measurement[]> {
  const operator = await rig.startOperator({ nodeFlags });
  const onRunOf =
    (what: string) =>
    (run: number): void => {
      signal.throwIfAborted();
      progress(`${what}, run ${run} of ${runs}`);
    };
  const convergence = await measureConvergence(rig, tenant, { runs, onRun: onRunOf('convergence') });
  const fairness = await measureFairness(rig, tenant, { runs, onRun: onRunOf('fairness'), signal });
  await operator.stop();

  await tenant.createSource('rest', contentOf('first'));
  await tenant.createSync('rest', 'rest');
  const atRest: Measurement[] = [];
  const pod = await rig.pod();
  const ways = [{ how: 'with a kubeconfig', pod: undefined }, ...(pod ? [{ how: 'in a pod', pod }] : [])];
  for (const way of ways) {
    progress(`at rest, ${way.how}`);
    const resting = await rig.startOperator({ pod: way.pod });
    atRest.push(await measureMemory(resting, tenant, way.how, signal));
    if (way === ways.at(-1)) atRest.push(...(await measureRest(rig, tenant, resting, signal)));
    await resting.stop();
    progress(`start-up, ${way.how}`);
    atRest.push(await measureStartUp(rig, tenant, { ...way, runs }));
  }
  return [...convergence, ...fairness, ...atRest];
}

function progress(step: string): void {
  console.error(`bench: ${step}`);
}

function readOptions(): Options | undefined {
  try {
    const { values } = parseArgs({
      options: {
        runs: { type: 'string', default: '5' },
        targets: { type: 'string', default: '100' },
        only: { type: 'string' },
        scene: { type: 'string' },
        json: { type: 'string' },
        'cpu-prof': { type: 'string' },
      },
    });
    const [runs, targets] = [Number(values.runs), Number(values.targets)];
    if (!(Number.isInteger(runs) && runs >= 1)) throw new Error('--runs takes a number from 1 on');
    if (!(Number.isInteger(targets) && targets >= 1 && targets <= 1000)) {
      throw new Error('--targets takes a number from 1 to 1000');
    }
    const { scene, json } = values;
    const only = PARTS.find((part) => part === values.only);
    if (values.only !== only) throw new Error(`--only takes one of ${PARTS.join(', ')}`);
    if (scene !== undefined && !SCENE_NAMES.includes(scene)) {
      throw new Error(`--scene takes one of ${SCENE_NAMES.join(', ')}`);
    }
    return { runs, targets, only, scene, json, cpuProf: values['cpu-prof'] };
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return undefined;
  }
}

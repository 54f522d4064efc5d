import { setTimeout as sleep } from 'node:timers/promises';
import { AuditLog } from '../../test/support/audit-log.js';
import { Neighbour } from '../../test/support/neighbour.js';
import { removeSyncs } from '../../test/support/sync-fixture.js';
import { TestTenant } from '../../test/support/tenant.js';
import { TestApi } from '../../test/support/test-api.js';
import { recordedRequests } from '../rig/recorded-requests.js';
import type { Rig } from '../rig/rig.js';
import { median, type Measurement } from './measurement.js';
import { SCENES, type Disturbance, type Scene, type Stage } from './neighbour-scenes.js';

const COPIES = 10;
const TARGET_RATIO = 1.5;
const TARGET_MS = 1000;

/** Longer than an edit takes. Reading the audit log takes CPU time from what is measured. */
const UNDISTURBED_MILLISECONDS = 500;
const LOOK_MILLISECONDS = 250;
const SETTLE_MILLISECONDS = 1000;

/** The bound for one edit, which then counts as this long. A scene whose edits add up to more ends early. */
const LIMIT_MILLISECONDS = 60_000;

export interface NeighboursOptions {
  /** Edits alone, and as many in each scene. */
  runs: number;
  /** Left out: all of them. */
  scene?: string | undefined;
  nodeFlags: readonly string[];
  onStep: (step: string) => void;
  signal: AbortSignal;
}

/** Names for {@link NeighboursOptions.scene}. */
export const SCENE_NAMES: readonly string[] = SCENES.map(({ name }) => name);

/**
 * Measures how long a tenant's edit takes to reach its copies: alone, and beside a tenant whose requests hang, are refused
 * or never end. Each scene has its own operator and tenants, and leaves only idle namespaces behind.
 */
export async function measureNeighbours(rig: Rig, options: NeighboursOptions): Promise<Measurement[]> {
  const api = await TestApi.connect(rig.plane.kubeconfig);
  const measurements: Measurement[] = [];
  try {
    for (const scene of SCENES) {
      if (options.scene !== undefined && scene.name !== options.scene) continue;
      options.signal.throwIfAborted();
      measurements.push(...(await measureScene(rig, api, scene, options)));
    }
  } finally {
    await api.close();
  }
  return measurements;
}

async function measureScene(
  rig: Rig,
  api: TestApi,
  scene: Scene,
  { runs, nodeFlags, onStep, signal }: NeighboursOptions,
): Promise<Measurement[]> {
  const operator = await rig.startOperator({ nodeFlags });
  const quiet = await TestTenant.create(api);
  const tenant = await TestTenant.create(api);
  let disturbance: Disturbance | undefined;
  try {
    onStep(`a neighbour's edits, before ${scene.title}`);
    const neighbour = await Neighbour.create(api, quiet, COPIES);
    const edits = new Edits(rig, neighbour, signal);
    const alone = await edits.measure(runs);
    onStep(`a neighbour's edits, beside ${scene.title}`);
    await tenant.createSource({ data: { edit: 'first' } });
    disturbance = await scene.begin(await stageOf(rig, api, tenant));
    const beside = await edits.measure(runs, disturbance);
    const measurements = measurementsOf(scene, alone, beside);
    // The table is lost if a later scene fails.
    onStep(
      measurements
        .map(({ name, unit, runs }) => `${name.trim()}: ${median(runs).toFixed(1)} ${unit}`)
        .join(', '),
    );
    return measurements;
  } finally {
    await disturbance?.end();
    await operator.stop();
    await removeSyncs(api, [quiet, tenant]);
  }
}

async function stageOf({ plane }: Rig, api: TestApi, tenant: TestTenant): Promise<Stage> {
  return {
    api,
    tenant,
    plane: {
      kubectl: (args, input) => plane.kubectl(args, input),
      serviceAccountKubeconfig: (namespace, name) => plane.serviceAccountKubeconfig(namespace, name),
    },
    log: await AuditLog.fromNow(plane.auditLog),
  };
}

function measurementsOf({ title }: Scene, alone: Edited[], beside: Edited[]): Measurement[] {
  const base = median(alone.map(({ ms }) => ms));
  const times = beside.map(({ ms }) => ms);
  return [
    { name: `source edited → ${COPIES} copies, alone`, unit: 'ms', runs: alone.map(({ ms }) => ms) },
    { name: `  beside ${title}`, unit: 'ms', runs: times, target: TARGET_MS },
    { name: '  the slowest', unit: 'ms', runs: [Math.max(...times)], target: TARGET_MS },
    { name: '  ratio', unit: 'x', runs: times.map((time) => time / base), target: TARGET_RATIO },
    { name: '  requests beside it', unit: 'requests', runs: beside.map(({ requests }) => requests) },
  ];
}

interface Edited {
  /** From the edit's arrival at the API server to its answer to the last copy. */
  ms: number;
  /** Of the other tenant: answered during the edit, or in flight at its end. */
  requests: number;
}

class Edits {
  readonly #auditLog: string;
  readonly #neighbour: Neighbour;
  readonly #signal: AbortSignal;

  constructor({ plane }: Rig, neighbour: Neighbour, signal: AbortSignal) {
    this.#auditLog = plane.auditLog;
    this.#neighbour = neighbour;
    this.#signal = signal;
  }

  /** @throws Error if the disturbance sent no request during any of the edits */
  async measure(runs: number, disturbance?: Disturbance): Promise<Edited[]> {
    const edits: Edited[] = [];
    let spentMs = 0;
    while (edits.length < runs && spentMs < LIMIT_MILLISECONDS) {
      await sleep(SETTLE_MILLISECONDS, undefined, { signal: this.#signal });
      const edited = await this.#measureOne(disturbance);
      spentMs += edited.ms;
      edits.push(edited);
    }
    if (disturbance !== undefined && edits.every(({ requests }) => requests === 0)) {
      throw new Error('the other tenant sent no request during any of the edits');
    }
    return edits;
  }

  async #measureOne(disturbance: Disturbance | undefined): Promise<Edited> {
    const log = await AuditLog.fromNow(this.#auditLog);
    const until = performance.now() + LIMIT_MILLISECONDS;
    await this.#neighbour.edit();
    await sleep(UNDISTURBED_MILLISECONDS);
    for (;;) {
      const ms = await this.#timeOf(log);
      if (ms !== undefined || performance.now() > until) {
        return { ms: ms ?? LIMIT_MILLISECONDS, requests: (await disturbance?.count(log)) ?? 0 };
      }
      await sleep(LOOK_MILLISECONDS, undefined, { signal: this.#signal });
    }
  }

  /** Milliseconds by the API server's clock; undefined as long as a copy is missing. */
  async #timeOf(log: AuditLog): Promise<number | undefined> {
    const { tenant } = this.#neighbour;
    const { namespace, username } = tenant;
    const [edit] = await recordedRequests(log, { verb: 'patch', resource: 'configmaps', namespace });
    const copies = await recordedRequests(log, {
      ...{ username, verb: 'update', resource: 'configmaps', code: 200 },
      userAgent: /^config-weaver\//,
    });
    if (edit === undefined || copies.length < COPIES) return undefined;
    return Math.max(...copies.map(({ answeredAt }) => answeredAt)) - edit.receivedAt;
  }
}

import fc from 'fast-check';
import { SlowProxy } from '../../test/support/slow-proxy.js';
import { operatorKubeconfig, startOperator, type RunningOperator } from '../../test/support/operator.js';
import { TestApi } from '../../test/support/test-api.js';
import { settle } from '../../test/integration/random/settle.js';
import { creation, FAULT_KINDS, ROLES, step } from '../../test/integration/random/steps.js';
import { HURRY, World } from '../../test/integration/random/world.js';
import { systemClock } from '../../src/k8s/util/clock.js';
import { describe, figuresOf, type Figures } from './figures.js';
import { HeapProbe } from './heap-probe.js';
import { leftoversOf, growthOf } from './verdict.js';

export interface SoakOptions {
  /** Of churn, in all; it takes longer, since each round ends with a look at what became of it. */
  milliseconds: number;
  /** Of one round of churn. */
  roundMs: number;
  seed: number;
  /** Worlds of two tenants each, in which things happen at the same time. */
  worlds: number;
  /** Waits at the end until what lingers is closed, which takes a minute, and looks whether all of it is. */
  untilClosed: boolean;
  /** Given a line now and then. */
  print: (line: string) => void;
  signal: AbortSignal;
}

/** So often it says how it goes. */
const REPORT_MS = 30_000;
/** Between two steps in one world. */
const PAUSE_MS = 50;
/** So long does each state of the API server last: well, or one of the faults. */
const FAULT_MS = 3_000;
/** A back-off may be as long as a round was, and drift is put back once a minute at the least. */
const SETTLE_MS = 120_000;
/** What lingers is closed after a minute. */
const CLOSED_MS = 90_000;

/**
 * Random churn and faults of the API server, in rounds. After each round the faults are lifted and every world has to be as
 * the model says; then all ConfigMapSyncs are deleted, and what the operator holds is measured.
 * @throws Error with all that is wrong
 */
export async function soak(options: SoakOptions): Promise<void> {
  const probe = new HeapProbe();
  const proxy = await SlowProxy.start(await operatorKubeconfig());
  try {
    const { nodeFlags } = probe;
    const args = [...HURRY, '--log-level=info'];
    const operator = await startOperator({ kubeconfig: proxy.kubeconfig, args, nodeFlags });
    const api = await TestApi.connect();
    try {
      const prefix = `soak-${options.seed}-${Math.random().toString(36).slice(2, 6)}`;
      await new Soak(options, { proxy, operator, probe, prefix }).run(api);
    } finally {
      await api.close();
      await operator.stop();
    }
  } finally {
    await proxy.close();
    await probe.close();
  }
}

interface Parts {
  proxy: SlowProxy;
  operator: RunningOperator;
  probe: HeapProbe;
  prefix: string;
}

class Soak {
  readonly #options: SoakOptions;
  readonly #parts: Parts;
  readonly #worlds: World[] = [];
  readonly #began = performance.now();
  #round = 0;
  #steps = 0;

  constructor(options: SoakOptions, parts: Parts) {
    this.#options = options;
    this.#parts = parts;
  }

  async run(api: TestApi): Promise<void> {
    const { milliseconds, roundMs, worlds, untilClosed, signal } = this.#options;
    const { proxy, operator, prefix } = this.#parts;
    const reporting = new AbortController();
    const reports = this.#report(AbortSignal.any([signal, reporting.signal]));
    try {
      for (let index = 0; index < worlds; index += 1) {
        const world = await World.create(api, `${prefix}-${index}`, proxy);
        world.adopt(operator);
        this.#worlds.push(world);
      }
      const measured: Figures[] = [];
      for (let churnedMs = 0; churnedMs < milliseconds; churnedMs += roundMs) {
        this.#round += 1;
        measured.push(await this.#oneRound());
      }
      const problems = growthOf(measured);
      if (untilClosed) problems.push(...(await this.#untilClosed()));
      if (problems.length > 0) throw new Error(problems.join('\n'));
    } finally {
      reporting.abort();
      await reports;
      for (const world of this.#worlds) await world.remove();
    }
  }

  /** @returns what the operator holds when there is nothing for it to do */
  async #oneRound(): Promise<Figures> {
    const { roundMs, signal } = this.#options;
    const ended = AbortSignal.any([signal, AbortSignal.timeout(roundMs)]);
    await Promise.all([
      ...this.#worlds.map((world, index) => this.#churn(world, index, ended)),
      this.#disturb(ended),
    ]);
    signal.throwIfAborted();
    for (const world of this.#worlds) await world.recover();
    await this.#settle('churn');
    for (const world of this.#worlds) {
      for (const role of ROLES) await world.perform({ do: 'lift', role });
    }
    await this.#settle('churn, and policies and quotas lifted');
    for (const world of this.#worlds) await world.clear();
    await this.#settle('all ConfigMapSyncs deleted');
    const figures = await this.#figures();
    this.#say(`empty after round ${this.#round}`, figures);
    return figures;
  }

  async #churn(world: World, index: number, ended: AbortSignal): Promise<void> {
    await world.furnish();
    const seed = this.#seed(index);
    // Later steps find something to change.
    const steps = [
      ...fc.sample(creation, { seed, numRuns: 4 }),
      ...fc.sample(step, { seed, numRuns: 2_000 }),
    ];
    for (const next of steps) {
      if (ended.aborted) return;
      if (next.do === 'end-operator' || next.do === 'disturb') continue;
      await world.perform(next);
      this.#steps += 1;
      await systemClock.sleep(PAUSE_MS, ended).catch(() => undefined);
    }
  }

  /** All worlds share one API server. */
  async #disturb(ended: AbortSignal): Promise<void> {
    const states = fc.sample(fc.constantFrom('well', ...FAULT_KINDS), {
      seed: this.#seed(this.#worlds.length),
      numRuns: 1_000,
    });
    for (const how of states) {
      for (const world of this.#worlds) {
        if (how === 'well') await world.recover();
        else await world.perform({ do: 'disturb', how });
      }
      await systemClock.sleep(FAULT_MS, ended).catch(() => undefined);
      if (ended.aborted) return;
    }
  }

  async #settle(after: string): Promise<void> {
    const what = `round ${this.#round} of seed ${this.#options.seed}: ${after}`;
    for (const world of this.#worlds) await settle(world, what, SETTLE_MS);
  }

  /** Nothing is left of the tenants when what lingers is over. */
  async #untilClosed(): Promise<string[]> {
    const deadline = performance.now() + CLOSED_MS;
    for (;;) {
      const figures = await this.#figures();
      const problems = leftoversOf(figures);
      if (problems.length === 0 || performance.now() > deadline) {
        this.#say('at the end', figures);
        return problems;
      }
      await systemClock.sleep(1_000, this.#options.signal);
    }
  }

  async #report(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await systemClock.sleep(REPORT_MS, signal);
        this.#say(`round ${this.#round}`, await this.#figures());
      } catch {
        // It is over, or the operator is gone, which its next use shows.
        return;
      }
      this.#parts.proxy.requests.length = 0;
    }
  }

  #say(what: string, figures: Figures): void {
    const seconds = Math.round((performance.now() - this.#began) / 1000);
    const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    const faults = this.#worlds.reduce((sum, world) => sum + world.faults, 0);
    this.#options.print(`${time} ${what}: ${this.#steps} steps, ${faults} faults, ${describe(figures)}`);
  }

  #figures(): Promise<Figures> {
    const { operator, probe, prefix } = this.#parts;
    return figuresOf(operator, probe, prefix);
  }

  #seed(index: number): number {
    return this.#options.seed * 1_000_003 + this.#round * 1_009 + index;
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { median } from '../../hack/bench/measurement.js';
import type { OperatorProcess } from '../../hack/rig/operator-process.js';
import { renderTextTable } from '../../src/cli/audit/report/text-table.js';
import { eventually } from './eventually.js';
import { Neighbour } from './neighbour.js';
import type { TestTenant } from './tenant.js';
import type { TestApi } from './test-api.js';

const TARGETS = 2;

/** Edits before an attack. */
const EDITS_ALONE = 3;

/** The median of so many edits after an attack has to be prompt: in the 10 seconds after it. */
const EDITS_AFTER = 10;

/** From one edit to the next: the rate of plans of one ConfigMapSync is bounded, and is not what is measured. */
const EDIT_PERIOD_MS = 1000;

/** After an attack. */
const PROMPT_MS = 1000;

/** Beside an attack, on a busy machine. */
const BESIDE_MS = 30_000;

interface Row {
  attack: string;
  load: string;
  /** How long edits took to arrive, in milliseconds. */
  alone: readonly number[];
  beside: readonly number[];
  peakBytes: number;
}

const rows: Row[] = [];

export interface VictimOptions {
  api: TestApi;
  operator: OperatorProcess;
  /** It has no ConfigMapSync yet. */
  tenant: TestTenant;
}

/**
 * A tenant with two targets beside an attack on the same operator. What it notices of each attack is a row of the table at
 * the end of the run:
 *
 *     await victim.endures('Events', async () => {
 *       await createSyncs(attacker, { count: 200, targets });
 *       return '200 ConfigMapSyncs of 200 denied targets';
 *     });
 */
export class Victim {
  /** The one that runs now: to be set after a restart. */
  operator: OperatorProcess;
  readonly #neighbour: Neighbour;
  #enduring = false;
  /** How many edits have begun, and which was the last that arrived. */
  #begun = 0;
  #arrived = 0;

  private constructor(neighbour: Neighbour, operator: OperatorProcess) {
    this.#neighbour = neighbour;
    this.operator = operator;
  }

  /** Resolves when its copies are there. */
  static async create({ api, operator, tenant }: VictimOptions): Promise<Victim> {
    return new Victim(await Neighbour.create(api, tenant, TARGETS), operator);
  }

  get tenant(): TestTenant {
    return this.#neighbour.tenant;
  }

  /**
   * Measures the victim's edits alone, beside the attack, and after it; they go on until `attack` resolves.
   * @param attack Resolves to the load that it applied, in words with numbers
   * @throws Error where the operator has ended: nothing starts it again, so an edit that arrives is the same process' work
   * @throws AssertionError where the median of ten edits after the attack takes a second or longer
   */
  async endures(name: string, attack: () => Promise<string>): Promise<void> {
    const alone: number[] = [];
    while (alone.length < EDITS_ALONE) alone.push(await this.#edit());
    await this.operator.resetPeak();
    this.#enduring = true;
    const over = new AbortController();
    const editing = this.#editUntil(over.signal);
    // Awaited below, where the attack itself has not failed.
    editing.catch(() => undefined);
    const load = await attack().finally(() => over.abort());
    const beside = await editing.finally(() => (this.#enduring = false));
    const after: number[] = [];
    const prompt = (): number => after.filter((latency) => latency < PROMPT_MS).length;
    // Whatever the others take, more than half of them decide.
    while (after.length < EDITS_AFTER && prompt() <= EDITS_AFTER / 2) after.push(await this.#edit());

    rows.push({ attack: name, load, alone, beside, peakBytes: await this.operator.peakBytes() });
    expect(median(after), `the victim's edits after it, in ms: ${after.join(', ')}`).to.be.below(PROMPT_MS);
  }

  /**
   * Resolves when an edit that begins from now on has arrived: one of those beside an attack, or of its own.
   * @throws as {@link endures}; AssertionError where it takes longer than half a minute
   */
  async isServed(): Promise<void> {
    if (this.#enduring) {
      const before = this.#begun;
      const options = { timeoutMs: BESIDE_MS };
      await eventually(() => expect(this.#arrived, 'edits').to.be.greaterThan(before), options);
    } else {
      await this.#edit();
    }
  }

  async #editUntil(signal: AbortSignal): Promise<number[]> {
    const latencies: number[] = [];
    do latencies.push(await this.#edit(signal));
    while (!signal.aborted);
    return latencies;
  }

  /** @param signal Ends the pause after it. @returns its latency in milliseconds */
  async #edit(signal?: AbortSignal): Promise<number> {
    this.#begun += 1;
    const latency = await this.#neighbour.editAndArrive(BESIDE_MS).catch(async (error: unknown) => {
      if (this.operator.running) throw error;
      throw new Error(`the operator has ended: ${await this.operator.describeExit()}`, { cause: error });
    });
    this.#arrived = this.#begun;
    const pauseMs = Math.max(0, EDIT_PERIOD_MS - latency);
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    return latency;
  }
}

/** Prints what victims noticed of the attacks of this run; nothing where there was none. */
export function printAttacks(): void {
  if (rows.length === 0) return;
  const table = renderTextTable(
    rows,
    [
      { title: 'ATTACK', text: ({ attack }) => attack },
      { title: 'LOAD', text: ({ load }) => load },
      { title: 'EDIT ALONE', text: ({ alone }) => milliseconds(median(alone)) },
      { title: 'BESIDE', text: ({ beside }) => milliseconds(median(beside)) },
      { title: 'SLOWEST', text: ({ beside }) => milliseconds(Math.max(...beside)) },
      { title: 'PEAK MEMORY', text: ({ peakBytes }) => `${Math.round(peakBytes / 2 ** 20)} MiB` },
    ],
    false,
  );
  console.log(`\n${table}`);
}

function milliseconds(latency: number): string {
  return `${Math.round(latency)} ms`;
}

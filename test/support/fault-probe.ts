import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import type { OperatorProcess } from '../../hack/rig/operator-process.js';
import { SOURCE, type ConfigMapObject } from '../../hack/rig/tenant.js';
import { renderTextTable } from '../../src/cli/audit/report/text-table.js';
import { eventually } from './eventually.js';
import { createTargets } from './neighbour.js';
import type { SlowProxy } from './slow-proxy.js';
import { createNamespace, type TestTenant } from './tenant.js';
import type { TestApi } from './test-api.js';

const TARGETS = 5;

/** From one edit to the next while a fault is on. */
const EDIT_PERIOD_MS = 300;

/** A new ConfigMapSync takes up to 200 at once, and a write that fails is tried eight times within the first second. */
const MOST_REQUESTS = 500;

/** Of foreign ConfigMaps; one of this name is beside the copies, one of the source's name where a copy would have to be. */
const FOREIGN = 'foreign';

/** Kubernetes puts it in each namespace. */
const ROOT_CA = 'kube-root-ca.crt';

interface Row {
  fault: string;
  times: number;
  lost: number;
  /** In milliseconds; undefined where it did not. */
  heal: number | undefined;
  /** The most requests of one second. */
  requests: number | undefined;
}

const rows: Row[] = [];

/** All faults take minutes: `make test` has those of the network only, `make test-faults` has all. */
export function describeFaults(title: string, tests: (this: Mocha.Suite) => void): void {
  if (process.env.FAULTS === 'all') describe(title, tests);
  else describe.skip(`${title} (takes minutes: make test-faults)`, tests);
}

/** A row for a fault that no {@link FaultProbe} endures: `times` and `heal` are to be filled in. */
export function recordFault(fault: string): Pick<Row, 'times' | 'lost' | 'heal'> {
  const row: Row = { fault, times: 0, lost: 0, heal: undefined, requests: undefined };
  rows.push(row);
  return row;
}

export interface FaultProbeOptions {
  api: TestApi;
  operator: OperatorProcess;
  /** It has no ConfigMapSync yet. */
  tenant: TestTenant;
  /** What the operator's requests pass through, where they are to be counted. */
  proxy?: SlowProxy;
}

export interface EnduresOptions {
  /** Default: 60,000. */
  healsWithinMs?: number;
}

/**
 * A tenant that goes on while a fault is on: its source is edited, and one ConfigMapSync is created and those of the fault
 * before are deleted. What comes of it is a row of the table at the end of the run:
 *
 *     await probe.endures('connections are reset', async () => network.tcp.reset());
 */
export class FaultProbe {
  /** The one that runs now: to be set after a restart. */
  operator: OperatorProcess;
  readonly #api: TestApi;
  readonly #tenant: TestTenant;
  readonly #proxy: SlowProxy | undefined;
  readonly #targets: readonly string[];
  /** Foreign ConfigMaps, by `namespace/name`. */
  readonly #foreign: ReadonlyMap<string, ConfigMapObject>;
  /** ConfigMapSyncs whose copies, which have their names, have to be there. */
  #syncs: string[] = [SOURCE];
  #edits = 0;
  #faults = 0;

  private constructor(
    { api, operator, tenant, proxy }: FaultProbeOptions,
    targets: readonly string[],
    foreign: ReadonlyMap<string, ConfigMapObject>,
  ) {
    this.#api = api;
    this.operator = operator;
    this.#tenant = tenant;
    this.#proxy = proxy;
    this.#targets = targets;
    this.#foreign = foreign;
  }

  /** Resolves when its copies are there. */
  static async create(options: FaultProbeOptions): Promise<FaultProbe> {
    const { api, tenant } = options;
    const targets = await createTargets(api, tenant, { count: TARGETS });
    const held = await createNamespace(api, 'held');
    await tenant.grant(held, ['get', 'list', 'watch', 'create', 'update', 'delete']);
    const foreign = new Map<string, ConfigMapObject>();
    const places = [
      ...targets.map((namespace) => ({ namespace, name: FOREIGN })),
      { namespace: held, name: SOURCE },
    ];
    for (const { namespace, name } of places) {
      foreign.set(
        `${namespace}/${name}`,
        await tenant.createConfigMap(namespace, name, { data: { theirs: 'yes' } }),
      );
    }
    await tenant.createSource({ data: { edit: '0' } });
    const probe = new FaultProbe(options, [...targets, held], foreign);
    await probe.createSync();
    await eventually(async () => expect(await probe.#wrong()).to.deep.equal([]), { timeoutMs: 60_000 });
    return probe;
  }

  get tenant(): TestTenant {
    return this.#tenant;
  }

  /** Creates its first ConfigMapSync, or does so again where the fault has deleted it, and with it all others. */
  async createSync(): Promise<void> {
    this.#syncs = [SOURCE];
    await this.#create(SOURCE);
  }

  /**
   * Edits while the fault is on, then waits until the last of these edits is in all copies, with no other change to wake
   * anybody up, a ConfigMapSync that was created meanwhile is served, and the copies of those that were deleted meanwhile
   * are gone; after that, until a ConfigMapSync that is new is served, and one more edit has arrived. That is the time to heal.
   * @param inject Resolves when the fault is over, to how often it was injected
   * @throws AssertionError where it does not heal in time, or anything foreign was touched; Error where the operator ended
   */
  async endures(
    fault: string,
    inject: () => Promise<number>,
    { healsWithinMs = 60_000 }: EnduresOptions = {},
  ): Promise<void> {
    this.#faults += 1;
    const began = Date.now();
    const over = new AbortController();
    const changing = this.#changeUntil(over.signal);
    const times = await inject().finally(() => over.abort());
    const since = performance.now();
    await changing;
    const healed = async (): Promise<void> => {
      await this.#check(healsWithinMs);
      await this.#add(`after-${this.#faults}`);
      await this.#check(healsWithinMs);
      await this.#edit();
      await this.#check(healsWithinMs);
    };
    const row: Row = { fault, times, lost: 0, heal: undefined, requests: undefined };
    rows.push(row);
    try {
      await healed();
      row.heal = performance.now() - since;
    } catch (error) {
      row.lost = (await this.#wrong()).length;
      if (this.operator.running) throw error;
      throw new Error(`the operator has ended: ${await this.operator.describeExit()}`, { cause: error });
    } finally {
      row.requests = this.#mostRequests(began);
    }
    expect(this.operator.running, 'the operator is still there').to.equal(true);
    expect(times, 'times that it was injected').to.be.greaterThan(0);
    expect(row.requests ?? 0, 'requests in one second').to.be.lessThan(MOST_REQUESTS);
  }

  async #check(timeoutMs: number): Promise<void> {
    await eventually(async () => expect(await this.#wrong()).to.deep.equal([]), {
      timeoutMs,
      intervalMs: 100,
    });
  }

  /** The API server may be what fails: each change is tried until it is made, also when the fault is over. */
  async #changeUntil(signal: AbortSignal): Promise<void> {
    const before = this.#syncs.filter((name) => name !== SOURCE);
    const changes = [
      () => this.#add(`amid-${this.#faults}`),
      ...before.map((name) => async () => {
        await this.#tenant.deleteSync(name);
        this.#syncs = this.#syncs.filter((each) => each !== name);
      }),
    ];
    for (let isOver = false; !isOver || changes.length > 0;) {
      isOver = signal.aborted;
      try {
        await this.#edit();
        await changes[0]?.();
        changes.shift();
      } catch (error) {
        if (isOver) throw error;
      }
      await sleep(isOver ? 0 : EDIT_PERIOD_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #edit(): Promise<void> {
    this.#edits += 1;
    await this.#tenant.patchSource({ data: { edit: String(this.#edits) } });
  }

  async #add(name: string): Promise<void> {
    // What was created may not have been answered.
    if ((await this.#tenant.sync(name)) === undefined) await this.#create(name);
    this.#syncs.push(name);
  }

  async #create(name: string): Promise<void> {
    await this.#tenant.createSync({ syncToNamespaces: this.#targets, target: { name } }, name);
  }

  /** What is not as it should be: copies unlike the source, or without a ConfigMapSync, and what befell foreign ConfigMaps. */
  async #wrong(): Promise<string[]> {
    const source = await this.#tenant.copy(this.#tenant.namespace);
    const lists = await Promise.all(
      this.#targets.map((namespace) =>
        this.#api.list<ConfigMapObject>({ resource: 'configmaps', namespace }),
      ),
    );
    const found = new Map(
      lists.flat().map((each) => [`${each.metadata.namespace}/${each.metadata.name}`, each]),
    );
    const wrong: string[] = [];
    for (const [place, before] of this.#foreign) {
      const { metadata } = found.get(place) ?? {};
      if (!isDeepStrictEqual(metadata, before.metadata)) wrong.push(`${place} is foreign and was touched`);
    }
    const copies = this.#targets
      .flatMap((namespace) => this.#syncs.map((name) => `${namespace}/${name}`))
      .filter((place) => !this.#foreign.has(place));
    for (const place of copies) {
      const data = found.get(place)?.data;
      if (!isDeepStrictEqual(data, source?.data)) {
        wrong.push(`${place} has ${JSON.stringify(data)} instead of ${JSON.stringify(source?.data)}`);
      }
    }
    const expected = new Set([...copies, ...this.#foreign.keys()]);
    for (const [place, { metadata }] of found) {
      if (!expected.has(place) && metadata.name !== ROOT_CA) wrong.push(`${place} is an orphan`);
    }
    return wrong;
  }

  /** @param since In milliseconds since the epoch */
  #mostRequests(since: number): number | undefined {
    if (this.#proxy === undefined) return undefined;
    const bySecond = new Map<number, number>();
    for (const { at } of this.#proxy.requests) {
      const second = Math.floor((at - since) / 1000);
      if (second >= 0) bySecond.set(second, (bySecond.get(second) ?? 0) + 1);
    }
    return Math.max(0, ...bySecond.values());
  }
}

/** Prints what became of the faults of this run; nothing where there was none. */
export function printFaults(): void {
  if (rows.length === 0) return;
  const table = renderTextTable(
    rows,
    [
      { title: 'FAULT', text: ({ fault }) => fault },
      { title: 'TIMES', text: ({ times }) => String(times) },
      {
        title: 'LOST',
        text: ({ lost, heal }) => (heal === undefined ? String(lost || 'unknown') : 'nothing'),
      },
      {
        title: 'TIME TO HEAL',
        text: ({ heal }) => (heal === undefined ? 'never' : `${(heal / 1000).toFixed(1)} s`),
      },
      {
        title: 'MOST REQUESTS',
        text: ({ requests }) => (requests === undefined ? '' : `${requests} a second`),
      },
    ],
    false,
  );
  console.log(`\n${table}`);
}

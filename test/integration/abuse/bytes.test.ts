import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { forEachOf } from '../../../hack/bench/pool.js';
import { repositoryRoot } from '../../../hack/repository.js';
import { eventually } from '../../support/eventually.js';
import { createTargets } from '../../support/neighbour.js';
import { startOperator, type RunningOperator } from '../../support/operator.js';
import { controlPlaneOrSkip, plane } from '../../support/plane.js';
import { SlowWebhook } from '../../support/slow-webhook.js';
import { removeSyncs } from '../../support/sync-fixture.js';
import { TestTenant } from '../../support/tenant.js';
import { TestApi } from '../../support/test-api.js';
import { Victim } from '../../support/victim.js';

/** Two cores do all that the operator, the API server and etcd have to do with hundreds of MiB. */
const ARRIVAL_MS = 240_000;
/** In which the API server takes long: it notes for each key who wrote it. */
const KEY_TARGETS = 24;
/** What the operator logs where four fifths of its heap are used up, and it begins nothing new. */
const NEARLY_FULL = 'memory is nearly used up: nothing new is begun until there is more';
/** How long a webhook of the tenant's own keeps its writes in flight: all that it gets at a time. */
const HELD_MS = 25_000;
const SOURCES = Array.from({ length: 10 }, (_, i) => `large-${i}`);

/** Small in bytes, and dozens of times that once it is parsed: 519 KiB of JSON. */
function manyKeys(edit: string): Record<string, string> {
  return Object.fromEntries(Array.from({ length: 28_000 }, (_, i) => [`key-${i}`, edit]));
}

/** Nearly as much as the API server takes, and twice that in V8, because of one character. */
function large(edit: string): Record<string, string> {
  return { text: `${edit} ${'x'.repeat(1000 * 1024)} \u20ac` };
}

/** The operator as config/manager runs it: Node.js takes half of the container's memory for its heap. */
async function startAsDeployed(): Promise<RunningOperator> {
  const manifest = await readFile(join(repositoryRoot(), 'config/manager/manager.yaml'), 'utf8');
  const memoryMiB = Number(/limits:\s+memory: (\d+)Mi/.exec(manifest)?.[1]);
  return startOperator({ nodeFlags: [`--max-old-space-size=${memoryMiB / 2}`, '--max-semi-space-size=4'] });
}

describe('bytes in flight', function () {
  this.timeout(2 * ARRIVAL_MS);
  let api: TestApi;
  let operator: RunningOperator;
  let victim: Victim;
  let webhook: SlowWebhook;
  let withKeys: TestTenant;
  let withLarge: TestTenant;
  let keysTo: string[];
  let largeTo: string[];
  const tenants: TestTenant[] = [];

  async function tenant(): Promise<TestTenant> {
    const created = await TestTenant.create(api);
    tenants.push(created);
    return created;
  }

  before(async function () {
    const shared = await plane();
    controlPlaneOrSkip(this, shared);
    api = await TestApi.connect();
    operator = await startAsDeployed();
    victim = await Victim.create({ api, operator, tenant: await tenant() });
    [withKeys, withLarge] = [await tenant(), await tenant()];
    keysTo = await createTargets(api, withKeys, { count: KEY_TARGETS });
    webhook = await SlowWebhook.start(shared.kubectl);
    largeTo = await createTargets(api, withLarge, { count: 20, labels: webhook.labels });
    await webhook.inForce(largeTo[0]!);
  });

  after(async () => {
    await operator.stop();
    await webhook.close();
    await removeSyncs(api, tenants);
    await api.close();
  });

  interface Attack {
    owner: TestTenant;
    names: readonly string[];
    targets: readonly string[];
    data: Record<string, string>;
  }

  const keys = (edit: string): Attack => ({
    owner: withKeys,
    names: ['keys'],
    targets: keysTo,
    data: manyKeys(edit),
  });
  const largeOnes = (edit: string): Attack => ({
    owner: withLarge,
    names: SOURCES,
    targets: largeTo,
    data: large(edit),
  });

  async function create({ owner, names, targets, data }: Attack): Promise<void> {
    await forEachOf(names, 4, async (name) => {
      await owner.createSource({ data }, name);
      await owner.createSync({ source: { name }, syncToNamespaces: targets }, name);
    });
  }

  async function edit({ owner, names, data }: Attack): Promise<void> {
    await forEachOf(names, 4, async (name) => {
      await owner.patchSource({ data }, name);
    });
  }

  /** All copies are right in the end, in one life of the operator. */
  async function arrive(...attacks: readonly Attack[]): Promise<void> {
    const copies = attacks.flatMap(({ owner, names, targets, data }) =>
      names.flatMap((name) => targets.map((target) => ({ owner, target, data, name }))),
    );
    try {
      for (const { owner, target, data, name } of copies) {
        await owner.copied(target, data, { name, timeoutMs: ARRIVAL_MS, intervalMs: 500 });
      }
    } catch (error) {
      await explain(error);
    }
    expect(operator.running).to.equal(true);
    expect(operator.log(NEARLY_FULL)).to.deep.equal([]);
  }

  async function explain(error: unknown): Promise<never> {
    throw operator.running ? error : new Error(await operator.describeExit(), { cause: error });
  }

  /** Waits until the tenant of large ones has as many writes in flight as it gets, or the operator ends. */
  async function allInFlight(): Promise<void> {
    let before = 0;
    await eventually(
      () => {
        const { length } = webhook.calls;
        const isStill = webhook.pending.length > 0 && length === before;
        before = length;
        expect(isStill || !operator.running, `${length} writes`).to.equal(true);
      },
      { timeoutMs: HELD_MS, intervalMs: 3000 },
    );
  }

  it('have a bound where a source has 28,000 keys and many targets', async () => {
    await victim.endures('a source with many keys', async () => {
      await create(keys('0'));
      await arrive(keys('0'));

      await edit(keys('1'));
      await arrive(keys('1'));
      return `28,000 keys, ${KEY_TARGETS} targets, one edit`;
    });
  });

  it('have a bound where ten sources of 1 MiB have 20 targets each, and their writes are held', async () => {
    await victim.endures('large sources, whose writes are held', async () => {
      await create(largeOnes('0'));
      await arrive(largeOnes('0'));

      webhook.answerAfterMs = HELD_MS;
      await edit(largeOnes('1'));
      await allInFlight();
      await victim.isServed().catch(explain);
      webhook.release();

      await arrive(largeOnes('1'));
      return `${SOURCES.length} of 1 MiB, 20 targets each, one edit`;
    });
  });

  it('have a bound where two tenants do so at the same time', async () => {
    await victim.endures('both at the same time', async () => {
      await Promise.all([edit(keys('3')), edit(largeOnes('3'))]);

      await arrive(keys('3'), largeOnes('3'));
      return 'one edit of each';
    });
  });
});

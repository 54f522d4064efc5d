import { expect } from 'chai';
import { forEachOf } from '../../../hack/bench/pool.js';
import { runCommand } from '../../../hack/rig/operator-process.js';
import type { LabelSelector } from '../../../src/api/v1alpha1/config-map-sync-spec.js';
import { eventually } from '../../support/eventually.js';
import { operatorKubeconfig, RunningOperator } from '../../support/operator.js';
import { removeSyncs } from '../../support/sync-fixture.js';
import { createNamespace, TestTenant } from '../../support/tenant.js';
import { TestApi } from '../../support/test-api.js';
import { Victim } from '../../support/victim.js';

/** What Node.js takes for itself where config/manager allows the container 512 MiB. */
const HEAP_MIB = 256;

/** 940 KiB: what a tenant may write without any permission but to create ConfigMapSyncs. */
function largeSelector(): LabelSelector {
  const matchExpressions = Array.from({ length: 64 }, (_, i) => ({
    key: `key-${i}`,
    operator: 'In' as const,
    values: Array.from({ length: 1000 }, (_value, k) => `v${String(i * 1000 + k).padStart(11, '0')}`),
  }));
  return { matchExpressions };
}

describe('ConfigMapSyncs that do not fit into memory', function () {
  this.timeout(600_000);
  let api: TestApi;
  /** From the first operator of a test on. */
  let victim: Victim | undefined;
  let hostile: TestTenant;
  let operator: RunningOperator | undefined;

  beforeEach(async () => {
    api = await TestApi.connect();
  });

  afterEach(async () => {
    await operator?.stop();
    await removeSyncs(api, [hostile, ...(victim === undefined ? [] : [victim.tenant])]);
    operator = victim = undefined;
    await api.close();
  });

  async function start(heapMiB: number): Promise<Victim> {
    const flags = [
      ...[`--kubeconfig=${await operatorKubeconfig()}`, '--resync-interval=1h'],
      ...['--health-probe-bind-address=127.0.0.1:0', '--metrics-bind-address=127.0.0.1:0'],
    ];
    operator = new RunningOperator({ command: runCommand(flags, [`--max-old-space-size=${heapMiB}`]) });
    await operator.after(operator.waitFor('reconciling', 60_000));
    victim ??= await Victim.create({ api, operator, tenant: await TestTenant.create(api) });
    victim.operator = operator;
    return victim;
  }

  /** Their names. */
  async function createLarge(from: number, to: number, spec: object = { suspend: true }): Promise<string[]> {
    const names = Array.from({ length: to - from }, (_, i) => `large-${from + i}`);
    await forEachOf(names, 4, async (name) => {
      await hostile.createSync({ namespaceSelector: largeSelector(), ...spec }, name);
    });
    return names;
  }

  /** What Ready says of each of these, once it is looked at. */
  async function reasons(
    names: readonly string[],
  ): Promise<{ name: string; reason: string; message: string }[]> {
    return eventually(
      async () => {
        const all = await Promise.all(names.map((name) => hostile.status(name)));
        return all.map(({ conditions = [] }, i) => {
          const ready = conditions.find(({ type }) => type === 'Ready');
          expect(ready?.status, names[i]).to.not.equal(undefined);
          return { name: names[i] ?? '', reason: ready?.reason ?? '', message: ready?.message ?? '' };
        });
      },
      { timeoutMs: 60_000 },
    );
  }

  async function withheldOf(tenant: TestTenant): Promise<number> {
    const [sample] = (await operator?.samples('configweaver_configmapsyncs_withheld', {
      tenant: tenant.namespace,
    })) ?? [undefined];
    return sample?.value ?? 0;
  }

  it('are withheld, and neither end the operator nor keep it from anybody else', async () => {
    hostile = await TestTenant.create(api, { tokenGrant: false });
    let names: string[] = [];
    const beside = await start(HEAP_MIB);
    await beside.endures('large ConfigMapSyncs beyond the budget', async () => {
      names = await createLarge(0, 110);
      await eventually(async () => expect(await withheldOf(hostile)).to.be.within(50, 100), {
        timeoutMs: 60_000,
      });
      return `${names.length} of 940 KiB, ${await withheldOf(hostile)} withheld`;
    });
    const refused = (await reasons(names.slice(-5))).filter(({ reason }) => reason === 'TooManyObjects');

    expect(refused).to.not.deep.equal([]);
    expect(refused[0]?.message).to.match(
      new RegExp(`namespace "${hostile.namespace}" use \\d+\\.\\d MiB of the \\d+\\.\\d MiB`),
    );
    expect(await withheldOf(beside.tenant)).to.equal(0);

    await operator?.stop();
    await start(HEAP_MIB);
    await beside.isServed();

    // With the others gone, those that were refused have room.
    const last = refused[0]?.name ?? '';
    await forEachOf(names, 4, async (name) => {
      if (name !== last) await hostile.deleteSync(name);
    });
    await hostile.condition('Ready', 'Suspended', { name: last, timeoutMs: 60_000 });
    await eventually(async () => expect(await withheldOf(hostile)).to.equal(0));
    await hostile.deleteSync(last);
    await hostile.gone(last);
    expect(operator?.log('memory is nearly used up: nothing new is begun until there is more')).to.deep.equal(
      [],
    );
  });

  it('keep their copies, go on when there is room, and are deleted with their copies', async () => {
    hostile = await TestTenant.create(api);
    const place = await hostile.target();
    await hostile.createSource({ data: { text: 'first' } });
    const names: string[] = [];
    for (let i = 0; i < 20; i += 1) {
      names.push(
        ...(await createLarge(i, i + 1, { syncToNamespaces: [place], target: { name: `copy-${i}` } })),
      );
    }
    await start(1024);
    for (const [i] of names.entries()) await hostile.copied(place, { text: 'first' }, { name: `copy-${i}` });
    for (const name of names) await hostile.ready(name);
    await operator?.stop();

    await hostile.patchSource({ data: { text: 'second' } });
    const beside = await start(64);
    await beside.isServed();
    const states = await eventually(async () => {
      const all = await Promise.all(names.map((name) => hostile.status(name)));
      const reasons = all.map(({ conditions }) => conditions?.find(({ type }) => type === 'Ready')?.reason);
      expect(reasons.filter((reason) => reason === 'TooManyObjects').length).to.be.within(1, 19);
      expect(await withheldOf(hostile)).to.equal(reasons.filter((each) => each === 'TooManyObjects').length);
      return all.map(({ targets }, i) => ({ name: names[i] ?? '', i, reason: reasons[i], targets }));
    });
    const refused = states.filter(({ reason }) => reason === 'TooManyObjects');
    for (const { i, targets } of refused) {
      expect(targets?.map(({ state }) => state)).to.deep.equal(['Synced']);
      expect((await hostile.copy(place, `copy-${i}`))?.data).to.deep.equal({ text: 'first' });
    }

    // One that made room lets another one in, which catches up.
    const held = states.find(({ reason }) => reason !== 'TooManyObjects');
    await hostile.deleteSync(held?.name);
    await hostile.gone(held?.name);
    await hostile.copyGone(place, `copy-${held?.i ?? ''}`);
    await eventually(async () => {
      const copies = await Promise.all(refused.map(({ i }) => hostile.copy(place, `copy-${i}`)));
      expect(copies.filter((copy) => copy?.data?.text === 'second')).to.have.length(1);
    });

    for (const { name } of refused) await hostile.deleteSync(name);
    for (const { name, i } of refused) {
      await hostile.gone(name, { timeoutMs: 60_000 });
      await hostile.copyGone(place, `copy-${i}`);
    }
    await beside.isServed();
  });

  it('by what is written into their status are withheld as well', async () => {
    hostile = await TestTenant.create(api);
    await hostile.createSource({ data: { text: 'first' } });
    const label = `abuse-${hostile.namespace}`;
    const namespaces: string[] = [];
    await forEachOf(Array.from({ length: 300 }), 8, async () => {
      namespaces.push(await createNamespace(api, 'many', { [label]: 'yes' }));
    });
    const names = Array.from({ length: 100 }, (_, i) => `wide-${i}`);
    try {
      const beside = await start(96);
      await beside.endures('selectors of many targets, beyond the budget', async () => {
        await forEachOf(names, 4, async (name) => {
          await hostile.createSync({ namespaceSelector: { matchLabels: { [label]: 'yes' } } }, name);
        });
        await eventually(async () => expect(await withheldOf(hostile)).to.be.greaterThan(20), {
          timeoutMs: 120_000,
        });
        return `${names.length} of ${namespaces.length} targets, ${await withheldOf(hostile)} withheld`;
      });
      for (const name of names) await hostile.deleteSync(name);
      for (const name of names) await hostile.gone(name, { timeoutMs: 120_000 });
      await eventually(async () => expect(await withheldOf(hostile)).to.equal(0));
      await beside.isServed();
    } finally {
      await forEachOf(namespaces, 8, async (name) => {
        await api.delete({ resource: 'namespaces', name });
      });
    }
  });
});

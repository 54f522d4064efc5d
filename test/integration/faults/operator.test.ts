import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { SOURCE, type ConfigMapObject } from '../../../hack/rig/tenant.js';
import { eventually } from '../../support/eventually.js';
import { describeFaults, recordFault } from '../../support/fault-probe.js';
import { createTargets } from '../../support/neighbour.js';
import { startOperator, type RunningOperator } from '../../support/operator.js';
import { removeSyncs } from '../../support/sync-fixture.js';
import { TestTenant } from '../../support/tenant.js';
import { TestApi } from '../../support/test-api.js';

const TARGETS = 100;
const MOMENTS = 2;

/** About as long as all copies take. */
const LONGEST_MS = 800;
const FOREIGN = 'foreign';
const CONVERGED = { timeoutMs: 60_000, intervalMs: 200 };

describeFaults('an operator that is killed at any moment', function () {
  this.timeout(180_000);
  let api: TestApi;
  let tenant: TestTenant;
  let targets: readonly string[];
  let operator: RunningOperator;
  let foreign: ConfigMapObject[];

  before(async () => {
    api = await TestApi.connect();
    tenant = await TestTenant.create(api);
    targets = await createTargets(api, tenant, { count: TARGETS });
    foreign = [];
    for (const namespace of targets.slice(0, 5)) {
      const labels = { 'app.kubernetes.io/managed-by': 'config-weaver' };
      foreign.push(
        await tenant.createConfigMap(namespace, FOREIGN, {
          metadata: { labels } as never,
          data: { theirs: 'yes' },
        }),
      );
    }
    await tenant.createSource({ data: { edit: '0' } });
    operator = await startOperator();
  });
  after(async () => {
    await removeSyncs(api, [tenant]);
    await operator.stop();
    await api.close();
  });

  /** All copies that there are, by namespace; fails where there is anything else, or a foreign ConfigMap was touched. */
  async function copies(): Promise<Map<string, Record<string, string> | undefined>> {
    const found = (await api.list<ConfigMapObject>({ resource: 'configmaps' })).filter(
      ({ metadata }) => targets.includes(metadata.namespace) && metadata.name !== 'kube-root-ca.crt',
    );
    const others = found.filter(({ metadata }) => metadata.name !== SOURCE);
    const versions = (list: readonly ConfigMapObject[]): string[] =>
      list.map(({ metadata }) => `${metadata.uid} ${metadata.resourceVersion}`).toSorted();
    expect(versions(others), 'foreign ConfigMaps').to.deep.equal(versions(foreign));
    return new Map(
      found
        .filter(({ metadata }) => metadata.name === SOURCE)
        .map(({ metadata, data }) => [metadata.namespace, data]),
    );
  }

  async function endures(
    fault: string,
    change: (moment: number) => Promise<void>,
    expected: (moment: number) => Promise<void>,
  ): Promise<void> {
    const row = recordFault(fault);
    let longest = 0;
    for (let moment = 1; moment <= MOMENTS; moment += 1) {
      await change(moment);
      // At a moment that nobody has chosen; what counts are those with work left.
      await sleep(Math.random() * LONGEST_MS);
      await operator.kill();
      const since = performance.now();
      row.times += await expected(moment).then(
        () => 0,
        () => 1,
      );
      operator = await startOperator();
      await eventually(() => expected(moment), CONVERGED);
      longest = Math.max(longest, performance.now() - since);
    }
    row.heal = longest;
  }

  async function allCopied(edit: string): Promise<void> {
    expect(await copies()).to.deep.equal(new Map(targets.map((namespace) => [namespace, { edit }])));
  }

  it('creates and updates the rest of 100 copies when it is started again', async () => {
    await endures(
      'the operator is killed while it writes 100 copies',
      async (moment) => {
        await tenant.patchSource({ data: { edit: String(moment) } });
        if (moment === 1) await tenant.createSync({ syncToNamespaces: targets });
      },
      (moment) => allCopied(String(moment)),
    );
    await tenant.ready('sync', CONVERGED);
  });

  it('removes the rest of 100 copies when it is started again, and leaves no orphan', async () => {
    await endures(
      'the operator is killed while it removes 100 copies',
      async () => {
        if ((await tenant.sync()) === undefined) await tenant.createSync({ syncToNamespaces: targets });
        await tenant.ready('sync', CONVERGED);
        await tenant.deleteSync();
      },
      async () => {
        expect((await tenant.sync())?.metadata).to.equal(undefined);
        expect(await copies()).to.deep.equal(new Map());
      },
    );
  });
});

import { expect } from 'chai';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forEachOf } from '../../../hack/bench/pool.js';
import { programArguments } from '../../../hack/program.js';
import { repositoryRoot } from '../../../hack/repository.js';
import { OperatorProcess } from '../../../hack/rig/operator-process.js';
import { operatorKubeconfig } from '../../support/operator.js';
import { removeSyncs } from '../../support/sync-fixture.js';
import { createNamespace, TestTenant } from '../../support/tenant.js';
import { TestApi } from '../../support/test-api.js';
import { findToken } from '../../support/token-finder.js';
import { Victim } from '../../support/victim.js';

/** Each has 600 KiB of labels, which all are kept: what tenants write into ConfigMapSyncs does not fill the memory. */
const LARGE_NAMESPACES = 60;
/** So many ConfigMapSyncs are no danger for the heap that Node.js takes by default. */
const SUFFERED_SYNCS = 20;
const LAUNCHER = join(repositoryRoot(), 'hack/config-weaver');

function manyLabels(): Record<string, string> {
  const entries = Array.from({ length: 4700 }, (_, i) => [`${'k'.repeat(55)}${i}`, `${'v'.repeat(55)}${i}`]);
  return Object.fromEntries(entries) as Record<string, string>;
}

/** A selector of 900 KiB: what a tenant may write without any permission but to create ConfigMapSyncs. */
function largeSelector(): object {
  const values = Array.from({ length: 280 }, (_, i) => `${'v'.repeat(50)}${i}`);
  const matchExpressions = Array.from({ length: 55 }, (_, i) => ({
    key: `key-${i}`,
    operator: 'In',
    values,
  }));
  return { matchExpressions };
}

describe('memory', function () {
  this.timeout(120_000);
  let folder: string;
  let kubeconfig: string;

  before(async () => {
    kubeconfig = await operatorKubeconfig();
  });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'config-weaver-memory-'));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  /** Where a core dump of any size may be written to `folder`. */
  function start(command: readonly string[], heapMiB?: number): OperatorProcess {
    const flags = ['run', `--kubeconfig=${kubeconfig}`, '--metrics-bind-address=0'];
    return new OperatorProcess({
      command: [
        ...['bash', '-c', 'ulimit -c unlimited && cd "$0" && exec "$@"', folder],
        ...[...command, ...flags, '--health-probe-bind-address=127.0.0.1:0'],
      ],
      env: {
        NODE: process.execPath,
        ...(heapMiB !== undefined && { NODE_OPTIONS: `--max-old-space-size=${heapMiB}` }),
      },
    });
  }

  it('that is full ends the operator in good order, and leaves no core dump', async function () {
    // From a heap as small as this, a single turn may take all that is left, before anybody can look: 3 % of 256 MiB are 8.
    this.retries(2);
    const api = await TestApi.connect();
    const labels = manyLabels();
    const namespaces: string[] = [];
    try {
      await forEachOf(Array.from({ length: LARGE_NAMESPACES }), 4, async () => {
        namespaces.push(await createNamespace(api, 'large', labels));
      });
      const operator = start([LAUNCHER], 48);

      const { code, signal } = await operator.exit();
      await operator.stop();

      expect({ code, signal }, operator.output.slice(-2000)).to.deep.equal({ code: 1, signal: null });
      expect(operator.log().at(-1)?.message).to.match(/^out of memory, ending: /);
      expect(await readdir(folder)).to.deep.equal([]);
    } finally {
      await forEachOf(namespaces, 4, async (name) => {
        // Their labels at once; the namespaces themselves take seconds to go.
        await api.patch({ resource: 'namespaces', name }, { metadata: { labels: null } });
        await api.delete({ resource: 'namespaces', name });
      });
      await api.close();
    }
  });

  it('that a tenant uses, where there is enough of it, costs no other tenant anything', async () => {
    const api = await TestApi.connect();
    const operator = start([LAUNCHER]);
    const attacker = await TestTenant.create(api, { tokenGrant: false });
    const tenant = await TestTenant.create(api);
    try {
      await operator.waitFor('reconciling');
      const victim = await Victim.create({ api, operator, tenant });

      await victim.endures('large ConfigMapSyncs', async () => {
        const names = Array.from({ length: SUFFERED_SYNCS }, (_, i) => `large-${i}`);
        await forEachOf(names, 4, async (name) => {
          await attacker.createSync({ namespaceSelector: largeSelector() }, name);
        });
        return `${SUFFERED_SYNCS} of 900 KiB`;
      });
    } finally {
      await removeSyncs(api, [attacker, tenant]);
      await operator.stop();
      await api.close();
    }
  });

  it('leaves no core dump either where V8 itself ends the operator', async () => {
    const operator = start([LAUNCHER], 10);

    const { code } = await operator.exit();
    await operator.stop();

    expect(code).not.to.equal(0);
    expect(operator.output).to.contain('heap out of memory');
    expect(await readdir(folder)).to.deep.equal([]);
  });

  it('is in no core dump, also where none of our launchers started the operator', async () => {
    const operator = start([process.execPath, ...programArguments()]);
    await operator.waitFor('reconciling');

    process.kill(operator.pid, 'SIGABRT');
    await operator.exit();
    await operator.stop();

    const [dump] = await readdir(folder);
    expect(dump, 'no core dump was written at all: is core_pattern no file?').not.to.equal(undefined);
    const content = await readFile(join(folder, dump ?? ''), 'latin1');
    expect(content).not.to.contain('eyJ');
    expect(findToken(content)).to.equal(undefined);
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { parseAuditLog } from '../../../hack/rig/operator-log.js';

const SINK = new URL('../../../src/telemetry/logging/audit-sink.js', import.meta.url).href;
const OF_MANY = 6000;
const OF_FEW = 60;

/** Writes 48 MiB of decisions, says how many lines were dropped, and then waits for its reader. */
const PROGRAM = `
  import { AuditSink } from ${JSON.stringify(SINK)};
  const sink = new AuditSink(process.stdout, {});
  const write = (tenant, name) =>
    sink.write({
      configMapSync: { namespace: tenant, name },
      serviceAccount: 'system:serviceaccount:' + tenant + ':default',
      verb: 'create',
      namespace: 'prod',
      decision: 'denied',
      reason: 'x'.repeat(8000),
      code: 403,
    });
  for (let line = 0; line < ${OF_MANY}; line += 1) {
    write('hostile', 'sync-' + line);
    if (line % ${OF_MANY / OF_FEW} === 0) write('victim', 'sync-' + line);
    if (line % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  process.stderr.write(String(sink.dropped));
  await sink.close(AbortSignal.timeout(30_000));
`;

describe('the audit log on a pipe that is not read', function () {
  this.timeout(120_000);

  it('has all lines of a tenant with few beside one that fills the buffer, once it is read', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    try {
      const [said] = (await once(child.stderr, 'data')) as [Buffer];
      const dropped = Number(said.toString());
      const lines = parseAuditLog(await text(child.stdout));

      const linesOf = (tenant: string): number[] =>
        lines
          .filter(({ configMapSync }) => configMapSync.namespace === tenant)
          .map(({ configMapSync }) => Number(configMapSync.name.slice(5)));
      expect(dropped).to.be.greaterThan(1000);
      expect(linesOf('victim')).to.have.length(OF_FEW);
      expect(linesOf('hostile')).to.have.length(OF_MANY - dropped);
      for (const tenant of ['victim', 'hostile']) {
        expect(linesOf(tenant)).to.deep.equal(linesOf(tenant).toSorted((a, b) => a - b));
      }
    } finally {
      child.kill('SIGKILL');
    }
  });
});

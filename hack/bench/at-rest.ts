import { systemClock } from '../../src/kube/clock.js';
import { AuditLog } from '../../test/support/audit-log.js';
import type { OperatorProcess } from '../rig/operator-process.js';
import { recordedRequests } from '../rig/recorded-requests.js';
import type { Rig } from '../rig/rig.js';
import type { BenchTenant } from './bench-tenant.js';
import type { Measurement } from './measurement.js';

const IDLE_MS = 15_000;
const COUNTED_MS = 20_000;
const MEGABYTE = 1_000_000;
const MEMORY_TARGET_MB = 150;

/** What the operator costs while nothing happens: all copies are there and in step. */
export async function measureAtRest(
  rig: Rig,
  tenant: BenchTenant,
  operator: OperatorProcess,
  signal: AbortSignal,
): Promise<Measurement[]> {
  await systemClock.sleep(IDLE_MS, signal);
  const bytes = await operator.residentBytes();
  const log = await AuditLog.fromNow(rig.plane.auditLog);
  await systemClock.sleep(COUNTED_MS, signal);
  const count = async (username: string): Promise<number> =>
    (await recordedRequests(log, { username, userAgent: /^config-weaver\// })).length;
  const seconds = COUNTED_MS / 1000;
  return [
    {
      name: `resident memory after ${IDLE_MS / 1000} s at rest`,
      unit: 'MB',
      runs: [bytes / MEGABYTE],
      target: MEMORY_TARGET_MB,
    },
    {
      name: `requests in ${seconds} s at rest, by the operator`,
      unit: 'requests',
      runs: [await count(rig.installation.username)],
    },
    {
      name: `requests in ${seconds} s at rest, as the tenant`,
      unit: 'requests',
      runs: [await count(tenant.username)],
    },
  ];
}

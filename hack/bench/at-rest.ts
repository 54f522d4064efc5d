import { systemClock } from '../../src/k8s/util/clock.js';
import { AuditLog } from '../rig/audit-log.js';
import type { OperatorProcess } from '../rig/operator-process.js';
import { recordedRequests } from '../rig/recorded-requests.js';
import type { Rig } from '../rig/rig.js';
import { targetsApply, type BenchTenant } from './bench-tenant.js';
import type { Measurement } from './measurement.js';

const IDLE_MS = 15_000;
/** Longer than the operator's longest period, which is the one in which it asks for its tenants' rights again. */
const COUNTED_MS = 60_000;
const MEGABYTE = 1_000_000;
const MEMORY_TARGET_MB = 150;

/** @param how Completes "resident memory …". */
export async function measureMemory(
  operator: OperatorProcess,
  tenant: BenchTenant,
  how: string,
  signal: AbortSignal,
): Promise<Measurement> {
  await systemClock.sleep(IDLE_MS, signal);
  const bytes = await operator.residentBytes();
  return {
    name: `resident memory after ${IDLE_MS / 1000} s at rest, ${how}`,
    unit: 'MB',
    runs: [bytes / MEGABYTE],
    ...(targetsApply(tenant) && { target: MEMORY_TARGET_MB }),
  };
}

/** What the operator costs while nothing happens: all copies are there and in step. */
export async function measureRest(
  rig: Rig,
  tenant: BenchTenant,
  operator: OperatorProcess,
  signal: AbortSignal,
): Promise<Measurement[]> {
  const log = await AuditLog.fromNow(rig.plane.auditLog);
  const before = await operator.cpuMilliseconds();
  await systemClock.sleep(COUNTED_MS, signal);
  const cpu = (await operator.cpuMilliseconds()) - before;
  const count = async (username: string): Promise<number> =>
    (await recordedRequests(log, { username, userAgent: /^config-weaver\// })).length;
  return [
    {
      name: 'requests a minute at rest, by the operator',
      unit: 'requests',
      runs: [await count(rig.installation.username)],
    },
    {
      name: 'requests a minute at rest, as the tenant',
      unit: 'requests',
      runs: [await count(tenant.username)],
    },
    { name: 'CPU time a minute at rest', unit: 'ms', runs: [cpu] },
  ];
}

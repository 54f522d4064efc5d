import { AuditLog } from '../rig/audit-log.js';
import { waitUntil } from '../control-plane/poll.js';
import { recordedRequests } from '../rig/recorded-requests.js';
import type { Pod } from '../rig/pod.js';
import type { Rig } from '../rig/rig.js';
import type { BenchTenant } from './bench-tenant.js';
import type { Measurement } from './measurement.js';

const WAIT_MILLISECONDS = 30_000;

/**
 * From the start of the process to its first reconcile, whose first request asks for the tenant's token. There has to be
 * a ConfigMapSync to reconcile, and no operator that runs.
 * @param options `how` completes "start of the process → first reconcile, …".
 */
export async function measureStartUp(
  rig: Rig,
  tenant: BenchTenant,
  { runs, pod, how }: { runs: number; pod: Pod | undefined; how: string },
): Promise<Measurement> {
  const measured: number[] = [];
  for (let run = 1; run <= runs; run += 1) {
    const log = await AuditLog.fromNow(rig.plane.auditLog);
    const operator = await rig.startOperator({ pod });
    const requestedAt = await waitUntil(
      async () => {
        const [request] = await recordedRequests(log, {
          username: rig.installation.username,
          namespace: tenant.namespace,
          subresource: 'token',
        });
        return request?.receivedAt;
      },
      { what: 'the first reconcile', timeoutMilliseconds: WAIT_MILLISECONDS },
    );
    measured.push(requestedAt - operator.spawnedAt);
    await operator.stop();
  }
  return { name: `start of the process → first reconcile, ${how}`, unit: 'ms', runs: measured };
}

import { PLURAL } from '../../src/api/v1alpha1/well-known.js';
import { AuditLog, type AuditFilter } from '../rig/audit-log.js';
import { waitUntil } from '../control-plane/poll.js';
import { recordedRequests, type RecordedRequest } from '../rig/recorded-requests.js';
import type { Rig } from '../rig/rig.js';
import { contentOf, targetsApply, type BenchTenant } from './bench-tenant.js';
import type { Measurement } from './measurement.js';
import { writePlainly } from './plain-writes.js';

const TARGET_MS = 1500;
const WAIT_MILLISECONDS = 60_000;

/** From an order to its last copy, beside the time that the writes alone take; all of it once in each run. */
export async function measureConvergence(
  rig: Rig,
  tenant: BenchTenant,
  { runs, onRun }: { runs: number; onRun: (run: number) => void },
): Promise<Measurement[]> {
  const measured: Convergence[] = [];
  for (let run = 1; run <= runs; run += 1) {
    onRun(run);
    measured.push(await oneRun(rig, tenant, `run-${run}`));
  }
  const of = (pick: (convergence: Convergence) => number): number[] => measured.map(pick);
  const count = tenant.targets.length;
  return [
    {
      name: `ConfigMapSync created → ${count} copies`,
      unit: 'ms',
      runs: of((each) => each.create),
      ...(targetsApply(tenant) && { target: TARGET_MS }),
    },
    { name: `  → status says ${count}/${count}`, unit: 'ms', runs: of((each) => each.status) },
    { name: `  ${count} creates by a plain loop`, unit: 'ms', runs: of((each) => each.plain.create) },
    { name: '  ratio', unit: 'x', runs: of((each) => each.create / each.plain.create) },
    {
      name: `source edited → ${count} copies updated`,
      unit: 'ms',
      runs: of((each) => each.update),
      ...(targetsApply(tenant) && { target: TARGET_MS }),
    },
    { name: `  ${count} updates by a plain loop`, unit: 'ms', runs: of((each) => each.plain.update) },
    { name: '  ratio', unit: 'x', runs: of((each) => each.update / each.plain.update) },
  ];
}

interface Convergence {
  create: number;
  status: number;
  update: number;
  plain: { create: number; update: number };
}

async function oneRun(rig: Rig, tenant: BenchTenant, name: string): Promise<Convergence> {
  const plain = await writePlainly(tenant);
  await tenant.createSource(name, contentOf('first'));

  const creation = await AuditLog.fromNow(rig.plane.auditLog);
  await tenant.createSync(name, name);
  const created = await waitForCopies(creation, tenant, { verb: 'create', code: 201 });
  const status = await statusAfter(creation, rig, created);
  const [order] = await recordedRequests(creation, { resource: PLURAL, verb: 'create' });

  const edition = await AuditLog.fromNow(rig.plane.auditLog);
  await tenant.editSource(name, contentOf('second'));
  const updated = await waitForCopies(edition, tenant, { verb: 'update', code: 200 });
  const [edit] = await recordedRequests(edition, { resource: 'configmaps', verb: 'patch' });
  await tenant.deleteSync(name);
  if (order === undefined || edit === undefined) throw new Error('the audit log lacks what was asked for');
  return {
    create: last(created) - order.receivedAt,
    status: status.answeredAt - order.receivedAt,
    update: last(updated) - edit.receivedAt,
    plain,
  };
}

/** Waits until the operator has written so many copies on behalf of the tenant; left out: one to each of its targets. */
export async function waitForCopies(
  log: AuditLog,
  tenant: BenchTenant,
  { count = tenant.targets.length, ...filter }: AuditFilter & { count?: number },
): Promise<RecordedRequest[]> {
  return waitUntil(
    async () => {
      const found = await recordedRequests(log, {
        ...filter,
        resource: 'configmaps',
        username: tenant.username,
        userAgent: /^config-weaver\//,
      });
      return found.length >= count && found;
    },
    {
      what: `${filter.verb?.toString() ?? ''} of ${count} copies`,
      timeoutMilliseconds: WAIT_MILLISECONDS,
    },
  );
}

async function statusAfter(
  log: AuditLog,
  { installation }: Rig,
  written: RecordedRequest[],
): Promise<RecordedRequest> {
  return waitUntil(
    async () => {
      const statuses = await recordedRequests(log, {
        resource: PLURAL,
        subresource: 'status',
        username: installation.username,
      });
      return statuses.find(({ answeredAt }) => answeredAt > last(written));
    },
    { what: 'the status after the last copy', timeoutMilliseconds: WAIT_MILLISECONDS },
  );
}

function last(requests: readonly RecordedRequest[]): number {
  return Math.max(...requests.map(({ answeredAt }) => answeredAt));
}

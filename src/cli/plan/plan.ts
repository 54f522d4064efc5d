import { wantsColours } from '../audit/report/text-table.js';
import { systemClock } from '../../k8s/util/clock.js';
import { FairQueue } from '../../tenant/fair-queue.js';
import { Caller } from '../caller.js';
import type { CommandContext } from '../command.js';
import { readSyncs } from '../manifest-file.js';
import { writeOut } from '../terminal.js';
import type { PlanOptions } from './plan-command.js';
import { renderPlan, type PlanRow } from './plan-table.js';
import { lookAround } from './cluster-view.js';
import { planRows } from './sync-plan-rows.js';

/** Requests under way at a time. */
const CONCURRENCY = 32;
/** The least that TokenRequest grants, and more than a plan takes. */
const TOKEN_SECONDS = 600;
const NEVER_MS = 2 ** 31 - 1;

/** Prints what the ConfigMapSyncs of a file would do. It reads as their ServiceAccounts, which is the truth about rights. */
export async function plan(options: PlanOptions, { env, stdout, stderr }: CommandContext): Promise<void> {
  const { filename: file, namespace } = options;
  const caller = await Caller.connect({ kubeconfig: options.kubeconfig, env });
  // The operator's own way to ServiceAccounts and ConfigMaps, with tokens that the caller requests. Nothing is watched.
  const tenancy = caller.tenancy({
    operator: 'you',
    expirationSeconds: TOKEN_SECONDS,
    onRequested: () => undefined,
    requests: new FairQueue(CONCURRENCY),
    onChanged: () => undefined,
    clock: systemClock,
    random: Math.random,
    recheck: { deniedMs: NEVER_MS, allowedMs: NEVER_MS },
    notify: () => undefined,
  });
  try {
    const syncs = await readSyncs({ file, namespace, caller, stderr });
    const cluster = await lookAround(caller);
    const how = { tenancy, cluster, dryRun: options.dryRun === 'server', signal: caller.signal };
    const rows: PlanRow[] = [];
    for (const sync of syncs) rows.push(...(await planRows(sync, how)));
    if (options.output === 'json') await writeOut(stdout, `${JSON.stringify(rows, undefined, 2)}\n`);
    else await writeOut(stdout, renderPlan(rows, wantsColours(stdout, env)), 'table');
  } finally {
    tenancy.closeAll();
    await caller.close();
  }
}

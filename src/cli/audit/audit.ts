import { compareRows, isRefused, rowsOf, type ReportRow } from './report/report-row.js';
import { renderCsv, renderJson, renderTable } from './report/text-formats.js';
import { wantsColours } from './report/text-table.js';
import type { ConfigMapSync } from '../../api/v1alpha1/config-map-sync.js';
import { isApiError } from '../../k8s/client/errors.js';
import type { AuditOptions } from './audit-command.js';
import { Caller } from '../caller.js';
import { UsageError, type CommandContext, remark, writeOut } from '../command.js';

const EXIT_DENIED = 3;

/** Reads every ConfigMapSync that is asked for, as the caller, and prints the report. Returns the exit code. */
export async function audit(options: AuditOptions, context: CommandContext): Promise<number> {
  if (options.allNamespaces === true && options.namespace !== undefined) {
    throw new UsageError('-n and -A exclude each other: give one of them');
  }
  const caller = await Caller.connect({ kubeconfig: options.kubeconfig, env: context.env });
  try {
    const namespace = options.allNamespaces === true ? undefined : (options.namespace ?? caller.namespace);
    const syncs = await readSyncs(caller, namespace);
    const rows = syncs.flatMap(rowsOf).sort(compareRows);
    if (syncs.length === 0 && options.output === 'table') {
      remark(
        context.stderr,
        `no ConfigMapSync ${namespace === undefined ? 'anywhere' : `in namespace "${namespace}"`}`,
      );
    } else {
      await writeOut(context.stdout, await render(options, context, { caller, namespace, syncs, rows }));
    }
    return options.failOnDenied && rows.some(isRefused) ? EXIT_DENIED : 0;
  } finally {
    await caller.close();
  }
}

async function readSyncs(caller: Caller, namespace: string | undefined): Promise<ConfigMapSync[]> {
  try {
    return await caller.listSyncs(namespace);
  } catch (error) {
    if (namespace !== undefined || !isApiError(error, 403)) throw error;
    throw new Error(`${error.message}; give -n NAMESPACE for one that you may look at`, { cause: error });
  }
}

interface Findings {
  caller: Caller;
  namespace: string | undefined;
  syncs: readonly ConfigMapSync[];
  rows: readonly ReportRow[];
}

async function render(
  { output, operatorServiceAccount }: AuditOptions,
  { stdout, env }: CommandContext,
  { caller, namespace, syncs, rows }: Findings,
): Promise<string> {
  switch (output) {
    case 'table':
      return renderTable(rows, wantsColours(stdout, env));
    case 'json':
      return renderJson(rows);
    case 'csv':
      return renderCsv(rows);
    case 'html': {
      const [{ renderHtml }, { Remedies }] = await Promise.all([
        import('./report/html.js'),
        import('./report/required-rbac.js'),
      ]);
      return renderHtml({
        syncs,
        remedies: new Remedies(operatorServiceAccount),
        server: caller.server,
        namespace,
        at: new Date(),
      });
    }
  }
}

import { findingsOf, isRefused } from './report/report-row.js';
import { renderCsv, renderJson, renderTable } from './report/text-formats.js';
import { wantsColours } from './report/text-table.js';
import { isApiError } from '../../k8s/client/errors.js';
import type { AuditOptions } from './audit-command.js';
import { Caller } from '../caller.js';
import { UsageError, type CommandContext } from '../command.js';
import { remark, writeOut } from '../terminal.js';

const EXIT_DENIED = 3;

/** Reads every ConfigMapSync that is asked for, as the caller, and prints the report. Returns the exit code. */
export async function audit(options: AuditOptions, { env, stdout, stderr }: CommandContext): Promise<number> {
  const { kubeconfig, allNamespaces = false, output, failOnDenied, operatorServiceAccount } = options;
  if (allNamespaces && options.namespace !== undefined) {
    throw new UsageError('-n and -A exclude each other: give one of them');
  }
  const caller = await Caller.connect({ kubeconfig, env });
  try {
    const namespace = allNamespaces ? undefined : (options.namespace ?? caller.namespace);
    const syncs = await caller.listSyncs(namespace).catch((error: unknown) => {
      if (namespace !== undefined || !isApiError(error, 403)) throw error;
      throw new Error(`${error.message}; give -n NAMESPACE for one that you may look at`, { cause: error });
    });
    const findings = findingsOf(syncs);
    const rows = findings.flatMap((finding) => finding.rows);
    if (output === 'html') {
      const { renderHtml } = await import('./report/html.js');
      const report = { findings, operator: operatorServiceAccount, server: caller.server, namespace };
      await writeOut(stdout, renderHtml({ ...report, at: new Date() }));
    } else if (findings.length === 0 && output === 'table') {
      const where = namespace === undefined ? 'anywhere' : `in namespace "${namespace}"`;
      remark(stderr, `no ConfigMapSync ${where}`);
    } else {
      const render = { table: renderTable, json: renderJson, csv: renderCsv }[output];
      await writeOut(stdout, render(rows, wantsColours(stdout, env)), output === 'json' ? 'text' : output);
    }
    return failOnDenied && rows.some(isRefused) ? EXIT_DENIED : 0;
  } finally {
    await caller.close();
  }
}

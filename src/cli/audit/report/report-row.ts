import type { TargetState, TargetStatus } from '../../../api/v1alpha1/config-map-sync-status.js';
import type { ConfigMapSync } from '../../../api/v1alpha1/config-map-sync.js';
import { selectTargets } from '../../../sync/targets.js';
import { findingOf, type TargetFinding } from '../../../reporting/finding.js';
import { isDenied, NOT_EVALUATED } from '../../../sync/outcomes.js';

/**
 * One line of a report. `targetNamespace` is '' where a ConfigMapSync has no target that anybody knows of: it must not
 * be missing from a report for that.
 */
export interface ReportRow extends TargetFinding {
  /** A sentence for people; may hold whatever a tenant wrote. */
  message: string;
}

/** One ConfigMapSync with its rows: what the parts of a report are made of. */
export interface SyncFindings {
  sync: ConfigMapSync;
  rows: readonly ReportRow[];
}

/** Reasons, beside the states Denied and Stale, that are a refusal by RBAC: of the source, or of the token itself. */
const REFUSALS: ReadonlySet<string> = new Set(['SourceDenied', 'TokenRequestDenied']);

/** Where somebody's right is missing: of the ServiceAccount at the target or the source, or of the operator. */
export function isRefused(row: TargetFinding): boolean {
  return isDenied(row) || REFUSALS.has(row.reason);
}

/** Every target of one ConfigMapSync, by namespace; never empty. */
export function rowsOf(sync: ConfigMapSync): ReportRow[] {
  const { namespace: own = '', creationTimestamp: lastTransitionTime = '' } = sync.metadata;
  const pending = (namespace: string): TargetStatus => ({ ...NOT_EVALUATED, namespace, lastTransitionTime });
  // Without a status only the spec tells; what its selector would match is not known here.
  const targets = sync.status?.targets ?? selectTargets(sync.spec, own, []).wanted.map(pending);
  return (targets.length > 0 ? targets : [pending('')])
    .map((target) => explained(sync, target))
    .sort((a, b) => compare(a.targetNamespace, b.targetNamespace));
}

/** By tenant and ConfigMapSync. */
export function findingsOf(syncs: readonly ConfigMapSync[]): SyncFindings[] {
  return syncs
    .map((sync) => ({ sync, rows: rowsOf(sync) }))
    .sort(
      ({ sync: { metadata: a } }, { sync: { metadata: b } }) =>
        compare(a.namespace ?? '', b.namespace ?? '') || compare(a.name, b.name),
    );
}

/** A target that was not judged says nothing of why: the condition that stood in the way does. */
function explained(sync: ConfigMapSync, target: TargetStatus): ReportRow {
  const row = { ...findingOf(sync, target), message: target.message ?? '' };
  if (target.reason !== NOT_EVALUATED.reason) return row;
  const obstacle = sync.status?.conditions?.find(({ type }) => type === 'Ready');
  if (obstacle === undefined || obstacle.status === 'True' || obstacle.reason === NOT_EVALUATED.reason)
    return row;
  return { ...row, reason: obstacle.reason, message: row.message || obstacle.message };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export type Tone = 'good' | 'bad' | 'warn' | 'quiet';

/**
 * How a report shows each state, in the order of what an auditor looks for first. The symbol is one character: a state is
 * never told by its colour alone.
 */
export const STATE_INFO: Readonly<Record<TargetState, { symbol: string; tone: Tone; meaning: string }>> = {
  Denied: { symbol: '✕', tone: 'bad', meaning: 'rights are missing, and there is no copy' },
  Stale: { symbol: '◐', tone: 'bad', meaning: 'rights are missing, and a copy from earlier is still there' },
  Failed: { symbol: '!', tone: 'bad', meaning: 'the API server refused for another reason' },
  Conflict: { symbol: '≠', tone: 'warn', meaning: 'a ConfigMap of that name belongs to somebody else' },
  NamespaceNotFound: { symbol: '?', tone: 'warn', meaning: 'there is no such namespace' },
  Terminating: { symbol: '†', tone: 'quiet', meaning: 'the namespace is being deleted' },
  Pending: { symbol: '…', tone: 'quiet', meaning: 'not looked at yet, or held up by source or identity' },
  Synced: { symbol: '✓', tone: 'good', meaning: 'the copy equals the source' },
  Skipped: { symbol: '–', tone: 'quiet', meaning: "the source's own place" },
};

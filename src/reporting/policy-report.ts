import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import { API_VERSION, KIND, MANAGED_BY, MANAGED_BY_LABEL } from '../api/v1alpha1/well-known.js';
import type { TargetState, TargetStatus } from '../api/v1alpha1/config-map-sync-status.js';
import type { KubernetesObject } from '../k8s/client/objects.js';

/** What the Kubernetes Policy Working Group's wgpolicyk8s.io/v1alpha2 allows. */
export type PolicyResult = 'pass' | 'fail' | 'warn' | 'error' | 'skip';

export interface PolicyReportResult {
  source: string;
  policy: string;
  rule: string;
  category: string;
  severity?: 'medium';
  result: PolicyResult;
  message: string;
  resources: object[];
  /** When the target came into its state. */
  timestamp: { seconds: number; nanos: number };
  properties: Record<string, string>;
}

export interface PolicyReport extends KubernetesObject {
  summary: Record<PolicyResult, number>;
  results: PolicyReportResult[];
}

export const POLICY_REPORT_GROUP = 'wgpolicyk8s.io';
export const POLICY_REPORT_VERSION = 'v1alpha2';
/** The one report of ours in each tenant's namespace. */
export const POLICY_REPORT_NAME = 'config-weaver';

/** The body of a namespace's report: a result for each target of its ConfigMapSyncs, in a fixed order. */
export function policyReport(syncs: readonly ConfigMapSync[]): Omit<PolicyReport, 'metadata'> {
  const results = syncs
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .flatMap((sync) => (sync.status?.targets ?? []).map((target) => resultOf(sync, target)));
  const summary: Record<PolicyResult, number> = { pass: 0, fail: 0, warn: 0, error: 0, skip: 0 };
  for (const { result } of results) summary[result] += 1;
  return {
    apiVersion: `${POLICY_REPORT_GROUP}/${POLICY_REPORT_VERSION}`,
    kind: 'PolicyReport',
    summary,
    results,
  };
}

export const POLICY_REPORT_LABELS = { [MANAGED_BY_LABEL]: MANAGED_BY };

function resultOf({ metadata, spec }: ConfigMapSync, target: TargetStatus): PolicyReportResult {
  const { namespace = '', name, uid } = metadata;
  const { state, reason = '', message = '', missingVerbs = [], lastTransitionTime } = target;
  const result = policyResult(state);
  return {
    source: MANAGED_BY,
    policy: 'configmap-sync',
    rule: 'target-namespace',
    category: 'Tenancy',
    ...(result === 'fail' && { severity: 'medium' as const }),
    result,
    message: message === '' ? `namespace "${target.namespace}": ${state}` : message,
    resources: [{ apiVersion: API_VERSION, kind: KIND, namespace, name, uid }],
    timestamp: { seconds: Math.floor(Date.parse(lastTransitionTime) / 1000), nanos: 0 },
    properties: {
      targetNamespace: target.namespace,
      state,
      reason,
      serviceAccount: spec.serviceAccount.name,
      ...(missingVerbs.length > 0 && { missingVerbs: missingVerbs.join(',') }),
    },
  };
}

function policyResult(state: TargetState): PolicyResult {
  switch (state) {
    case 'Synced':
      return 'pass';
    case 'Denied':
    case 'Stale':
      return 'fail';
    case 'Conflict':
    case 'NamespaceNotFound':
    case 'Terminating':
      return 'warn';
    case 'Failed':
      return 'error';
    case 'Pending':
    case 'Skipped':
      return 'skip';
  }
}

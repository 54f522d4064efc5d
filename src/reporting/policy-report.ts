import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import { API_VERSION, KIND, MANAGED_BY } from '../api/v1alpha1/well-known.js';
import type { TargetState, TargetStatus } from '../api/v1alpha1/config-map-sync-status.js';
import type { KubernetesObject } from '../k8s/client/objects.js';

/** What the Kubernetes Policy Working Group's wgpolicyk8s.io/v1alpha2 allows. */
type PolicyResult = 'pass' | 'fail' | 'warn' | 'error' | 'skip';

export interface PolicyReport extends KubernetesObject {
  summary: Record<PolicyResult, number>;
  results: ReturnType<typeof resultOf>[];
}

export const POLICY_REPORTS = { group: 'wgpolicyk8s.io', version: 'v1alpha2', resource: 'policyreports' };
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
    apiVersion: `${POLICY_REPORTS.group}/${POLICY_REPORTS.version}`,
    kind: 'PolicyReport',
    summary,
    results,
  };
}

function resultOf({ metadata, spec }: ConfigMapSync, target: TargetStatus) {
  const { namespace = '', name, uid } = metadata;
  const { state, reason = '', message = '', missingVerbs = [], lastTransitionTime } = target;
  const result = RESULTS[state];
  return {
    source: MANAGED_BY,
    policy: 'configmap-sync',
    rule: 'target-namespace',
    category: 'Tenancy',
    ...(result === 'fail' && { severity: 'medium' as const }),
    result,
    message: message === '' ? `namespace "${target.namespace}": ${state}` : message,
    resources: [{ apiVersion: API_VERSION, kind: KIND, namespace, name, uid }],
    // When the target came into its state.
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

const RESULTS: Readonly<Record<TargetState, PolicyResult>> = {
  Synced: 'pass',
  Denied: 'fail',
  Stale: 'fail',
  Conflict: 'warn',
  NamespaceNotFound: 'warn',
  Terminating: 'warn',
  Failed: 'error',
  Pending: 'skip',
  Skipped: 'skip',
};

import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import { API_VERSION, KIND, MANAGED_BY } from '../api/v1alpha1/well-known.js';
import type { TargetState, TargetStatus } from '../api/v1alpha1/config-map-sync-status.js';
import { isWithheld, TOO_MANY_OBJECTS } from '../sync/stored.js';
import type { KubernetesObject } from '../k8s/client/objects.js';
import { inSlices } from '../k8s/util/async.js';

/** What the Kubernetes Policy Working Group's wgpolicyk8s.io/v1alpha2 allows. */
type PolicyResult = 'pass' | 'fail' | 'warn' | 'error' | 'skip';

export interface PolicyReport extends KubernetesObject {
  summary: Record<PolicyResult, number>;
  results: (Partial<ReturnType<typeof resultOf>> & { result: PolicyResult; message: string })[];
}

export const POLICY_REPORTS = { group: 'wgpolicyk8s.io', version: 'v1alpha2', resource: 'policyreports' };
/** The one report of ours in each tenant's namespace. */
export const POLICY_REPORT_NAME = 'config-weaver';

const POLICY = 'configmap-sync';
/** A report that is more than etcd takes would never be written: no result is added when there is so much, in bytes. */
const MAX_BYTES = 512 * 1024;

/**
 * The body of a namespace's report: its summary counts the targets of all its ConfigMapSyncs. Each has a result, in a fixed
 * order with those in trouble first, as far as there is room; a last one says how many are left out.
 */
export async function policyReport(syncs: readonly ConfigMapSync[]): Promise<Omit<PolicyReport, 'metadata'>> {
  const sorted = syncs.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const targets = sorted.flatMap((sync) => targetsOf(sync).map((target) => ({ sync, target })));
  const summary: Record<PolicyResult, number> = { pass: 0, fail: 0, warn: 0, error: 0, skip: 0 };
  const results: PolicyReport['results'] = [];
  let bytes = 0;
  for (const inTrouble of [true, false]) {
    await inSlices(targets, ({ sync, target }) => {
      const result = RESULTS[target.state];
      if ((result !== 'pass' && result !== 'skip') !== inTrouble) return;
      summary[result] += 1;
      if (bytes >= MAX_BYTES) return;
      results.push(resultOf(sync, target));
      bytes += Buffer.byteLength(JSON.stringify(results.at(-1)));
    });
  }
  const left = targets.length - results.length;
  const message = `${left} more targets are left out, those in sync first: status.targets has them`;
  if (left > 0) results.push({ policy: POLICY, result: 'skip', message });
  const apiVersion = `${POLICY_REPORTS.group}/${POLICY_REPORTS.version}`;
  return { apiVersion, kind: 'PolicyReport', summary, results };
}

function targetsOf(sync: ConfigMapSync): TargetStatus[] {
  if (!isWithheld(sync)) return sync.status?.targets ?? [];
  const { namespace = '', creationTimestamp: lastTransitionTime = '' } = sync.metadata;
  const message = 'nothing is done for this ConfigMapSync: see its condition Ready';
  return [{ namespace, state: 'Failed', reason: TOO_MANY_OBJECTS, message, lastTransitionTime }];
}

function resultOf({ metadata, spec }: ConfigMapSync, target: TargetStatus) {
  const { namespace = '', name, uid } = metadata;
  const { state, reason = '', message = '', missingVerbs = [], lastTransitionTime } = target;
  const result = RESULTS[state];
  return {
    source: MANAGED_BY,
    policy: POLICY,
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

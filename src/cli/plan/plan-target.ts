import type { Verb } from '../../api/v1alpha1/config-map-sync-status.js';
import { neededVerbs } from '../../controller/sync-run.js';
import { isApiError } from '../../k8s/client/errors.js';
import { namespacedNameKey } from '../../api/kubernetes.js';
import type { ConfigMap } from '../../sync/config-map.js';
import type { CopyTemplate } from '../../sync/copy-template.js';
import type { CycleDetector } from '../../sync/cycle-detector.js';
import { ownershipOf } from '../../sync/ownership.js';
import { planCopy } from '../../sync/plan.js';
import { changesBetween } from './plan-changes.js';
import type { PlanVerdict } from './plan-row.js';
import type { Planning } from './planning.js';

/** In the order of a reconcile: rights first, since whether a namespace exists is told only to those who have some. */
export async function planTarget(
  planning: Planning,
  template: CopyTemplate,
  lineage: CycleDetector,
  namespace: string,
): Promise<PlanVerdict> {
  const { sync, owner, session, cluster, signal } = planning;
  const { isLiving } = cluster;
  const source = namespacedNameKey(planning.source);
  const { access } = session.namespace(namespace);
  const { missing } = await access.verdict(template.name, neededVerbs(sync), signal);
  if (missing.length > 0) return denied(missing);
  const absence = cluster.absence(namespace);
  if (absence !== undefined) return absence;

  const existing = await readCopy(planning, namespace, template.name);
  const held = existing !== undefined && ownershipOf(existing.metadata, owner, source, isLiving) === 'own';
  const loop = lineage.loopThrough({ namespace, name: template.name }, held);
  if (loop !== undefined) {
    const other = `${loop.metadata.namespace ?? ''}/${loop.metadata.name}`;
    const message = `the source comes from there, by ConfigMapSync ${other}`;
    return { action: 'conflict', reason: 'Loop', message };
  }
  const { conflictPolicy } = sync.spec;
  const plan = planCopy(existing, { template, namespace, owner, source, conflictPolicy, isLiving });
  switch (plan.action) {
    case 'none':
      return { action: 'unchanged', reason: 'InStep' };
    case 'conflict':
      return { action: 'conflict', reason: 'NotOurs', message: `it belongs to ${plan.holder}` };
    case 'create':
      return { action: 'create', reason: 'Missing', changes: changesBetween(undefined, plan.desired) };
    case 'update':
    case 'replace': {
      const changes = changesBetween(existing, plan.desired);
      if (held) return { action: plan.action, reason: 'OutOfStep', changes };
      const message = 'takes over a ConfigMap that is not its copy';
      return { action: plan.action, reason: 'TakenOver', message, changes };
    }
  }
}

async function readCopy(
  { session, signal }: Planning,
  namespace: string,
  name: string,
): Promise<ConfigMap | undefined> {
  try {
    return await session.configMaps.get<ConfigMap>(namespace, name, signal);
  } catch (error) {
    if (isApiError(error, 404)) return undefined;
    throw error;
  }
}

function denied(missingVerbs: Verb[]): PlanVerdict {
  const message = `the ServiceAccount lacks ${missingVerbs.join(', ')}`;
  return { action: 'denied', reason: 'MissingPermissions', message, missingVerbs };
}

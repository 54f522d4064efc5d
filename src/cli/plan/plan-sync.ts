import type { ConfigMapSync } from '../../api/v1alpha1/config-map-sync.js';
import { accountOf } from '../audit/report/required-rbac.js';
import { isApiError } from '../../k8s/client/errors.js';
import { namespacedNameKey, serviceAccountUsername } from '../../api/kubernetes.js';
import type { ConfigMap } from '../../sync/config-map.js';
import { selectContent } from '../../sync/content.js';
import { CopyTemplate } from '../../sync/copy-template.js';
import { CycleDetector } from '../../sync/cycle-detector.js';
import { copyName, selectTargets, sourceOf } from '../../sync/target-selection.js';
import { IdentityError } from '../../tenant/errors.js';
import type { Session, Tenancy } from '../../tenant/tenancy.js';
import { planRemovals } from './plan-removals.js';
import type { PlanRow, PlanVerdict } from './plan-row.js';
import { planTarget } from './plan-target.js';
import type { ClusterView, Planning } from './planning.js';

export interface SyncPlannerOptions {
  tenancy: Pick<Tenancy, 'open'>;
  cluster: ClusterView;
  signal: AbortSignal;
}

/** The owner of no copy: where the ConfigMapSync is not on the server yet. */
const NO_UID = '00000000-0000-0000-0000-000000000000';

/** What stands in the way of everything. */
interface Obstacle {
  reason: string;
  message: string;
}

/**
 * Takes the decisions of a reconcile, by the same rules and under the same identity, and writes them down instead of
 * carrying them out.
 */
export class SyncPlanner {
  readonly #options: SyncPlannerOptions;

  constructor(options: SyncPlannerOptions) {
    this.#options = options;
  }

  /** @throws IdentityError where the caller may not request the token; Error where a selector cannot be evaluated. */
  async plan(sync: ConfigMapSync): Promise<PlanRow[]> {
    if (sync.spec.suspend) {
      return this.#blocked(sync, {
        reason: 'Suspended',
        message: 'spec.suspend is true: nothing is read, written or removed',
      });
    }
    const session = await this.#identify(sync);
    if ('reason' in session) return this.#blocked(sync, session);

    const planning = await this.#begin(sync, session);
    const source = await readSource(planning);
    return 'reason' in source ? this.#withoutSource(planning, source) : this.#synchronize(planning, source);
  }

  async #identify(sync: ConfigMapSync): Promise<Session | Obstacle> {
    const { namespace = '', name } = sync.metadata;
    try {
      return await this.#options.tenancy.open({ namespace, name }, accountOf(sync), () => undefined);
    } catch (error) {
      if (!(error instanceof IdentityError)) throw error;
      if (error.reason !== 'TokenRequestDenied') return { reason: error.reason, message: error.message };
      throw new IdentityError(error.reason, mayNotAct(sync), error.code, error.auditID);
    }
  }

  async #begin(sync: ConfigMapSync, session: Session): Promise<Planning> {
    const { cluster, signal } = this.#options;
    const { namespace = '', name } = sync.metadata;
    const existing = await cluster.findSync(namespace, name);
    const source = sourceOf(sync.spec, namespace);
    const selection = selectTargets(sync.spec, namespace, cluster.selectableFor(sync));
    const owner = { uid: existing?.metadata.uid ?? NO_UID, namespace, name };
    const before = (existing?.status?.targets ?? []).map((target) => target.namespace);
    // Without names: nothing is watched for a plan.
    const looked = [...selection.wanted, ...before, source.namespace];
    session.setInterests(new Map(looked.map((target) => [target, new Set()])));
    return { sync, existing, owner, source, selection, session, cluster, signal };
  }

  async #synchronize(planning: Planning, source: ConfigMap): Promise<PlanRow[]> {
    const { sync, selection, cluster } = planning;
    const template = templateOf(planning, source);
    const lineage = new CycleDetector(sync, source.metadata, () => cluster.syncs);
    const targets = await Promise.all(
      selection.wanted.map(async (namespace) =>
        rowOf(sync, namespace, await planTarget(planning, template, lineage, namespace)),
      ),
    );
    const skipped =
      selection.skipped === undefined
        ? []
        : [
            rowOf(sync, selection.skipped, {
              action: 'skip',
              reason: 'SourceItself',
              message: "it is the source's own place",
            }),
          ];
    const mode = sync.spec.deletionPolicy === 'Orphan' ? 'release' : 'delete';
    const inStep = new Set(targets.filter(wouldHoldCopy).map(({ targetNamespace }) => targetNamespace));
    const removals = await planRemovals(planning, { mode, keep: template.name, inStep });
    const rows = [
      ...targets,
      ...skipped,
      ...removals.map(({ place, verdict }) => rowOf(sync, place.namespace, verdict, place.name)),
    ];
    if (rows.length > 0) return rows;
    return this.#blocked(sync, {
      reason: 'NoTargets',
      message: 'no namespace to copy to: none that spec names or selects is another place than the source',
    });
  }

  /** Copies stay as they are, or go with their source. */
  async #withoutSource(planning: Planning, obstacle: Obstacle): Promise<PlanRow[]> {
    const { sync } = planning;
    const removes = obstacle.reason === 'ConfigMapNotFound' && sync.spec.sourceDeletionPolicy === 'Delete';
    const removals = removes
      ? await planRemovals(planning, { mode: 'delete', keep: undefined, inStep: new Set() })
      : [];
    const concerned = new Set(removals.map(({ place }) => place.namespace));
    return [
      ...this.#blocked(sync, obstacle).filter(({ targetNamespace }) => !concerned.has(targetNamespace)),
      ...removals.map(({ place, verdict }) => rowOf(sync, place.namespace, verdict, place.name)),
    ];
  }

  #blocked(sync: ConfigMapSync, obstacle: Obstacle): PlanRow[] {
    const { wanted } = selectTargets(
      sync.spec,
      sync.metadata.namespace ?? '',
      this.#options.cluster.selectableFor(sync),
    );
    const targets = wanted.length > 0 ? wanted : [''];
    return targets.map((namespace) => rowOf(sync, namespace, { action: 'blocked', ...obstacle }));
  }
}

function wouldHoldCopy({ action }: PlanRow): boolean {
  return action === 'create' || action === 'update' || action === 'replace' || action === 'unchanged';
}

function rowOf(
  sync: ConfigMapSync,
  namespace: string,
  verdict: PlanVerdict,
  configMap = copyName(sync.spec),
): PlanRow {
  return {
    namespace: sync.metadata.namespace ?? '',
    name: sync.metadata.name,
    serviceAccount: sync.spec.serviceAccount.name,
    targetNamespace: namespace,
    configMap,
    action: verdict.action,
    reason: verdict.reason,
    message: verdict.message ?? '',
    missingVerbs: verdict.missingVerbs ?? [],
    changes: verdict.changes ?? [],
  };
}

async function readSource({ session, source, signal }: Planning): Promise<ConfigMap | Obstacle> {
  const { namespace, name } = source;
  try {
    return await session.configMaps.get<ConfigMap>(namespace, name, signal);
  } catch (error) {
    const what = `ConfigMap "${name}" in namespace "${namespace}"`;
    if (isApiError(error, 403)) {
      return { reason: 'SourceDenied', message: `${session.tenant.username} may not get ${what}` };
    }
    if (isApiError(error, 404)) return { reason: 'ConfigMapNotFound', message: `there is no ${what}` };
    throw error;
  }
}

function templateOf({ sync, owner, source }: Planning, found: ConfigMap): CopyTemplate {
  return new CopyTemplate({
    owner,
    source: namespacedNameKey(source),
    sourceResourceVersion: found.metadata.resourceVersion ?? '',
    name: copyName(sync.spec),
    content: selectContent(found, sync.spec.keys).content,
    serviceAccount: sync.spec.serviceAccount.name,
    labels: sync.spec.target?.labels,
    annotations: sync.spec.target?.annotations,
  });
}

/** Whoever plans for a tenant has to be trusted with the tenant's rights: that is what a token is. */
function mayNotAct(sync: ConfigMapSync): string {
  const { namespace, name } = accountOf(sync);
  return (
    `a plan looks with the rights of ${serviceAccountUsername({ namespace, name })}, and you may not request a token of it: ` +
    `have somebody grant you "create" on its token (resource serviceaccounts, subresource token, resourceNames [${name}]) in namespace "${namespace}", or let them run the plan`
  );
}

import { OWNER_UID_LABEL } from '../../api/v1alpha1/well-known.js';
import { mayHoldCopy } from '../../controller/target-outcome.js';
import { isApiError } from '../../k8s/client/errors.js';
import { sameNamespacedName, type NamespacedName } from '../../api/kubernetes.js';
import type { ConfigMap, ConfigMapMetadata } from '../../sync/config-map.js';
import { mayRemove } from '../../sync/ownership.js';
import { copyName } from '../../sync/target-selection.js';
import type { PlanVerdict } from './plan-row.js';
import type { Planning } from './planning.js';

export type RemovalMode = 'delete' | 'release';

export interface PlannedRemoval {
  place: NamespacedName;
  verdict: PlanVerdict;
}

/** Why copies would go. */
export interface RemovalOccasion {
  mode: RemovalMode;
  /** What copies are called from now on; undefined where all of them go. */
  keep: string | undefined;
  /** Targets that would have the new copy: elsewhere one with an old name stays until there is. */
  inStep: ReadonlySet<string>;
}

/**
 * The copies of the ConfigMapSync on the server that would go: in namespaces that are no target any more, and under a
 * name that copies no longer have.
 */
export async function planRemovals(
  planning: Planning,
  { mode, keep, inStep }: RemovalOccasion,
): Promise<PlannedRemoval[]> {
  const { sync, existing, selection, cluster } = planning;
  if (existing === undefined) return [];
  const before = existing.status?.targets ?? [];
  const names = new Set([copyName(existing.spec), copyName(sync.spec)]);
  const isWanted = (namespace: string): boolean => selection.wanted.includes(namespace);
  const isRenamed = (namespace: string): boolean => names.size > 1 && inStep.has(namespace);
  const places = before.filter(
    ({ namespace }) => keep === undefined || !isWanted(namespace) || isRenamed(namespace),
  );
  const removals = await Promise.all(
    places
      .filter(({ namespace }) => cluster.absence(namespace) === undefined)
      .map((target) => {
        const { namespace } = target;
        const stays = isWanted(namespace) ? keep : undefined;
        return removalsIn(planning, { namespace, names, stays, hadCopy: mayHoldCopy(target), mode });
      }),
  );
  return removals.flat();
}

interface Question {
  namespace: string;
  /** What the copies may be called, where they cannot be listed. */
  names: ReadonlySet<string>;
  /** Name of the copy that stays. */
  stays: string | undefined;
  /** Whether the last status tells of a copy there. */
  hadCopy: boolean;
  mode: RemovalMode;
}

/** The copies in one namespace that would go, or should and cannot. */
async function removalsIn(planning: Planning, question: Question): Promise<PlannedRemoval[]> {
  const { owner, source, session, signal } = planning;
  const { namespace, names, stays, hadCopy, mode } = question;
  let copies: ConfigMapMetadata[];
  try {
    copies = await findCopies(planning, question);
  } catch (error) {
    if (!isApiError(error, 403)) throw error;
    if (!hadCopy) return [];
    const [name = ''] = names;
    const message = 'a copy from earlier may be left there: the ServiceAccount lacks get';
    const verdict: PlanVerdict = {
      action: 'denied',
      reason: 'CleanupBlocked',
      message,
      missingVerbs: ['get'],
    };
    return [{ place: { namespace, name }, verdict }];
  }
  const { access } = session.namespace(namespace);
  const verb = mode === 'delete' ? 'delete' : 'update';
  const removable = copies.filter(
    (copy) =>
      copy.name !== stays &&
      mayRemove(copy, owner) &&
      !sameNamespacedName({ namespace, name: copy.name }, source),
  );
  return Promise.all(
    removable.map(async ({ name }) => {
      const { missing } = await access.verdict(name, [verb], signal);
      const verdict: PlanVerdict =
        missing.length === 0
          ? { action: mode, reason: 'NotWanted', message: 'no copy of that name is wanted there' }
          : {
              action: 'denied',
              reason: 'CleanupBlocked',
              message: `the copy should go, and the ServiceAccount lacks ${verb}`,
              missingVerbs: missing,
            };
      return { place: { namespace, name }, verdict };
    }),
  );
}

async function findCopies(
  { owner, session, signal }: Planning,
  { namespace, names, stays }: Question,
): Promise<ConfigMapMetadata[]> {
  const rules = await session.namespace(namespace).access.rules(signal);
  if (rules.allows('list')) {
    return session.configMaps.list(namespace, `${OWNER_UID_LABEL}=${owner.uid}`, signal);
  }
  const found: ConfigMapMetadata[] = [];
  for (const name of names) {
    if (name === stays) continue;
    try {
      found.push((await session.configMaps.get<ConfigMap>(namespace, name, signal)).metadata);
    } catch (error) {
      if (!isApiError(error, 404)) throw error;
    }
  }
  return found;
}

import { leftoverOutcome } from './clean-up.js';
import { CopyRemover, type Removal } from './copy-remover.js';
import { copyName } from '../sync/target-selection.js';
import type { SyncRun } from './sync-run.js';
import { mayHoldCopy, type TargetOutcome } from './target-outcome.js';

/**
 * Removes copies where they are no longer wanted: in namespaces that are no target any more, and, after a change of the
 * spec, under names that the copies no longer have. A target whose old copy stays does not count as synced.
 */
export async function sweep(
  run: SyncRun,
  outcomes: Map<string, TargetOutcome>,
  fresh: boolean,
  names: ReadonlySet<string>,
): Promise<Removal> {
  const { sync, before, selection, draft, work } = run;
  const specChanged = sync.status?.observedGeneration !== sync.metadata.generation;
  const keep = copyName(sync.spec);
  const abandoned = [...before.values()].filter(
    (target) => !outcomes.has(target.namespace) && (mayHoldCopy(target) || specChanged),
  );
  const renamed = [...outcomes]
    .filter(([namespace, { state }]) => {
      const stillBlocked = before.get(namespace)?.reason === 'CleanupBlocked';
      return state === 'Synced' && ((specChanged && !fresh) || stillBlocked);
    })
    .map(([namespace]) => namespace);

  const remover = new CopyRemover(run, sync.spec.deletionPolicy === 'Orphan' ? 'release' : 'delete', [
    ...names,
  ]);
  const removals = await Promise.all([
    ...abandoned.map(({ namespace }) => remover.clear(namespace)),
    ...renamed.map((namespace) => remover.clear(namespace, keep)),
  ]);
  const leftovers = removals.flatMap((removal) => removal.leftovers);
  work.leftovers.push(...leftovers);
  const byNamespace = Map.groupBy(leftovers, ({ namespace }) => namespace);
  for (const [namespace, rest] of byNamespace) {
    const outcome = leftoverOutcome(rest);
    if (outcomes.has(namespace)) outcomes.set(namespace, { ...outcome, state: 'Failed' });
    else if (namespace !== selection.skipped) draft.leftover(namespace, outcome);
  }
  return { leftovers, retry: removals.some(({ retry }) => retry) };
}

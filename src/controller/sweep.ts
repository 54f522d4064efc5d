import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { TargetState } from '../api/v1alpha1/config-map-sync-status.js';
import { copyName } from '../sync/target-selection.js';
import { enterLeftovers, leftoverOutcome } from './clean-up.js';
import { CopyRemover, type Removal } from './copy-remover.js';
import { inTurns } from './in-turns.js';
import type { SyncRun } from './sync-run.js';
import { mayHoldCopy, type TargetOutcome } from './target-outcome.js';

/**
 * Removes copies where they are no longer wanted: in namespaces that are no target any more, and under names that the
 * copies no longer have. A target whose old copy stays does not count as synced.
 * @param outcomes How the wanted targets stand; none where there is nothing to copy.
 * @param names What copies may be called, for where listing is not allowed.
 * @param fresh True at the very first visit: nothing can be left over from earlier ones.
 */
export async function sweep(
  run: SyncRun,
  outcomes: Map<string, TargetOutcome>,
  names: ReadonlySet<string>,
  fresh = false,
): Promise<Removal> {
  const { sync, before, selection } = run;
  const changed = specChanged(sync) && !fresh;
  const keep = copyName(sync.spec);
  const wanted = new Set(selection.wanted);
  const abandoned = [...before.values()].filter(
    (target) => !wanted.has(target.namespace) && (mayHoldCopy(target) || changed),
  );
  const renamed = [...outcomes].filter(([namespace, { state }]) => {
    const last = before.get(namespace);
    // What could not be cleared at the time of the change is cleared when the target comes into step.
    const overdue = last !== undefined && last.state !== 'Synced' && state === 'Synced';
    return isClearable(state) && (changed || overdue || last?.reason === 'CleanupBlocked');
  });

  const mode = sync.spec.deletionPolicy === 'Orphan' ? 'release' : 'delete';
  const remover = new CopyRemover(run, mode, [...names]);
  const places: { namespace: string; kept?: string }[] = [
    ...abandoned,
    ...renamed.map(([namespace]) => ({ namespace, kept: keep })),
  ];
  const removals = await inTurns(places, ({ namespace, kept }) => remover.clear(namespace, kept));
  const leftovers = removals.flatMap((removal) => removal.leftovers);
  enterLeftovers(run, leftovers);
  for (const [namespace, rest] of Map.groupBy(leftovers, (leftover) => leftover.namespace)) {
    const outcome = outcomes.get(namespace);
    const left = leftoverOutcome(rest);
    if (outcome?.state === 'Synced') outcomes.set(namespace, { ...left, state: 'Failed' });
    else if (outcome !== undefined) outcomes.set(namespace, { ...outcome, message: both(outcome, left) });
  }
  return { leftovers, retry: removals.some(({ retry }) => retry) };
}

/** True where the last status is of an earlier spec. */
export function specChanged({ status, metadata }: ConfigMapSync): boolean {
  return status?.observedGeneration !== metadata.generation;
}

function both({ message }: TargetOutcome, left: TargetOutcome): string {
  return [message, left.message].filter((part) => part !== undefined).join('; ');
}

/**
 * True where rights allow to look for copies under other names, be the one under the right name there or not: it may
 * be the old copy that is in its way.
 */
export function isClearable(state: TargetState): boolean {
  switch (state) {
    case 'Synced':
    case 'Conflict':
    case 'Failed':
      return true;
    case 'NamespaceNotFound':
    case 'Terminating':
    case 'Denied':
    case 'Stale':
    case 'Pending':
    case 'Skipped':
      return false;
  }
}

import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { Leftover } from '../reporting/sync-work.js';
import { copyName } from '../sync/target-selection.js';
import { CopyRemover, type Removal, type RemovalMode } from './copy-remover.js';
import { inTurns } from './in-turns.js';
import type { Pass } from './pass.js';
import type { SyncRun } from './sync-run.js';
import { mayHoldCopy, type TargetOutcome } from './target-outcome.js';

/** Every namespace where a copy may be: those of the spec and the selector, and those of the last status. */
export function cleanUpNamespaces({ selection, before }: Pass): string[] {
  const { wanted, skipped } = selection;
  return [...new Set([...wanted, ...before.keys(), ...(skipped === undefined ? [] : [skipped])])].sort();
}

/** Removes all copies in these namespaces, each by itself. */
export async function removeAll(
  run: SyncRun,
  mode: RemovalMode,
  namespaces: readonly string[],
  names: Iterable<string>,
): Promise<Removal> {
  const remover = new CopyRemover(run, mode, [...names]);
  const removals = await inTurns(namespaces, (namespace) => remover.clear(namespace));
  return {
    leftovers: removals.flatMap(({ leftovers }) => leftovers),
    retry: removals.some(({ retry }) => retry),
  };
}

/** Where there is no identity to remove anything with: the copies that the last status tells of. */
export function outOfReach(sync: ConfigMapSync, why: string): Leftover[] {
  const message = `spec.serviceAccount cannot be used: ${why}`;
  return (sync.status?.targets ?? [])
    .filter(mayHoldCopy)
    .map(({ namespace }) => ({ namespace, name: copyName(sync.spec), message }));
}

/** Enters what should be gone and is not: for the Events, and in the namespaces that are no target any more. */
export function enterLeftovers({ work, draft, selection }: Pass, leftovers: readonly Leftover[]): void {
  work.leftovers.push(...leftovers);
  for (const [namespace, rest] of Map.groupBy(leftovers, (leftover) => leftover.namespace)) {
    if (selection.wanted.includes(namespace)) continue;
    draft.leftover(namespace, leftoverOutcome(rest));
  }
}

/** How a namespace stands where these copies should be gone and are not. */
export function leftoverOutcome(leftovers: readonly Leftover[]): TargetOutcome {
  const names = leftovers.map(({ name }) => `"${name}"`).join(', ');
  const [first] = leftovers;
  return {
    state: first?.missingVerb === undefined ? 'Failed' : 'Stale',
    reason: 'CleanupBlocked',
    message: `ConfigMap ${names} should be gone: ${first?.message ?? ''}`,
    ...(first?.missingVerb && { missingVerbs: [first.missingVerb] }),
  };
}

import type { Verb } from '../api/v1alpha1/config-map-sync-status.js';
import { missingKeysMessage, permissionsMessage, unsyncedMessage } from './messages.js';
import type { Pass } from './pass.js';
import { COPY_KEPT, mayHoldCopy, type TargetOutcome } from './target-outcome.js';

const SKIPPED: TargetOutcome = {
  state: 'Skipped',
  reason: 'SourceItself',
  message: "it is the source's own place",
};

const NOT_EVALUATED: TargetOutcome = { state: 'Pending', reason: 'NotEvaluated' };

/**
 * Enters these namespaces of a pass that got no further than identity or source.
 * @param lost What a target with a copy is: as given, or its copy is `kept` as it was, or it was `removed`.
 */
export function keepTargets(
  pass: Pass,
  namespaces: Iterable<string>,
  lost: TargetOutcome | 'kept' | 'removed',
): void {
  const { draft, selection, before } = pass;
  const kept: TargetOutcome = {
    state: 'Pending',
    reason: COPY_KEPT,
    message: 'the copy stays as it is until the source is back',
  };
  for (const namespace of namespaces) {
    const target = before.get(namespace);
    const hadCopy = target !== undefined && mayHoldCopy(target);
    const leftBehind = pass.work.leftovers.find((leftover) => leftover.namespace === namespace);
    const outcome: TargetOutcome =
      leftBehind !== undefined
        ? { state: 'Failed', reason: 'CleanupBlocked', message: leftBehind.message }
        : hadCopy && lost !== 'removed'
          ? lost === 'kept'
            ? kept
            : lost
          : NOT_EVALUATED;
    if (selection.wanted.includes(namespace)) draft.target(namespace, outcome);
    else if (hadCopy && outcome !== NOT_EVALUATED) draft.leftover(namespace, outcome);
  }
  if (selection.skipped !== undefined) draft.target(selection.skipped, SKIPPED);
}

/** Enters what became of every wanted target, and the conditions that sum it up. */
export function judgeTargets(
  pass: Pass,
  outcomes: ReadonlyMap<string, TargetOutcome>,
  missingKeys: readonly string[],
): void {
  const { draft, selection, account } = pass;
  for (const [namespace, outcome] of outcomes) draft.target(namespace, outcome);
  if (selection.skipped !== undefined) draft.target(selection.skipped, SKIPPED);

  const denied = new Map<string, readonly Verb[]>();
  for (const [namespace, { missingVerbs = [] }] of outcomes) {
    if (missingVerbs.length > 0) denied.set(namespace, missingVerbs);
  }
  const username = `system:serviceaccount:${account.namespace}:${account.name}`;
  if (denied.size === 0) draft.pass('TargetsAuthorized', 'AllTargetsAuthorized');
  else draft.fail('TargetsAuthorized', 'MissingPermissions', permissionsMessage(username, denied));

  const unsynced = [...outcomes].filter(([, { state }]) => state !== 'Synced');
  const keys = missingKeysMessage(missingKeys);
  if (outcomes.size === 0) {
    const message =
      'no namespace to copy to: none that spec names or selects is another place than the source';
    draft.fail('AllTargetsSynced', 'NoTargets', message);
  } else if (unsynced.length === 0) {
    draft.pass('AllTargetsSynced', 'AllConfigMapsSynced', keys);
  } else {
    const message = unsyncedMessage(
      outcomes.size - unsynced.length,
      unsynced.map(([namespace, { state }]) => `${namespace} (${state})`),
    );
    draft.fail('AllTargetsSynced', 'SomeTargetsNotSynced', keys === '' ? message : `${message}; ${keys}`);
  }
}

import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { TargetState, TargetStatus, Verb } from '../api/v1alpha1/config-map-sync-status.js';
import type { ConflictPolicy } from '../api/v1alpha1/config-map-sync-spec.js';
import type { Leftover, TargetOutcome } from './result.js';

/** Reason of a `Failed` target that somebody else keeps changing. */
export const CONTENDED = 'Contended';
/** Reason of a `Failed` target whose copy the API server stored otherwise than it was sent. */
export const COPY_ALTERED = 'CopyAltered';
/** Reason of a target whose old copy should be gone and is not. */
export const CLEANUP_BLOCKED = 'CleanupBlocked';

export const SYNCED: TargetOutcome = { state: 'Synced', reason: 'ConfigMapSynced' };
export const NOT_EVALUATED: TargetOutcome = { state: 'Pending', reason: 'NotEvaluated' };
/** The source is gone: there is nothing to bring the copy in sync with. */
export const KEPT: TargetOutcome = {
  state: 'Pending',
  reason: 'CopyKept',
  message: 'the copy stays as it is until the source is back',
};
export const STALE_SOURCE: TargetOutcome = {
  state: 'Stale',
  reason: 'SourceDenied',
  message: 'the source may not be read any more',
};
export const SKIPPED: TargetOutcome = {
  state: 'Skipped',
  reason: 'SourceItself',
  message: "it is the source's own place",
};

export function namespaceNotFound(namespace: string): TargetOutcome {
  const message = `there is no namespace "${namespace}"; the copy follows as soon as there is`;
  return { state: 'NamespaceNotFound', reason: 'NamespaceNotFound', message };
}

export function terminating(namespace: string): TargetOutcome {
  const message = `namespace "${namespace}" is being deleted`;
  return { state: 'Terminating', reason: 'NamespaceTerminating', message };
}

export function deniedOutcome(
  username: string,
  namespace: string,
  missingVerbs: Verb[],
  hasCopy: boolean,
): TargetOutcome {
  const message = `${username} may not ${missingVerbs.join(', ')} configmaps in namespace "${namespace}"`;
  return { state: hasCopy ? 'Stale' : 'Denied', reason: 'MissingPermissions', message, missingVerbs };
}

/** The API server refused: its own sentence says why. */
export function failedOutcome(
  namespace: string,
  name: string,
  { reason, message }: { reason: string; message: string },
): TargetOutcome {
  return {
    state: 'Failed',
    reason: /^[A-Za-z]+$/.test(reason) ? reason : 'RequestFailed',
    message: `ConfigMap "${name}" in namespace "${namespace}": ${message}`,
  };
}

/** How a namespace stands where these copies should be gone and are not. */
export function leftoverOutcome(leftovers: readonly Leftover[]): TargetOutcome {
  const names = leftovers.map(({ name }) => `"${name}"`).join(', ');
  const [first] = leftovers;
  return {
    state: first?.missingVerb === undefined ? 'Failed' : 'Stale',
    reason: CLEANUP_BLOCKED,
    message: `ConfigMap ${names} should be gone: ${first?.message ?? ''}`,
    ...(first?.missingVerb && { missingVerbs: [first.missingVerb] }),
  };
}

/** A target whose former copy stays does not count as synced. */
export function withLeftovers(outcome: TargetOutcome, leftovers: readonly Leftover[]): TargetOutcome {
  if (leftovers.length === 0) return outcome;
  const left = leftoverOutcome(leftovers);
  if (outcome.state === 'Synced') return { ...left, state: 'Failed' };
  const message = [outcome.message, left.message].filter((part) => part !== undefined).join('; ');
  return { ...outcome, message };
}

export function isDenied<T extends { state: TargetState }>(
  target: T,
): target is T & { state: 'Denied' | 'Stale' } {
  return target.state === 'Denied' || target.state === 'Stale';
}

/** What a status says of a target, as a finding. */
export function outcomeOf({ state, reason = '', message, missingVerbs }: TargetStatus): TargetOutcome {
  return { state, reason, ...(message && { message }), ...(missingVerbs && { missingVerbs }) };
}

export function contendedOutcome(namespace: string, name: string): TargetOutcome {
  const message = `somebody keeps changing ConfigMap "${name}" in namespace "${namespace}": it is put back once a minute only; stop the other writer or take the namespace off the targets`;
  return { state: 'Failed', reason: CONTENDED, message };
}

/** How many of the parts that were altered are named. */
const NAMED_PARTS = 5;

/** @param parts Which: `label "x"`, `data key "y"`. */
export function alteredOutcome(namespace: string, name: string, parts: readonly string[]): TargetOutcome {
  const named = parts.slice(0, NAMED_PARTS).join(', ');
  const more = parts.length > NAMED_PARTS ? ` and ${parts.length - NAMED_PARTS} more` : '';
  const message = `ConfigMap "${name}" in namespace "${namespace}" was not stored as it was sent: an admission webhook or policy changes ${named}${more}; have it let ConfigMaps with label app.kubernetes.io/managed-by=config-weaver pass, or take the namespace off the targets`;
  return { state: 'Failed', reason: COPY_ALTERED, message };
}

/**
 * The copy would go round in a circle: it stays as it is, if it is there already.
 * @param sync By this one the source comes from where the copy would be.
 */
export function cycleOutcome(namespace: string, name: string, sync: ConfigMapSync): TargetOutcome {
  const through = `ConfigMapSync ${sync.metadata.namespace ?? ''}/${sync.metadata.name}`;
  const message = `the source comes from ConfigMap "${name}" in namespace "${namespace}", through ${through}: a copy there would go round in circles; take the namespace off, or choose another spec.target.name`;
  return { state: 'Conflict', reason: 'Loop', message };
}

/** @param holder Who owns the ConfigMap, as a phrase. */
export function conflictOutcome(
  namespace: string,
  name: string,
  holder: string,
  policy: ConflictPolicy,
): TargetOutcome {
  const advice =
    policy === 'Fail'
      ? "delete or rename it, choose another spec.target.name, or set spec.conflictPolicy to Overwrite if it is nobody's"
      : 'choose another spec.target.name, or take the namespace off the other one';
  const message = `ConfigMap "${name}" in namespace "${namespace}" belongs to ${holder}: ${advice}`;
  return { state: 'Conflict', reason: 'NotOurs', message };
}

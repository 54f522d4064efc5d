import type { Condition, ConditionStatus, ConditionType } from '../../../src/api/v1alpha1/condition.js';
import type {
  ConfigMapSyncStatus,
  TargetState,
  TargetStatus,
} from '../../../src/api/v1alpha1/config-map-sync-status.js';

const lastTransitionTime = '2026-01-02T03:04:05Z';

/** Without its class, so that a test may spread it. */
type Plain<T> = { [K in keyof T]: T[K] };

export function target(
  namespace: string,
  state: TargetState,
  rest: Partial<TargetStatus> = {},
): Plain<TargetStatus> {
  return { namespace, state, lastTransitionTime, ...rest };
}

export function condition(
  type: ConditionType,
  status: ConditionStatus,
  reason: string,
  message = `${reason}, in words`,
): Condition {
  return { type, status, reason, message, lastTransitionTime, observedGeneration: 1 };
}

export function statusOf(targets: TargetStatus[], conditions: Condition[] = []): Plain<ConfigMapSyncStatus> {
  return { targets, conditions };
}

import type { TargetFinding } from '../../reporting/denial.js';
import type { Colour } from '../terminal.js';
import type { KeyChange } from './plan-changes.js';

/** What may happen in one place, with its colour in a table, in the order of the sum. */
export const PLAN_ACTIONS = {
  create: 'green',
  update: 'yellow',
  /** Deleted and created: an immutable ConfigMap takes no other content. */
  replace: 'yellow',
  delete: 'red',
  /** Kept as a ConfigMap of nobody, under `deletionPolicy: Orphan`. */
  release: 'yellow',
  unchanged: 'dim',
  denied: 'red',
  conflict: 'red',
  /** The namespace is not there, or not for long. */
  wait: 'dim',
  /** The API server would refuse it: quota, admission, size. */
  failed: 'red',
  /** The source's own place. */
  skip: 'dim',
  /** Nothing is done anywhere: identity, source or `spec.suspend` stand in the way. */
  blocked: 'red',
} as const satisfies Record<string, Colour>;

export type PlanAction = keyof typeof PLAN_ACTIONS;

/** What would happen in one place. Scripts rely on the fields of `-o json`, which are these. */
export interface PlanRow extends Omit<TargetFinding, 'state' | 'since'> {
  /** '' where there is no target to speak of. */
  targetNamespace: string;
  /** Name of the copy. */
  configMap: string;
  action: PlanAction;
  message: string;
  changes: KeyChange[];
}

/** What a row says beside whose it is and where. */
export type PlanVerdict = Pick<PlanRow, 'action' | 'reason'> &
  Partial<Pick<PlanRow, 'message' | 'missingVerbs' | 'changes'>>;

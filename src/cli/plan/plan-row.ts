import type { TargetFinding } from '../../reporting/denial.js';
import type { KeyChange } from './plan-changes.js';

export type PlanAction =
  | 'create'
  | 'update'
  /** Deleted and created: an immutable ConfigMap takes no other content. */
  | 'replace'
  | 'delete'
  /** Kept as a ConfigMap of nobody, under `deletionPolicy: Orphan`. */
  | 'release'
  | 'unchanged'
  | 'denied'
  | 'conflict'
  /** The namespace is not there, or not for long. */
  | 'wait'
  /** The API server would refuse it: quota, admission, size. */
  | 'failed'
  /** The source's own place. */
  | 'skip'
  /** Nothing is done anywhere: identity, source or `spec.suspend` stand in the way. */
  | 'blocked';

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

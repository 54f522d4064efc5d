import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import type { TargetStatus } from '../api/v1alpha1/config-map-sync-status.js';
import type { AuditRecord } from '../reporting/audit-trail.js';
import type { SyncWork } from '../reporting/sync-work.js';
import type { NamespacedName, ServiceAccount } from '../api/kubernetes.js';
import type { Owner } from '../sync/ownership.js';
import type { TargetSelection } from '../sync/target-selection.js';
import type { StatusDraft } from './status-draft.js';

/** One reconcile of one ConfigMapSync: what it is about, what it drafts and what it has to tell. */
export interface Pass {
  /** `namespace/name`. */
  key: string;
  sync: ConfigMapSync;
  owner: Owner;
  account: ServiceAccount;
  source: NamespacedName;
  selection: TargetSelection;
  /** The last status' targets by namespace. */
  before: ReadonlyMap<string, TargetStatus>;
  draft: StatusDraft;
  audit: AuditRecord;
  work: SyncWork;
  signal: AbortSignal;
}

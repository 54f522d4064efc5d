/** What to do with a ConfigMap of the copy's name that is not ours. */
export const CONFLICT_POLICIES = ['Fail', 'Overwrite'] as const;
export type ConflictPolicy = (typeof CONFLICT_POLICIES)[number];

/** What becomes of the copies when the ConfigMapSync, or a target, goes away. */
export const DELETION_POLICIES = ['Delete', 'Orphan'] as const;
export type DeletionPolicy = (typeof DELETION_POLICIES)[number];

/** What becomes of the copies when the source goes away. */
export const SOURCE_DELETION_POLICIES = ['Retain', 'Delete'] as const;
export type SourceDeletionPolicy = (typeof SOURCE_DELETION_POLICIES)[number];

import type { Verb } from '../api/v1alpha1/config-map-sync-status.js';
import type { Leftover } from '../reporting/sync-work.js';
import { firstOf, listLeftovers } from '../reporting/status-events.js';

/** @param denied Missing verbs by namespace. */
export function permissionsMessage(username: string, denied: ReadonlyMap<string, readonly Verb[]>): string {
  const namespaces = firstOf([...denied.keys()], ' ');
  const verbs = firstOf(
    [...denied].map(([namespace, missing]) => `${namespace}: ${missing.join(', ')}`),
    '; ',
  );
  return `insufficient permissions on service account ${username}. Not authorized to create, update or delete configmaps in the following namespaces [${namespaces}]; missing verbs: ${verbs}`;
}

/** @param unsynced `namespace: state` of each target that is not in step. */
export function unsyncedMessage(synced: number, unsynced: readonly string[]): string {
  return `${synced} of ${synced + unsynced.length} targets are in step; not: ${firstOf(unsynced, ', ')}`;
}

export function missingKeysMessage(missingKeys: readonly string[]): string {
  return missingKeys.length === 0 ? '' : `the source lacks these of spec.keys: ${firstOf(missingKeys, ', ')}`;
}

export function blockedMessage(leftovers: readonly Leftover[]): string {
  const reasons = [...new Set(leftovers.map(({ message }) => message))].slice(0, 3).join('; ');
  return `copies that cannot be removed: ${listLeftovers(leftovers)} (${reasons})`;
}

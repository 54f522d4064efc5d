import type { Verb } from '../api/v1alpha1/config-map-sync-status.js';
import type { Leftover } from './result.js';

/** The first 20 of `items`, sorted, then `and N more`. */
export function firstOf(items: readonly string[], separator: string): string {
  const most = 20;
  const shown = items.toSorted().slice(0, most).join(separator);
  return items.length <= most ? shown : `${shown} and ${items.length - most} more`;
}

/** @param denied Missing verbs by namespace. */
export function permissionsMessage(username: string, denied: ReadonlyMap<string, readonly Verb[]>): string {
  const namespaces = firstOf([...denied.keys()], ' ');
  const missing = [...denied].map(([namespace, verbs]) => `${namespace}: ${verbs.join(', ')}`);
  return `insufficient permissions on service account ${username}. Not authorized to create, update or delete configmaps in the following namespaces [${namespaces}]; missing verbs: ${firstOf(missing, '; ')}`;
}

/** @param unsynced `namespace (state)` of each target that is not in sync. */
export function unsyncedMessage(synced: number, unsynced: readonly string[]): string {
  return `${synced} of ${synced + unsynced.length} targets are in step; not: ${firstOf(unsynced, ', ')}`;
}

/** @param underWay Namespaces, and why the last attempt failed where one did. */
export function progressMessage(wanted: number, underWay: ReadonlyMap<string, string | undefined>): string {
  const [why] = [...underWay.values()].filter((reason) => reason !== undefined);
  const waiting = `waiting for ${underWay.size} of ${wanted} targets: ${firstOf([...underWay.keys()], ', ')}`;
  return why === undefined ? waiting : `${waiting} (${why})`;
}

export function missingKeysMessage(missingKeys: readonly string[]): string {
  return missingKeys.length === 0 ? '' : `the source lacks these of spec.keys: ${firstOf(missingKeys, ', ')}`;
}

export function blockedMessage(leftovers: readonly Leftover[]): string {
  const reasons = [...new Set(leftovers.map(({ message }) => message))].slice(0, 3).join('; ');
  return `copies that cannot be removed: ${listLeftovers(leftovers)} (${reasons})`;
}

/** `namespace/name, …`: the first 20, then a count. */
export function listLeftovers(leftovers: readonly Leftover[]): string {
  const copies = leftovers.map(({ namespace, name }) => `${namespace}/${name}`);
  return firstOf(copies, ', ');
}

/** How YAML documents begin: a message that holds what mends it ends with some. */
const MANIFESTS = '\n---\n';

/** What a message says in words, and whether manifests for `kubectl apply` follow in it. */
export function wordsOf(message: string): { words: string; hasManifests: boolean } {
  const [words = '', ...manifests] = message.split(MANIFESTS);
  return { words, hasManifests: manifests.length > 0 };
}

import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import {
  MAX_TARGETS,
  type ConfigMapSyncStatus,
  type TargetStatus,
} from '../api/v1alpha1/config-map-sync-status.js';

/** etcd takes 1.5 MiB for a request; the rest is for what the API server adds. It leaves out managed fields that do not fit. */
const MAX_OBJECT_BYTES = 1.5 * 1024 * 1024 - 32 * 1024;
/** A message that would have to be shorter says nothing. */
const MIN_MESSAGE_BYTES = 24;

/** The targets as far as they fit into the object: their number is bounded, their messages are cut. */
export function fittingTargets(
  sync: ConfigMapSync,
  status: ConfigMapSyncStatus,
  targets: TargetStatus[],
): TargetStatus[] {
  const few = bounded(targets);
  const room = MAX_OBJECT_BYTES - bytesOf({ ...sync, status });
  if (bytesOf(few) <= room) return few;
  const withMessage = (target: TargetStatus, message: string): TargetStatus => {
    const changed: TargetStatus = Object.assign({}, target, { message });
    if (message === '') delete changed.message;
    return changed;
  };
  const bare = few.map((target) => withMessage(target, ''));
  const share = (room - bytesOf(bare)) / few.length - bytesOf({ message: '' });
  return few.map((target) => withMessage(target, cutToBytes(target.message ?? '', share)));
}

/** The API server counts code points and refuses the whole status over one message that is too long. */
export function cut(message: string, most: number): string {
  if (message.length <= most) return message;
  const points = Array.from(message);
  return points.length <= most ? message : `${points.slice(0, most - 1).join('')}…`;
}

/** Empty where hardly anything would be left. */
function cutToBytes(message: string, most: number): string {
  const size = (text: string): number => bytesOf(text) - bytesOf('');
  let short = message;
  for (let points = Math.floor(most); size(short) > most; points = Math.floor(points * 0.75)) {
    if (points < MIN_MESSAGE_BYTES) return '';
    short = cut(message, points);
  }
  return short;
}

/** As the API server stores it: JSON in UTF-8, in which Go writes six characters for each of these. */
function bytesOf(value: unknown): number {
  const json = JSON.stringify(value);
  let escaped = 0;
  for (const sign of '<>&\u2028\u2029') {
    for (let at = json.indexOf(sign); at >= 0; at = json.indexOf(sign, at + 1)) escaped += 1;
  }
  return Buffer.byteLength(json) + 5 * escaped;
}

/** Where there are too many targets to list, those in sync are left out first. */
function bounded(targets: TargetStatus[]): TargetStatus[] {
  if (targets.length <= MAX_TARGETS) return targets;
  const troubled = targets.filter(({ state }) => state !== 'Synced');
  const inSync = targets.filter(({ state }) => state === 'Synced');
  return [...troubled, ...inSync].slice(0, MAX_TARGETS).sort((a, b) => (a.namespace < b.namespace ? -1 : 1));
}

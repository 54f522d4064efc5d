import { ApiError } from './errors.js';
import type { KubernetesObject, WatchEvent, WatchEventType } from './objects.js';
import { statusError } from './response-error.js';

/**
 * Reads one line of a watch; `what` names the watch in errors.
 *
 * @throws ApiError for an ERROR event (its Status: 410 means that the resourceVersion is too old), and with code 0 for what no
 *   API server sends.
 */
export function parseEvent<T extends KubernetesObject>(line: string, what: string): WatchEvent<T> {
  let event: { type: WatchEventType | 'ERROR'; object: T };
  try {
    event = JSON.parse(line) as typeof event;
  } catch {
    throw new ApiError({ code: 0, reason: '', message: `${what} broke off: an event that is no JSON` });
  }
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
    case 'BOOKMARK':
      return event as WatchEvent<T>;
    case 'ERROR':
      throw statusError(event.object, { code: 500, what, retryAfter: undefined, auditID: undefined });
    default:
      event.type satisfies never;
      throw new ApiError({ code: 0, reason: '', message: `${what} broke off: an event of an unknown type` });
  }
}

import type { AuditEntry, AuditFilter, AuditLog } from './audit-log.js';

/** One request as the API server recorded it. Both times are the API server's own, in milliseconds since the epoch. */
export interface RecordedRequest extends AuditEntry {
  receivedAt: number;
  answeredAt: number;
}

/**
 * The requests that match, oldest first, each once: a watch counts from the moment when it was accepted. The times come
 * from one clock and have no client's delays in them, which makes them the fairest measure of what a cluster sees.
 */
export async function recordedRequests(log: AuditLog, filter: AuditFilter): Promise<RecordedRequest[]> {
  const seen = new Set<string>();
  const requests: RecordedRequest[] = [];
  for (const entry of await log.entries(filter)) {
    if (seen.has(entry.auditID)) continue;
    seen.add(entry.auditID);
    const { stageTimestamp } = entry as AuditEntry & { stageTimestamp: string };
    requests.push({
      ...entry,
      receivedAt: milliseconds(entry.requestReceivedTimestamp),
      answeredAt: milliseconds(stageTimestamp),
    });
  }
  return requests;
}

/** `Date` keeps whole milliseconds only; the audit log has microseconds. */
function milliseconds(timestamp: string): number {
  const fraction = /\.(\d+)Z$/.exec(timestamp)?.[1] ?? '0';
  return Date.parse(timestamp.replace(/\.\d+Z$/, 'Z')) + Number(`0.${fraction}`) * 1000;
}

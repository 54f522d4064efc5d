import type { RuntimeLog } from '../../../src/k8s/util/cause-log.js';

/** A log that keeps its lines as `level: message`. */
export function recordingLog(): RuntimeLog & { lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    info: (message) => void lines.push(`info: ${message}`),
    warn: (message) => void lines.push(`warn: ${message}`),
    debug: (message) => void lines.push(`debug: ${message}`),
  };
}

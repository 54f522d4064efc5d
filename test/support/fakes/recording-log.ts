import type { Logger } from '../../../src/telemetry/logging/logger.js';

/** A log that keeps its lines as `level: message`. */
export function recordingLog(): Logger & { lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    error: (message) => void lines.push(`error: ${message}`),
    info: (message) => void lines.push(`info: ${message}`),
    warn: (message) => void lines.push(`warn: ${message}`),
    debug: (message) => void lines.push(`debug: ${message}`),
  };
}

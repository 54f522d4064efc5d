import { printable } from '../../k8s/util/text.js';
import { redactText, redactValue } from './redact.js';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_FORMATS = ['json', 'text'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export interface LogRecord {
  level: LogLevel;
  message: string;
  fields: Readonly<Record<string, unknown>>;
  debug: boolean;
  time: string;
}

/** One JSON object: `time`, `level`, `message`, then the fields. A field of such a name gets a `_` behind it. */
export function formatJson(record: LogRecord): string {
  const own = { time: record.time, level: record.level, message: redactText(record.message) };
  const entries = Object.entries(cleanFields(record)).map(([key, value]): [string, unknown] => [
    Object.hasOwn(own, key) ? `${key}_` : key,
    value,
  ]);
  return printable(JSON.stringify({ ...own, ...Object.fromEntries(entries) }));
}

/** For a person's terminal: `time LEVEL message key=value …`; at debug, an error's stack on lines of its own. */
export function formatText(record: LogRecord): string {
  const parts = [record.time, record.level.toUpperCase().padEnd(5), printable(redactText(record.message))];
  const frames: string[] = [];
  for (const [key, value] of Object.entries(cleanFields(record))) {
    parts.push(`${printable(key)}=${textValue(value)}`);
    frames.push(...stackFrames(value));
  }
  return [parts.join(' '), ...frames].join('\n');
}

function cleanFields(record: LogRecord): Record<string, unknown> {
  return redactValue(record.fields, { stacks: record.debug }) as Record<string, unknown>;
}

function textValue(value: unknown): string {
  if (typeof value === 'string' && /^[\w.:/@%+-]+$/.test(value)) return value;
  return printable(JSON.stringify(isErrorShape(value) ? `${value.name}: ${value.message}` : value));
}

function stackFrames(value: unknown): string[] {
  if (!isErrorShape(value) || typeof value.stack !== 'string') return [];
  const lines = value.stack.split('\n');
  return lines.filter((line) => line.startsWith('    at ')).map(printable);
}

function isErrorShape(value: unknown): value is { name: string; message: string; stack?: unknown } {
  return typeof value === 'object' && value !== null && 'name' in value && 'message' in value;
}

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

const OWN_KEYS = new Set(['time', 'level', 'message']);

/** One JSON object: `time`, `level`, `message`, then the fields. A field of such a name gets a `_` behind it. */
export function formatJson(record: LogRecord): string {
  const entries = Object.entries(cleanFields(record)).map(([key, value]): [string, unknown] => [
    OWN_KEYS.has(key) ? `${key}_` : key,
    value,
  ]);
  const { time, level } = record;
  return JSON.stringify({ time, level, message: redactText(record.message), ...Object.fromEntries(entries) });
}

/** For a person's terminal: `time LEVEL message key=value …`; at debug, an error's stack on lines of its own. */
export function formatText(record: LogRecord): string {
  const parts = [record.time, record.level.toUpperCase().padEnd(5), visible(redactText(record.message))];
  const frames: string[] = [];
  for (const [key, value] of Object.entries(cleanFields(record))) {
    parts.push(`${visible(key)}=${textValue(value)}`);
    frames.push(...stackFrames(value));
  }
  return [parts.join(' '), ...frames].join('\n');
}

function cleanFields(record: LogRecord): Record<string, unknown> {
  return redactValue(record.fields, { stacks: record.debug }) as Record<string, unknown>;
}

function textValue(value: unknown): string {
  if (isErrorShape(value)) return JSON.stringify(`${value.name}: ${value.message}`);
  if (typeof value === 'string' && /^[\w.:/@%+-]+$/.test(value)) return value;
  return visible(JSON.stringify(value));
}

function stackFrames(value: unknown): string[] {
  if (!isErrorShape(value) || typeof value.stack !== 'string') return [];
  return value.stack.split('\n').filter((line) => line.startsWith('    at '));
}

function isErrorShape(value: unknown): value is { name: string; message: string; stack?: unknown } {
  return typeof value === 'object' && value !== null && 'name' in value && 'message' in value;
}

/** Line breaks and terminal escapes of foreign texts must not forge log lines. */
function visible(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) =>
    character === '\n' ? '\\n' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

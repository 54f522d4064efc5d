/** A line of the operator's log. */
export interface LogLine {
  time: string;
  level: string;
  message: string;
  [field: string]: unknown;
}

/** A line of its audit log: one decision of the API server. */
export interface AuditLine {
  audit: true;
  time: string;
  configMapSync: { namespace: string; name: string };
  serviceAccount: string;
  verb: string;
  namespace: string;
  decision: 'allowed' | 'denied';
  reason: string;
  code: number;
  auditID?: string;
}

/** @throws Error for a line that is none of the log */
export function parseLog(text: string): LogLine[] {
  return completeLines(text).map(parseLogLine);
}

export function parseAuditLog(text: string): AuditLine[] {
  return completeLines(text).map((line) => JSON.parse(line) as AuditLine);
}

function parseLogLine(line: string): LogLine {
  if (line.startsWith('{')) return JSON.parse(line) as LogLine;
  // --log-format=text: `time LEVEL message key=value …`, and at debug the frames of an error's stack.
  const { time, level, rest } = /^(?<time>\S+Z) (?<level>[A-Z]+) +(?<rest>.*)$/.exec(line)?.groups ?? {};
  if (time === undefined || level === undefined || rest === undefined) {
    if (!line.startsWith('    at ')) throw new Error(`this is no line of the log: ${line}`);
    return { time: '', level: 'debug', message: line };
  }
  const fields = [...rest.matchAll(/ (\w+)=("(?:[^"\\]|\\.)*"|\S+)/g)];
  return {
    ...Object.fromEntries(fields.map(([, name = '', value = '']) => [name, value])),
    time,
    level: level.toLowerCase(),
    message: rest.slice(0, fields[0]?.index),
  };
}

/** The last line may still be under way. */
function completeLines(text: string): string[] {
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '');
}

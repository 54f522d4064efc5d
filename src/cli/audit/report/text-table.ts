import { printable } from '../../../k8s/util/text.js';
import { type Colour, painted } from '../../terminal.js';

export interface TextColumn<T> {
  title: string;
  text: (row: T) => string;
  colour?: (row: T) => Colour | undefined;
}

/** Columns as wide as their widest cell, three spaces apart, as kubectl prints them. Nothing is cut off. */
export function renderTextTable<T>(
  rows: readonly T[],
  columns: readonly TextColumn<T>[],
  colours: boolean,
): string {
  const body = rows.map((row) => columns.map(({ text }) => printable(text(row)) || '-'));
  const lines = [columns.map(({ title }) => title), ...body];
  const widths = columns.map((_, index) =>
    lines.reduce((width, line) => Math.max(width, line[index]?.length ?? 0), 0),
  );
  const cell = (text: string, index: number, row: T | undefined): string => {
    const colour = colours && row !== undefined ? columns[index]?.colour?.(row) : undefined;
    const isLast = index === columns.length - 1;
    return painted(text, colour) + (isLast ? '' : ' '.repeat((widths[index] ?? 0) - text.length + 3));
  };
  return lines
    .map((line, number) => line.map((text, index) => cell(text, index, rows[number - 1])).join(''))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

/** Colours only where somebody sees them, and has not said no (https://no-color.org). */
export function wantsColours(stream: object, env: Readonly<NodeJS.ProcessEnv>): boolean {
  return 'isTTY' in stream && stream.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
}

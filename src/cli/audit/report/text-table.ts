const CODES = { red: 31, yellow: 33, green: 32, dim: 2 };

export type Colour = keyof typeof CODES;

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
    const painted = colour === undefined ? text : `\u001b[${CODES[colour]}m${text}\u001b[0m`;
    const isLast = index === columns.length - 1;
    return painted + (isLast ? '' : ' '.repeat((widths[index] ?? 0) - text.length + 3));
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

/**
 * Control characters, and those that turn the direction of a line: a tenant's text must neither move the reader's cursor
 * nor make one name look like another.
 */
// eslint-disable-next-line no-control-regex -- they are what is looked for
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** `text` on one line, with what cannot be seen spelled out as `\u{…}`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

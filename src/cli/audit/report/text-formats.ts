import { STATE_INFO, type Tone } from './report-row.js';
import { renderTextTable, type TextColumn } from './text-table.js';
import type { Colour } from '../../terminal.js';
import type { TargetFinding } from '../../../reporting/finding.js';

const COLOURS: Record<Tone, Colour> = { good: 'green', bad: 'red', warn: 'yellow', quiet: 'dim' };

/** What every form shows of a target, in this order, with the titles of a table. Scripts rely on the names and the order. */
const TITLES = {
  namespace: 'NAMESPACE',
  name: 'NAME',
  serviceAccount: 'SERVICEACCOUNT',
  targetNamespace: 'TARGET',
  state: 'STATE',
  reason: 'REASON',
  missingVerbs: 'MISSING',
  since: 'SINCE',
} as const satisfies Record<keyof TargetFinding, string>;
const FIELDS = Object.keys(TITLES) as (keyof TargetFinding)[];

/** For people and for grep: one line for each row. */
export function renderTable(rows: readonly TargetFinding[], colours: boolean): string {
  const columns = FIELDS.map((field): TextColumn<TargetFinding> => ({
    title: TITLES[field],
    text: (row) => [row[field]].flat().join(','),
    ...(field === 'state' && { colour: ({ state }) => COLOURS[STATE_INFO[state].tone] }),
  }));
  return renderTextTable(rows, columns, colours);
}

/** RFC 4180 with a header line: CRLF ends each line, and verbs share a cell, separated by spaces. */
export function renderCsv(rows: readonly TargetFinding[]): string {
  const lines = rows.map((row) => FIELDS.map((field) => [row[field]].flat().join(' ')));
  return [FIELDS, ...lines].map((cells) => `${cells.map(cell).join(',')}\r\n`).join('');
}

/**
 * Spreadsheets run a cell that begins so as a formula, and names and reasons come from tenants. The apostrophe in front
 * is how a spreadsheet is told that the rest is text; it is the one place where a cell differs from the value.
 * The wide forms count too: some spreadsheets fold them into the narrow ones.
 */
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

function cell(value: string): string {
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A list of findings with just those fields. */
export function renderJson(rows: readonly TargetFinding[]): string {
  const list = rows.map((row) => Object.fromEntries(FIELDS.map((field) => [field, row[field]])));
  return `${JSON.stringify(list, undefined, 2)}\n`;
}

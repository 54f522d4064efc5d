import { STATE_INFO, type ReportRow, type Tone } from './report-row.js';
import { renderTextTable, type TextColumn } from './text-table.js';
import type { Colour } from '../../terminal.js';
import type { TargetFinding } from '../../../reporting/denial.js';

const COLOURS: Record<Tone, Colour> = { good: 'green', bad: 'red', warn: 'yellow', quiet: 'dim' };

const TABLE_COLUMNS: readonly TextColumn<ReportRow>[] = [
  { title: 'NAMESPACE', text: ({ namespace }) => namespace },
  { title: 'NAME', text: ({ name }) => name },
  { title: 'SERVICEACCOUNT', text: ({ serviceAccount }) => serviceAccount },
  { title: 'TARGET', text: ({ targetNamespace }) => targetNamespace },
  { title: 'STATE', text: ({ state }) => state, colour: ({ state }) => COLOURS[STATE_INFO[state].tone] },
  { title: 'REASON', text: ({ reason }) => reason },
  { title: 'MISSING', text: ({ missingVerbs }) => missingVerbs.join(',') },
  { title: 'SINCE', text: ({ since }) => since },
];

/** For people and for grep: one line for each row. */
export function renderTable(rows: readonly ReportRow[], colours: boolean): string {
  return renderTextTable(rows, TABLE_COLUMNS, colours);
}

/** The fields that scripts rely on, in this order. */
const FIELDS = [
  'namespace',
  'name',
  'serviceAccount',
  'targetNamespace',
  'state',
  'reason',
  'missingVerbs',
  'since',
] as const satisfies readonly (keyof TargetFinding)[];

/** RFC 4180 with a header line: CRLF ends each line, and verbs share a cell, separated by spaces. */
export function renderCsv(rows: readonly TargetFinding[]): string {
  const lines = rows.map((row) => FIELDS.map((field) => [row[field]].flat().join(' ')));
  return [[...FIELDS], ...lines].map((cells) => `${cells.map(cell).join(',')}\r\n`).join('');
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

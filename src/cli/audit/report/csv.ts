import type { TargetFinding } from '../../../reporting/denial.js';

const COLUMNS = [
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
  const lines = rows.map((row) => COLUMNS.map((column) => [row[column]].flat().join(' ')));
  return [[...COLUMNS], ...lines].map((cells) => `${cells.map(cell).join(',')}\r\n`).join('');
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

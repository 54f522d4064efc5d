import type { TargetState } from '../../../api/v1alpha1/target-status.js';
import type { ReportRow } from './report-row.js';
import { renderTextTable, type Colour, type TextColumn } from './text-table.js';

const COLOURS: Record<TargetState, Colour> = {
  Synced: 'green',
  Denied: 'red',
  Stale: 'red',
  Failed: 'red',
  Conflict: 'yellow',
  NamespaceNotFound: 'yellow',
  Terminating: 'yellow',
  Pending: 'dim',
  Skipped: 'dim',
};

const COLUMNS: readonly TextColumn<ReportRow>[] = [
  { title: 'NAMESPACE', text: ({ namespace }) => namespace },
  { title: 'NAME', text: ({ name }) => name },
  { title: 'SERVICEACCOUNT', text: ({ serviceAccount }) => serviceAccount },
  { title: 'TARGET', text: ({ targetNamespace }) => targetNamespace },
  { title: 'STATE', text: ({ state }) => state, colour: ({ state }) => COLOURS[state] },
  { title: 'REASON', text: ({ reason }) => reason },
  { title: 'MISSING', text: ({ missingVerbs }) => missingVerbs.join(',') },
  { title: 'SINCE', text: ({ since }) => since },
];

/** For people and for grep: one line for each row. */
export function renderTable(rows: readonly ReportRow[], colours: boolean): string {
  return renderTextTable(rows, COLUMNS, colours);
}

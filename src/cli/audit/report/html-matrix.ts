import type { ConfigMapSync } from '../../../api/v1alpha1/config-map-sync.js';
import { isRefused, type ReportRow, type SyncFindings, STATE_INFO } from './report-row.js';
import { markup, type Markup } from './markup.js';

/** ConfigMapSyncs by target namespaces; most cells of a large one are empty. */
export interface Matrix {
  namespaces: string[];
  lines: { sync: ConfigMapSync; cells: ReadonlyMap<string, ReportRow> }[];
  /** What was left out because it would be too much to look at. */
  extent: 'everything' | 'refused' | 'most refused';
}

/** More cells than this are slow to draw, and nobody looks through them. */
const MAX_CELLS = 12_000;
const MAX_LINES = 150;

/** Where all of it would be too much: what is refused somewhere, and if that is too much still, where most is. */
export function matrixOf(findings: readonly SyncFindings[], maxCells = MAX_CELLS): Matrix {
  const lines = findings.map(({ sync, rows }) => ({
    sync,
    cells: new Map(rows.filter(hasTarget).map((row) => [row.targetNamespace, row])),
  }));
  const rows = findings.flatMap((finding) => finding.rows).filter(hasTarget);
  const namespaces = [...new Set(rows.map(({ targetNamespace }) => targetNamespace))].sort();
  if (namespaces.length * lines.length <= maxCells) return { namespaces, lines, extent: 'everything' };

  const refusals = Map.groupBy(rows.filter(isRefused), ({ targetNamespace }) => targetNamespace);
  const refused = namespaces.filter((namespace) => refusals.has(namespace));
  const refusedLines = lines.filter(({ cells }) => refusalsIn(cells) > 0);
  if (refused.length * refusedLines.length <= maxCells) {
    return { namespaces: refused, lines: refusedLines, extent: 'refused' };
  }
  const most = <T>(items: readonly T[], count: (item: T) => number, limit: number): Set<T> =>
    new Set(items.toSorted((a, b) => count(b) - count(a)).slice(0, limit));
  const worstLines = most(refusedLines, ({ cells }) => refusalsIn(cells), MAX_LINES);
  const columns = Math.floor(maxCells / worstLines.size);
  const worst = most(refused, (namespace) => refusals.get(namespace)?.length ?? 0, columns);
  return {
    namespaces: refused.filter((namespace) => worst.has(namespace)),
    lines: refusedLines.filter((line) => worstLines.has(line)),
    extent: 'most refused',
  };
}

function hasTarget({ targetNamespace }: ReportRow): boolean {
  return targetNamespace !== '';
}

function refusalsIn(cells: ReadonlyMap<string, ReportRow>): number {
  return [...cells.values()].filter(isRefused).length;
}

const EXTENTS: Record<Matrix['extent'], string> = {
  everything: 'Each ConfigMapSync by each target namespace.',
  refused: 'There is too much for one picture: only ConfigMapSyncs and namespaces where something is denied.',
  'most refused':
    'There is too much for one picture: only ConfigMapSyncs and namespaces where most is denied.',
};

/** A matrix of more lines than about fit its frame is drawn when it comes into sight. */
const LARGE = 20;

/** ConfigMapSyncs down, namespaces across; both headings stay in sight. */
export function renderMatrix({ namespaces, lines, extent }: Matrix): Markup {
  if (namespaces.length === 0) return markup``;
  return markup`<section aria-labelledby="matrix-title">
<h2 id="matrix-title">Who syncs where</h2>
<p class="note" id="matrix-note">${EXTENTS[extent]} An empty cell is no target.</p>
<div class="${lines.length > LARGE ? 'scroller large' : 'scroller'}" role="region" aria-labelledby="matrix-title" tabindex="0">
<table id="matrix" aria-describedby="matrix-note">
<caption class="unseen">State of each ConfigMapSync in each target namespace</caption>
<thead><tr><th scope="col"><span class="unseen">ConfigMapSync</span></th>${namespaces.map((namespace) => markup`<th scope="col" title="${namespace}"><span>${namespace}</span></th>`)}</tr></thead>
<tbody>
${lines.map(({ sync, cells }) => {
  const { namespace = '', name } = sync.metadata;
  return markup`<tr><th scope="row" title="${namespace}/${name}"><span class="tenant">${namespace}/</span>${name}</th>${namespaces.map((target) => cell(cells.get(target)))}</tr>\n`;
})}</tbody>
</table>
</div>
</section>`;
}

function cell(row: ReportRow | undefined): Markup {
  if (row === undefined) return markup`<td></td>`;
  const { symbol, tone } = STATE_INFO[row.state];
  const verbs = row.missingVerbs.length > 0 ? `: ${row.missingVerbs.join(', ')} missing` : '';
  const told = `${row.state}${verbs}`;
  return markup`<td class="${tone}" data-state="${row.state}" data-refused="${isRefused(row) ? 'yes' : 'no'}" aria-label="${told}" title="${row.namespace}/${row.name} in ${row.targetNamespace}: ${told}">${symbol}</td>`;
}

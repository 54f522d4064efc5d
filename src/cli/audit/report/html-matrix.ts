import { markup, type Markup } from './markup.js';
import type { Matrix } from './matrix.js';
import { isRefused, type ReportRow } from './report-row.js';
import { STATE_INFO } from './state-info.js';

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

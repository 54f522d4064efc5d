import type { TargetState } from '../../../api/v1alpha1/config-map-sync-status.js';
import { markup, type Markup } from './markup.js';
import { isRefused, STATE_INFO, type ReportRow, type SyncFindings } from './report-row.js';

/** How many there are of what: figures, one bar, and what the states mean. */
export function renderSummary(findings: readonly SyncFindings[]): Markup {
  const all = findings.flatMap((finding) => finding.rows);
  const rows = all.filter(({ targetNamespace }) => targetNamespace !== '');
  const counts = countsOf(rows);
  const refused = all.filter(isRefused).length;
  const tenants = new Set(findings.map(({ sync }) => sync.metadata.namespace)).size;
  const wanted = rows.length - (counts.get('Skipped') ?? 0);
  const synced = counts.get('Synced') ?? 0;
  const others = wanted - synced - rows.filter(isRefused).length;
  return markup`<section aria-labelledby="totals-title">
<h2 id="totals-title">Totals</h2>
<dl class="figures">
${figure('tenants', tenants)}
${figure('ConfigMapSyncs', findings.length)}
${figure('targets', wanted)}
${figure('in step', synced, 'good')}
${figure('denied', refused, refused > 0 ? 'bad' : 'good')}
${figure('in other states', Math.max(others, 0), others > 0 ? 'warn' : 'good')}
</dl>
${rows.length > 0 ? bar(counts, rows.length) : ''}
<ul class="legend" aria-label="States">
${[...counts].map(
  ([state, number]) =>
    markup`<li><span class="number">${grouped(number)}</span> ${badge(state)} <span class="meaning">${STATE_INFO[state].meaning}</span></li>\n`,
)}</ul>
</section>`;
}

/** How many rows there are of each state that occurs, in the order of interest. */
function countsOf(rows: readonly ReportRow[]): Map<TargetState, number> {
  const states = Map.groupBy(rows, ({ state }) => state);
  const order = (Object.keys(STATE_INFO) as TargetState[]).filter((state) => states.has(state));
  return new Map(order.map((state) => [state, states.get(state)?.length ?? 0]));
}

/** A state as a coloured word with its symbol. */
export function badge(state: TargetState): Markup {
  const { symbol, tone } = STATE_INFO[state];
  return markup`<span class="badge ${tone}"><span aria-hidden="true">${symbol}</span> ${state}</span>`;
}

/** `12,345`. */
export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

function figure(title: string, count: number, tone = 'plain'): Markup {
  return markup`<div class="${tone}"><dt>${title}</dt><dd>${grouped(count)}</dd></div>`;
}

/** A drawing, since the page's policy allows no style attributes. Each share that is there at all can be seen. */
function bar(counts: ReadonlyMap<TargetState, number>, total: number): Markup {
  let x = 0;
  const parts = [...counts].map(([state, count]) => {
    const width = (count / total) * 1000;
    const rect = markup`<rect class="${STATE_INFO[state].tone}" x="${x.toFixed(2)}" y="0" width="${Math.max(width - 2, 1.5).toFixed(2)}" height="12"></rect>`;
    x += width;
    return rect;
  });
  const words = [...counts]
    .map(([state, count]) => `${state} ${((count / total) * 100).toFixed(1)} %`)
    .join(', ');
  return markup`<svg class="bar" role="img" aria-label="Shares: ${words}" viewBox="0 0 1000 12" preserveAspectRatio="none">${parts}</svg>`;
}

/** More suggestions than this help nobody, and the field takes any part of a name. */
const MAX_SUGGESTIONS = 500;

/** Without a script there is nothing to filter with: the script shows the form. */
export function renderFilters(rows: readonly ReportRow[]): Markup {
  const tenants = [...Map.groupBy(rows, ({ namespace }) => namespace)].sort(([a], [b]) => (a < b ? -1 : 1));
  const targets = [...new Set(rows.map(({ targetNamespace }) => targetNamespace))].sort();
  return markup`<form id="filters" role="search" aria-label="Filter the report" hidden>
<label>Tenant
<select name="tenant"><option value="">all tenants</option>
${tenants.map(([tenant, own]) => markup`<option value="${tenant}">${tenant} (${grouped(own.length)})</option>\n`)}</select></label>
<label>State
<select name="state"><option value="">all states</option>
<option value="refused">denied or stale (${grouped(rows.filter(isRefused).length)})</option>
${[...countsOf(rows)].map(([state, count]) => markup`<option value="${state}">${state} (${grouped(count)})</option>\n`)}</select></label>
<label>Target namespace
<input type="search" name="target" list="targets" placeholder="part of its name" autocomplete="off" spellcheck="false"></label>
<datalist id="targets">${targets.slice(0, MAX_SUGGESTIONS).map((target) => markup`<option value="${target}"></option>`)}</datalist>
<button type="reset">Show all</button>
<output id="shown" aria-live="polite">${grouped(rows.length)} of ${grouped(rows.length)} shown</output>
</form>`;
}

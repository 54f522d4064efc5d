import { grouped } from './html-summary.js';
import { markup, type Markup } from './markup.js';
import { isRefused, type ReportRow } from './report-row.js';
import { STATES_BY_INTEREST } from './state-info.js';

/** More suggestions than this help nobody, and the field takes any part of a name. */
const MAX_SUGGESTIONS = 500;

/** Without a script there is nothing to filter with: the script shows the form. */
export function renderFilters(rows: readonly ReportRow[]): Markup {
  const tenants = [...Map.groupBy(rows, ({ namespace }) => namespace)].sort(([a], [b]) => (a < b ? -1 : 1));
  const states = Map.groupBy(rows, ({ state }) => state);
  const targets = [...new Set(rows.map(({ targetNamespace }) => targetNamespace))].sort();
  return markup`<form id="filters" role="search" aria-label="Filter the report" hidden>
<label>Tenant
<select name="tenant"><option value="">all tenants</option>
${tenants.map(([tenant, own]) => markup`<option value="${tenant}">${tenant} (${grouped(own.length)})</option>\n`)}</select></label>
<label>State
<select name="state"><option value="">all states</option>
<option value="refused">denied or stale (${grouped(rows.filter(isRefused).length)})</option>
${STATES_BY_INTEREST.filter((state) => states.has(state)).map(
  (state) =>
    markup`<option value="${state}">${state} (${grouped(states.get(state)?.length ?? 0)})</option>\n`,
)}</select></label>
<label>Target namespace
<input type="search" name="target" list="targets" placeholder="part of its name" autocomplete="off" spellcheck="false"></label>
<datalist id="targets">${targets.slice(0, MAX_SUGGESTIONS).map((target) => markup`<option value="${target}"></option>`)}</datalist>
<button type="reset">Show all</button>
<output id="shown" aria-live="polite">${grouped(rows.length)} of ${grouped(rows.length)} shown</output>
</form>`;
}

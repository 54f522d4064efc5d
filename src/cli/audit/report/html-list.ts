import type { ConfigMapSync } from '../../../api/v1alpha1/config-map-sync.js';
import { toYaml } from '../../../tenant/token-grant.js';
import { wordsOf } from '../../../sync/messages.js';
import { badge, grouped } from './html-summary.js';
import { markup, type Markup, utc } from './markup.js';
import { remedyFor } from './required-rbac.js';
import { isRefused, type ReportRow } from './report-row.js';

/** A browser leaves out what is not on the screen by such portions: see `content-visibility` in the style. */
const PORTION = 50;

/** What is denied, and what mends it. */
export function renderRefusals(
  refused: readonly { sync: ConfigMapSync; row: ReportRow }[],
  operator: string,
): Markup {
  const lines = refused.map(({ sync, row }) =>
    line(row, missingVerbs(row), remedy(row, remedyFor(sync, row, operator))),
  );
  const caption = 'Every target where a right is missing';
  return markup`<section id="denied" aria-labelledby="denied-title" tabindex="-1">
<h2 id="denied-title">Denied</h2>
${lines.length === 0 ? markup`<p class="all-well">Nothing is denied.</p>` : table(caption, 'refusals', ['Missing verbs', 'What mends it'], lines)}
</section>`;
}

/** Every other target. */
export function renderList(rows: readonly ReportRow[]): Markup {
  const lines = rows.map((row) => line(row, reason(row)));
  return markup`<section aria-labelledby="others-title">
<h2 id="others-title">All other targets</h2>
${lines.length === 0 ? markup`<p>There is no other target.</p>` : table('Every other target', 'others', ['Reason'], lines)}
</section>`;
}

/** Roles are said although these are table elements: laid out as a grid, a browser would no longer take them for a table. */
function table(caption: string, kind: string, details: readonly string[], lines: readonly Markup[]): Markup {
  const columns = ['ConfigMapSync', 'ServiceAccount', 'Target namespace', 'State', 'Since (UTC)', ...details];
  const portions = Map.groupBy(lines, (_, index) => Math.floor(index / PORTION));
  const bodies = [...portions.values()].map((portion) => {
    // Of any other size, the browser would take it for taller than it is.
    const size = portion.length === PORTION ? 'full' : 'rest';
    return markup`<tbody role="rowgroup" class="${size}">\n${portion}</tbody>\n`;
  });
  return markup`<table role="table" class="list ${kind}">
<caption>${caption}: ${grouped(lines.length)}</caption>
<thead role="rowgroup"><tr role="row">${columns.map((column) => markup`<th role="columnheader" scope="col">${column}</th>`)}</tr></thead>
${bodies}</table>
<p class="none" hidden>None that the filter lets through.</p>`;
}

function line(row: ReportRow, detail: Markup, more: Markup | '' = ''): Markup {
  const { namespace, name, serviceAccount, targetNamespace, state, since } = row;
  return markup`<tr role="row" data-tenant="${namespace}" data-state="${state}" data-target="${targetNamespace}" data-refused="${isRefused(row) ? 'yes' : 'no'}"><th role="rowheader" scope="row"><span class="tenant">${namespace}/</span>${name}</th><td role="cell" class="account">${serviceAccount}</td><td role="cell" class="target">${targetNamespace || '(none known)'}</td><td role="cell">${badge(state)}</td><td role="cell" class="since">${time(since)}</td><td role="cell">${detail}</td>${more}</tr>
`;
}

function missingVerbs({ missingVerbs: verbs, reason }: ReportRow): Markup {
  if (verbs.length === 0) return markup`<span class="reason">${reason}</span>`;
  return markup`${verbs.map((verb) => markup`<code class="verb">${verb}</code> `)}`;
}

function reason({ reason: word, message, state }: ReportRow): Markup {
  const isTold = message !== '' && state !== 'Synced';
  return markup`<span class="reason">${word}</span>${isTold ? markup`<span class="message">${message}</span>` : ''}`;
}

function remedy(row: ReportRow, manifests: readonly object[]): Markup {
  const { words, hasManifests } = wordsOf(row.message);
  if (manifests.length === 0) return markup`<td role="cell" class="remedy">${sentence(row.message)}</td>`;
  const where = row.targetNamespace === '' ? row.namespace : row.targetNamespace;
  return markup`<td role="cell" class="remedy">${sentence(hasManifests ? `${words} what config-weaver grant prints` : words)}<details><summary>RBAC that mends it</summary><pre tabindex="0" aria-label="Manifests for ${row.namespace}/${row.name} in ${where}">${toYaml(manifests)}</pre></details><button type="button" class="copy" hidden>Copy RBAC<span class="unseen"> for ${row.namespace}/${row.name} in ${where}</span></button></td>`;
}

function sentence(text: string): Markup | '' {
  return text && markup`<p class="message">${text}</p>`;
}

function time(since: string): Markup | string {
  const at = new Date(since);
  if (Number.isNaN(at.getTime())) return since;
  return markup`<time datetime="${since}">${utc(at).replace(' UTC', '')}</time>`;
}

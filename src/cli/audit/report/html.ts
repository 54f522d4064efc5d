import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { renderFilters, renderSummary } from './html-summary.js';
import { renderList, renderRefusals } from './html-list.js';
import { renderMatrix, matrixOf } from './html-matrix.js';
import { Markup, markup, utc } from './markup.js';
import { isRefused, type SyncFindings } from './report-row.js';

/** Put in place by the bundler, because a bundle has no such files beside it. */
declare const CONFIG_WEAVER_REPORT_STYLE: string | undefined;
declare const CONFIG_WEAVER_REPORT_SCRIPT: string | undefined;

export const STYLE =
  typeof CONFIG_WEAVER_REPORT_STYLE === 'string' ? CONFIG_WEAVER_REPORT_STYLE : readSource('report.css');
export const SCRIPT =
  typeof CONFIG_WEAVER_REPORT_SCRIPT === 'string' ? CONFIG_WEAVER_REPORT_SCRIPT : readSource('report.js');

/** The compiler leaves out what is not TypeScript: from its output folder, the file is where it was written. */
function readSource(name: string): string {
  return readFileSync(new URL(`../../../../../src/cli/audit/report/${name}`, import.meta.url), 'utf8');
}

export interface HtmlReport {
  findings: readonly SyncFindings[];
  /** The operator's user name. */
  operator: string;
  /** URL of the API server. */
  server: string;
  /** Undefined: all. */
  namespace: string | undefined;
  at: Date;
}

/**
 * The report as one file that needs nothing else: no network, no other file, and no script to be read (it filters and
 * copies). The policy in its head lets nothing run but the script and the style that are in it.
 */
export function renderHtml(report: HtmlReport): string {
  const { findings } = report;
  const rows = findings.flatMap((finding) => finding.rows);
  const refused = findings.flatMap(({ sync, rows: own }) =>
    own.filter(isRefused).map((row) => ({ sync, row })),
  );
  const scope = report.namespace === undefined ? 'all namespaces' : `namespace ${report.namespace}`;
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>Who may sync what where: ${scope}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<a class="skip" href="#denied">Skip to what is denied</a>
<header>
<p class="product">config-weaver</p>
<h1>Who may sync what where</h1>
<p class="scope">ConfigMapSyncs of <strong>${scope}</strong> on <strong>${report.server}</strong>, as they stood at <time datetime="${report.at.toISOString()}">${utc(report.at)}</time></p>
</header>
<main>
${renderSummary(findings)}
${renderFilters(rows)}
${renderRefusals(refused, report.operator)}
${renderMatrix(matrixOf(findings))}
${renderList(rows.filter((row) => !isRefused(row)))}
</main>
<footer><p>Made by <code>config-weaver audit -o html</code> with the rights of whoever ran it. It shows what the status of each ConfigMapSync said at that time.</p></footer>
<script>${new Markup(SCRIPT)}</script>
</body>
</html>
`;
  return page.toString();
}

/** Script and style are known by their digests: markup that somebody smuggled in could run neither. */
function policy(): string {
  const digest = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  return [
    "default-src 'none'",
    `script-src ${digest(SCRIPT)}`,
    `style-src ${digest(STYLE)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

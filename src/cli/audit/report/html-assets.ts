import { readFileSync } from 'node:fs';

/** Put in place by the bundler, because a bundle has no such files beside it. */
declare const CONFIG_WEAVER_REPORT_STYLE: string | undefined;
declare const CONFIG_WEAVER_REPORT_SCRIPT: string | undefined;

/** The report's style sheet. */
export const STYLE =
  typeof CONFIG_WEAVER_REPORT_STYLE === 'string' ? CONFIG_WEAVER_REPORT_STYLE : readSource('report.css');

/** The report's script. */
export const SCRIPT =
  typeof CONFIG_WEAVER_REPORT_SCRIPT === 'string' ? CONFIG_WEAVER_REPORT_SCRIPT : readSource('report.js');

/** The compiler leaves out what is not TypeScript: from its output folder, the file is where it was written. */
function readSource(name: string): string {
  return readFileSync(new URL(`../../../../../src/cli/audit/report/${name}`, import.meta.url), 'utf8');
}

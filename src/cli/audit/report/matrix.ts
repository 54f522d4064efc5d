import type { ConfigMapSync } from '../../../api/v1alpha1/config-map-sync.js';
import { isRefused, type ReportRow, type SyncFindings } from './report-row.js';

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

  const refusals = new Map<string, number>();
  for (const { targetNamespace } of rows.filter(isRefused)) {
    refusals.set(targetNamespace, (refusals.get(targetNamespace) ?? 0) + 1);
  }
  const refused = namespaces.filter((namespace) => refusals.has(namespace));
  const refusedLines = lines.filter(({ cells }) => refusalsIn(cells) > 0);
  if (refused.length * refusedLines.length <= maxCells) {
    return { namespaces: refused, lines: refusedLines, extent: 'refused' };
  }
  const worstLines = new Set(
    refusedLines.toSorted((a, b) => refusalsIn(b.cells) - refusalsIn(a.cells)).slice(0, MAX_LINES),
  );
  const columns = Math.floor(maxCells / worstLines.size);
  const worst = new Set(
    refused.toSorted((a, b) => (refusals.get(b) ?? 0) - (refusals.get(a) ?? 0)).slice(0, columns),
  );
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

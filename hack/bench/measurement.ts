/** One thing that was measured, in each of several runs. */
export interface Measurement {
  name: string;
  unit: 'ms' | 'MB' | 'requests' | 'x';
  /** In the order in which they were taken: the first one is often the slowest. */
  runs: readonly number[];
  /** What the median should stay below. */
  target?: number;
}

/** The middle one, or the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? NaN) + upper) / 2 : upper;
}

export function meetsTarget({ runs, target }: Measurement): boolean {
  return target === undefined || median(runs) < target;
}

/** Lines of a table with median, range and target. */
export function renderTable(measurements: readonly Measurement[]): string[] {
  const rows = measurements.map((measurement) => {
    const { name, unit, runs, target } = measurement;
    return [
      name,
      `${format(median(runs))} ${unit}`,
      runs.length === 1 ? '' : `${format(Math.min(...runs))} … ${format(Math.max(...runs))}`,
      target === undefined ? '' : `< ${format(target)} ${unit}`,
      target === undefined ? '' : meetsTarget(measurement) ? 'met' : 'MISSED',
    ];
  });
  const table = [['', 'median', 'range', 'target', ''], ...rows];
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  return table.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('   ')
      .trimEnd(),
  );
}

function format(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}

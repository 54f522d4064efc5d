const UNITS = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 } as const;
type Unit = keyof typeof UNITS;

const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/gy;

/**
 * Reads a duration as Go writes it (`30s`, `1m30s`, `1.5h`, `0`), for flags that look like every other operator's.
 * A sign is refused: nothing here waits for less than nothing.
 * @returns milliseconds, fractions included
 * @throws Error with what to write instead
 */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  let milliseconds = 0;
  let end = 0;
  for (const part of text.matchAll(PART)) {
    milliseconds += Number(part[1]) * UNITS[part[2] as Unit];
    end = part.index + part[0].length;
  }
  if (end === 0 || end !== text.length || !Number.isFinite(milliseconds)) {
    throw new Error('Write a number and a unit (ms, s, m, h), such as 30s or 1m30s.');
  }
  return milliseconds;
}

/** The shortest spelling that {@link parseDuration} reads back: `1m30s`, `10m`, `250ms`, `0s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0s';
  if (milliseconds < 1000) return `${milliseconds}ms`;
  const hours = Math.floor(milliseconds / UNITS.h);
  const minutes = Math.floor((milliseconds % UNITS.h) / UNITS.m);
  const seconds = (milliseconds % UNITS.m) / UNITS.s;
  return [hours && `${hours}h`, minutes && `${minutes}m`, seconds && `${seconds}s`].filter(Boolean).join('');
}

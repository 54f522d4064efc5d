import type { Figures } from './figures.js';

/** So much may the heap of an operator without ConfigMapSyncs grow: compiled code, and what is bounded and still fills. */
const HEAP_SHARE = 0.1;
const HEAP_BYTES = 4_000_000;
/** Connections come and go. */
const RESOURCES = 20;

/**
 * What grew from round to round, in words, although nothing remains of any round. The first round is for warming up; of the
 * others, the least of the second half is compared with the least of the first, so that no moment counts.
 */
export function growthOf(measured: readonly Figures[]): string[] {
  const warm = measured.length > 2 ? measured.slice(1) : measured;
  const middle = Math.ceil(warm.length / 2);
  const [early, late] = [warm.slice(0, middle), warm.slice(middle)];
  if (late.length === 0) return [];
  const heap = (rounds: readonly Figures[]): number => Math.min(...rounds.map(({ heapBytes }) => heapBytes));
  const total = ({ resources }: Figures): number =>
    Object.values(resources).reduce((sum, count) => sum + count, 0);
  const resources = (rounds: readonly Figures[]): number => Math.min(...rounds.map(total));
  const problems: string[] = [];
  if (heap(late) > heap(early) * (1 + HEAP_SHARE) + HEAP_BYTES) {
    problems.push(`the heap grew from ${heap(early)} to ${heap(late)} bytes`);
  }
  if (resources(late) > resources(early) + RESOURCES) {
    const list = JSON.stringify(measured.map((figures) => figures.resources));
    problems.push(`timers and sockets grew from ${resources(early)} to ${resources(late)}: ${list}`);
  }
  return problems;
}

/** What is still held where there is no ConfigMapSync, in words. */
export function leftoversOf({ watches, tokens, series }: Figures): string[] {
  return [
    ...(watches > 0 ? [`${watches} watches are open without a ConfigMapSync`] : []),
    ...(tokens > 0 ? [`${tokens} tokens are in memory without a ConfigMapSync`] : []),
    ...series.map((one) => `there is a series without a ConfigMapSync: ${one}`),
  ];
}

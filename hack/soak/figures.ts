import { parseSamples } from '../../test/support/metric-samples.js';
import type { RunningOperator } from '../../test/support/operator.js';
import type { HeapProbe } from './heap-probe.js';

/** What an operator holds at one moment, after a garbage collection. */
export interface Figures {
  residentBytes: number;
  /** JavaScript's heap, with what it holds outside of it. */
  heapBytes: number;
  watches: number;
  tokens: number;
  /** Series that name something of these tenants, but for those that last as long as the process. */
  series: string[];
  /** Timers, sockets and the like that keep the event loop alive. */
  resources: Record<string, number>;
}

/** Documented to end with the process only, and bounded. */
const LASTING = 'configweaver_cleanups_abandoned_total';

/** @param prefix That of the tenants' namespaces. */
export async function figuresOf(
  operator: RunningOperator,
  probe: HeapProbe,
  prefix: string,
): Promise<Figures> {
  const { text } = await operator.get('metrics', '/metrics');
  const samples = parseSamples(text);
  const sum = (name: string): number =>
    samples.filter(({ metric }) => metric === name).reduce((total, { value }) => total + value, 0);
  const series = samples
    .filter(({ metric }) => metric !== LASTING)
    .filter(({ labels }) => Object.values(labels).some((value) => value.startsWith(prefix)))
    .map(({ metric, labels }) => `${metric}${JSON.stringify(labels)}`);
  const { heapBytes, resources } = await probe.measure(operator.pid);
  return {
    residentBytes: await operator.residentBytes(),
    heapBytes,
    watches: sum('configweaver_watches'),
    tokens: sum('configweaver_cached_tokens'),
    series,
    resources: countsOf(resources),
  };
}

export function describe({ residentBytes, heapBytes, watches, tokens, series, resources }: Figures): string {
  const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`;
  const timers = resources.Timeout ?? 0;
  return `RSS ${megabytes(residentBytes)}, heap ${megabytes(heapBytes)}, ${watches} watches, ${tokens} tokens, ${series.length} series, ${timers} timers`;
}

function countsOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

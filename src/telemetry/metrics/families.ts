import { Counter, Gauge, Histogram, type LabelValues, Registry } from 'prom-client';
import { FairSeries } from './fair-series.js';

/** A registry that makes its metrics. */
export class Families extends Registry {
  /** By metric: how many series of tenants are not exposed. */
  readonly dropped = new Map<string, () => number>();

  counter<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this] });
  }

  gauge<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this] });
  }

  /** A metric that has, at each scrape, just the series that `sample` returns then. */
  sampled<L extends string = never>(
    name: string,
    help: string,
    labelNames: readonly L[],
    sample: () => readonly (readonly [LabelValues<L>, number])[],
    type: 'counter' | 'gauge' = 'gauge',
  ): void {
    const options = { name, help, labelNames, registers: [this] };
    const Metric = type === 'gauge' ? Gauge<L> : Counter<L>;
    new Metric({
      ...options,
      collect(this: Gauge<L> | Counter<L>) {
        this.reset();
        // Of no series yet: it becomes the value.
        for (const [labels, value] of sample()) this.inc(labels, value);
      },
    });
  }

  /** Of the series of tenants, at most `limit` are exposed. */
  fair<L extends string>(
    type: 'counter' | 'gauge',
    name: string,
    help: string,
    labelNames: readonly L[],
    limit: number,
  ): FairSeries<L> {
    const series = new FairSeries<L>(limit);
    this.sampled(name, help, labelNames, () => series.exposed(), type);
    this.dropped.set(name, () => series.dropped);
    return series;
  }

  histogram<L extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly L[] = [],
  ): Histogram<L> {
    return new Histogram({ name, help, labelNames, buckets, registers: [this] });
  }
}

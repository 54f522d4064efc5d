import { Counter, Gauge, Histogram, type LabelValues, Registry } from 'prom-client';

/** A registry that makes its metrics. */
export class Families extends Registry {
  counter<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this] });
  }

  gauge<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this] });
  }

  /** A gauge that has, at each scrape, just the series that `sample` returns then. */
  sampled<L extends string = never>(
    name: string,
    help: string,
    labelNames: readonly L[],
    sample: () => [LabelValues<L>, number][],
  ): void {
    new Gauge({
      ...{ name, help, labelNames, registers: [this] },
      collect() {
        this.reset();
        for (const [labels, value] of sample()) this.set(labels, value);
      },
    });
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

import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { QueueObserver, WorkQueue } from '../../k8s/controller/work-queue.js';

/** What a queue knows at the time of a scrape. */
export type MeasuredQueue = Pick<WorkQueue, 'unfinishedWorkSeconds' | 'longestRunningProcessorSeconds'>;

/** Seconds; client-go's. */
const BUCKETS = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000];
/** controller-runtime names a queue by its controller, and says so twice. */
const LABELS = ['name', 'controller'] as const;
type Label = (typeof LABELS)[number];

/** The `workqueue_*` metrics of client-go, with controller-runtime's labels. */
export class QueueMetrics {
  readonly #depth: Gauge<Label>;
  readonly #adds: Counter<Label>;
  readonly #retries: Counter<Label>;
  readonly #queueSeconds: Histogram<Label>;
  readonly #workSeconds: Histogram<Label>;
  readonly #measured = new Map<string, MeasuredQueue>();

  constructor(registry: Registry) {
    const common = { labelNames: LABELS, registers: [registry] };
    this.#depth = new Gauge({ name: 'workqueue_depth', help: 'Keys that wait for a worker.', ...common });
    this.#adds = new Counter({ name: 'workqueue_adds_total', help: 'Keys added.', ...common });
    this.#retries = new Counter({
      name: 'workqueue_retries_total',
      help: 'Keys added after a failure.',
      ...common,
    });
    this.#queueSeconds = new Histogram({
      name: 'workqueue_queue_duration_seconds',
      help: 'How long keys wait for a worker.',
      buckets: BUCKETS,
      ...common,
    });
    this.#workSeconds = new Histogram({
      name: 'workqueue_work_duration_seconds',
      help: 'How long workers are busy with a key.',
      buckets: BUCKETS,
      ...common,
    });
    const measured = this.#measured;
    new Gauge({
      name: 'workqueue_unfinished_work_seconds',
      help: 'How long workers have been busy with what they are at now, in sum: grows when one is stuck.',
      ...common,
      collect() {
        for (const [name, queue] of measured) this.set(labels(name), queue.unfinishedWorkSeconds);
      },
    });
    new Gauge({
      name: 'workqueue_longest_running_processor_seconds',
      help: 'How long the slowest worker has been busy with what it is at now.',
      ...common,
      collect() {
        for (const [name, queue] of measured) this.set(labels(name), queue.longestRunningProcessorSeconds);
      },
    });
  }

  /** For the queue of that controller. Its series are there at once, with zeros. */
  observer(controller: string): QueueObserver {
    const names = labels(controller);
    this.#depth.set(names, 0);
    this.#adds.inc(names, 0);
    this.#retries.inc(names, 0);
    this.#queueSeconds.zero(names);
    this.#workSeconds.zero(names);
    return {
      depth: (length) => this.#depth.set(names, length),
      added: () => this.#adds.inc(names),
      taken: (seconds) => this.#queueSeconds.observe(names, Math.max(0, seconds)),
      finished: (seconds) => this.#workSeconds.observe(names, Math.max(0, seconds)),
      retried: () => this.#retries.inc(names),
    };
  }

  /** Asks the queue of that controller at each scrape what only it knows. */
  measure(controller: string, queue: MeasuredQueue): void {
    this.#measured.set(controller, queue);
  }
}

function labels(controller: string): Record<Label, string> {
  return { name: controller, controller };
}

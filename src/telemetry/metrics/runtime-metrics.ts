import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ReconcileObserver } from '../../k8s/controller/controller.js';
import type { RequestObserver } from '../../k8s/client/rest-types.js';
import type { QueueObserver } from '../../k8s/controller/work-queue.js';
import { type MeasuredQueue, QueueMetrics, ReconcileMetrics } from './controller-metrics.js';

/** Seconds; client-go's. */
const REQUEST_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];

/**
 * What controller-runtime and client-go export of themselves, by their names, labels and buckets, so that
 * dashboards and alerts made for any operator work for this one.
 */
export class RuntimeMetrics implements RequestObserver {
  readonly #queues: QueueMetrics;
  readonly #controllers: ReconcileMetrics;
  readonly #requests: Counter<'code' | 'method' | 'host'>;
  readonly #requestSeconds: Histogram<'verb' | 'host'>;
  readonly #leader: Gauge<'name'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#queues = new QueueMetrics(registry);
    this.#controllers = new ReconcileMetrics(registry);
    this.#requests = new Counter({
      name: 'rest_client_requests_total',
      help: 'Requests to the API server, by status code, method and host.',
      labelNames: ['code', 'method', 'host'],
      registers,
    });
    this.#requestSeconds = new Histogram({
      name: 'rest_client_request_duration_seconds',
      help: "Time to the head of the API server's answer, by method and host.",
      labelNames: ['verb', 'host'],
      buckets: REQUEST_BUCKETS,
      registers,
    });
    this.#leader = new Gauge({
      name: 'leader_election_master_status',
      help: '1 while this process leads, 0 while it stands by.',
      labelNames: ['name'],
      registers,
    });
  }

  /** For the queue of that controller. */
  queue(controller: string): QueueObserver {
    return this.#queues.observer(controller);
  }

  /** Asks the queue of that controller at each scrape for what is stuck in it. */
  measureQueue(controller: string, queue: MeasuredQueue): void {
    this.#queues.measure(controller, queue);
  }

  controller(name: string): ReconcileObserver {
    return this.#controllers.observer(name);
  }

  /** `lease` is the Lease's name. Without a leader election, the process leads. */
  setLeader(lease: string, leads: boolean): void {
    this.#leader.set({ name: lease }, leads ? 1 : 0);
  }

  /** The host is the only label that is not from a closed set, and there is one API server: no path, no namespace. */
  observe({ method, host, code, seconds }: Parameters<RequestObserver['observe']>[0]): void {
    this.#requests.inc({ code, method, host });
    this.#requestSeconds.observe({ verb: method, host }, Math.max(0, seconds));
  }
}

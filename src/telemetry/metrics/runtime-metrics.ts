import type { Counter, Gauge, Histogram } from 'prom-client';
import type { ReconcileObserver } from '../../k8s/controller/controller.js';
import type { RequestObserver } from '../../k8s/client/rest-types.js';
import type { QueueObserver } from '../../k8s/controller/work-queue.js';
import { type MeasuredQueue, queueMetrics, reconcileObservers } from './controller-metrics.js';
import type { Families } from './families.js';

/** Seconds; client-go's. */
const REQUEST_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];

/**
 * What controller-runtime and client-go export of themselves, by their names, labels and buckets, so that
 * dashboards and alerts made for any operator work for this one.
 */
export class RuntimeMetrics implements RequestObserver {
  readonly #queues: ReturnType<typeof queueMetrics>;
  readonly #requests: Counter<'code' | 'method' | 'host'>;
  readonly #requestSeconds: Histogram<'verb' | 'host'>;
  readonly #leader: Gauge<'name'>;
  readonly controller: (name: string) => ReconcileObserver;

  constructor(families: Families) {
    this.#queues = queueMetrics(families);
    this.controller = reconcileObservers(families);
    this.#requests = families.counter(
      'rest_client_requests_total',
      'Requests to the API server, by status code, method and host.',
      ['code', 'method', 'host'],
    );
    this.#requestSeconds = families.histogram(
      'rest_client_request_duration_seconds',
      "Time to the head of the API server's answer, by method and host.",
      REQUEST_BUCKETS,
      ['verb', 'host'],
    );
    const leads = '1 while this process leads, 0 while it stands by.';
    this.#leader = families.gauge('leader_election_master_status', leads, ['name']);
  }

  /** For the queue of that controller. */
  queue(controller: string): QueueObserver {
    return this.#queues.observer(controller);
  }

  /** Asks the queue of that controller at each scrape for what is stuck in it. */
  measureQueue(controller: string, queue: MeasuredQueue): void {
    this.#queues.measure(controller, queue);
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

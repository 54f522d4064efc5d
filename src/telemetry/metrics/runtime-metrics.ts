import type { ReconcileObserver, VisitResult } from '../../k8s/controller/controller.js';
import type { RequestObserver } from '../../k8s/client/rest-types.js';
import type { QueueObserver, WorkQueue } from '../../k8s/controller/work-queue.js';
import type { Families } from './families.js';

/** What a queue knows at the time of a scrape. */
type MeasuredQueue = Pick<WorkQueue, 'unfinishedWorkSeconds' | 'longestRunningProcessorSeconds'>;

/** Seconds; client-go's. */
const REQUEST_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];
const QUEUE_BUCKETS = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000];
/** Seconds; controller-runtime's. */
const RECONCILE_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5,
  1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];
const RESULTS = ['success', 'error', 'requeue', 'requeue_after'] satisfies VisitResult[];

/**
 * What controller-runtime and client-go export of themselves, by their names, labels and buckets, so that
 * dashboards and alerts made for any operator work for this one.
 */
export function runtimeMetrics(families: Families) {
  const queues = queueMetrics(families);
  const controller = reconcileObservers(families);
  const requests = requestMetrics(families);
  const leads = '1 while this process leads, 0 while it stands by.';
  const leader = families.gauge('leader_election_master_status', leads, ['name']);
  return {
    ...queues,
    ...requests,
    controller,
    /** `lease` is the Lease's name. Without a leader election, the process leads. */
    setLeader: (lease: string, isLeading: boolean) => leader.set({ name: lease }, isLeading ? 1 : 0),
  };
}

/** The `rest_client_*` metrics of client-go. */
function requestMetrics(families: Families): RequestObserver {
  const requests = families.counter(
    'rest_client_requests_total',
    'Requests to the API server, by status code, method and host.',
    ['code', 'method', 'host'],
  );
  const durations = families.histogram(
    'rest_client_request_duration_seconds',
    "Time to the head of the API server's answer, by method and host.",
    REQUEST_BUCKETS,
    ['verb', 'host'],
  );
  return {
    /** The host is the only label that is not from a closed set, and there is one API server: no path, no namespace. */
    observe({ method, host, code, seconds }) {
      requests.inc({ code, method, host });
      durations.observe({ verb: method, host }, Math.max(0, seconds));
    },
  };
}

/** The `workqueue_*` metrics of client-go, with controller-runtime's labels. */
function queueMetrics(families: Families) {
  /** controller-runtime names a queue by its controller, and says so twice. */
  const labels = ['name', 'controller'] as const;
  const depth = families.gauge('workqueue_depth', 'Keys that wait for a worker.', labels);
  const adds = families.counter('workqueue_adds_total', 'Keys added.', labels);
  const retries = families.counter('workqueue_retries_total', 'Keys added after a failure.', labels);
  const queueSeconds = families.histogram(
    'workqueue_queue_duration_seconds',
    'How long keys wait for a worker.',
    QUEUE_BUCKETS,
    labels,
  );
  const workSeconds = families.histogram(
    'workqueue_work_duration_seconds',
    'How long workers are busy with a key.',
    QUEUE_BUCKETS,
    labels,
  );
  const queues = new Map<string, MeasuredQueue>();
  const measured = (name: string, help: string, value: keyof MeasuredQueue): void => {
    families.sampled(name, help, labels, () =>
      [...queues].map(([controller, queue]) => [{ name: controller, controller }, queue[value]]),
    );
  };
  const unfinished =
    'How long workers have been busy with what they are at now, in sum: grows when one is stuck.';
  measured('workqueue_unfinished_work_seconds', unfinished, 'unfinishedWorkSeconds');
  const longest = 'How long the slowest worker has been busy with what it is at now.';
  measured('workqueue_longest_running_processor_seconds', longest, 'longestRunningProcessorSeconds');
  return {
    /** For the queue of that controller. Its series are there at once, with zeros. */
    queue(controller: string): QueueObserver {
      const names = { name: controller, controller };
      depth.set(names, 0);
      adds.inc(names, 0);
      retries.inc(names, 0);
      queueSeconds.zero(names);
      workSeconds.zero(names);
      return {
        depth: (length) => depth.set(names, length),
        added: () => adds.inc(names),
        taken: (seconds) => queueSeconds.observe(names, Math.max(0, seconds)),
        finished: (seconds) => workSeconds.observe(names, Math.max(0, seconds)),
        retried: () => retries.inc(names),
      };
    },
    /** Asks the queue of that controller at each scrape for what is stuck in it. */
    measureQueue: (controller: string, queue: MeasuredQueue) => void queues.set(controller, queue),
  };
}

/** The `controller_runtime_*` metrics of controller-runtime. */
function reconcileObservers(families: Families): (controller: string) => ReconcileObserver {
  const label = ['controller'] as const;
  const total = families.counter('controller_runtime_reconcile_total', 'Reconciles, by result.', [
    ...label,
    'result',
  ]);
  const errors = families.counter(
    'controller_runtime_reconcile_errors_total',
    'Reconciles that failed.',
    label,
  );
  const terminalErrors = families.counter(
    'controller_runtime_terminal_reconcile_errors_total',
    'Reconciles that failed in a way that no retry can mend.',
    label,
  );
  const times = families.histogram(
    'controller_runtime_reconcile_time_seconds',
    'How long reconciles take.',
    RECONCILE_BUCKETS,
    label,
  );
  const activeWorkers = families.gauge('controller_runtime_active_workers', 'Workers that are busy.', label);
  const maxWorkers = families.gauge(
    'controller_runtime_max_concurrent_reconciles',
    'Workers that there are.',
    label,
  );
  // The series are there at once, with zeros, so that the first error is an increase.
  return (controller) => {
    for (const result of RESULTS) total.inc({ controller, result }, 0);
    errors.inc({ controller }, 0);
    // Stays 0: every failed reconcile is tried again.
    terminalErrors.inc({ controller }, 0);
    times.zero({ controller });
    activeWorkers.set({ controller }, 0);
    return {
      started: (workers) => maxWorkers.set({ controller }, workers),
      active: (workers) => activeWorkers.set({ controller }, workers),
      reconciled: (result, seconds) => {
        total.inc({ controller, result });
        times.observe({ controller }, Math.max(0, seconds));
        if (result === 'error') errors.inc({ controller });
      },
    };
  };
}

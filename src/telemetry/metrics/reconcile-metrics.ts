import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ReconcileObserver, ReconcileOutcome } from '../../k8s/controller/controller.js';

/** Seconds; controller-runtime's. */
const BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5,
  1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];
const RESULTS = ['success', 'error', 'requeue', 'requeue_after'] satisfies ReconcileOutcome['result'][];

/** The `controller_runtime_*` metrics of controller-runtime. */
export class ReconcileMetrics {
  readonly #total: Counter<'controller' | 'result'>;
  readonly #errors: Counter<'controller'>;
  readonly #terminalErrors: Counter<'controller'>;
  readonly #seconds: Histogram<'controller'>;
  readonly #activeWorkers: Gauge<'controller'>;
  readonly #maxWorkers: Gauge<'controller'>;

  constructor(registry: Registry) {
    const common = { labelNames: ['controller'] as const, registers: [registry] };
    this.#total = new Counter({
      name: 'controller_runtime_reconcile_total',
      help: 'Reconciles, by result.',
      labelNames: ['controller', 'result'],
      registers: [registry],
    });
    this.#errors = new Counter({
      name: 'controller_runtime_reconcile_errors_total',
      help: 'Reconciles that failed.',
      ...common,
    });
    this.#terminalErrors = new Counter({
      name: 'controller_runtime_terminal_reconcile_errors_total',
      help: 'Reconciles that failed in a way that no retry can mend.',
      ...common,
    });
    this.#seconds = new Histogram({
      name: 'controller_runtime_reconcile_time_seconds',
      help: 'How long reconciles take.',
      buckets: BUCKETS,
      ...common,
    });
    this.#activeWorkers = new Gauge({
      name: 'controller_runtime_active_workers',
      help: 'Workers that are busy.',
      ...common,
    });
    this.#maxWorkers = new Gauge({
      name: 'controller_runtime_max_concurrent_reconciles',
      help: 'Workers that there are.',
      ...common,
    });
  }

  /** For that controller. Its series are there at once, with zeros, so that the first error is an increase. */
  observer(controller: string): ReconcileObserver {
    for (const result of RESULTS) this.#total.inc({ controller, result }, 0);
    this.#errors.inc({ controller }, 0);
    this.#terminalErrors.inc({ controller }, 0);
    this.#seconds.zero({ controller });
    this.#activeWorkers.set({ controller }, 0);
    return {
      started: (workers) => this.#maxWorkers.set({ controller }, workers),
      active: (workers) => this.#activeWorkers.set({ controller }, workers),
      reconciled: ({ result, terminal, seconds }) => {
        this.#total.inc({ controller, result });
        this.#seconds.observe({ controller }, Math.max(0, seconds));
        if (result === 'error') this.#errors.inc({ controller });
        if (terminal) this.#terminalErrors.inc({ controller });
      },
    };
  }
}

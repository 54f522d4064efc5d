import { type Clock, systemClock } from '../../k8s/util/clock.js';
import { printable } from '../../k8s/util/text.js';
import { BoundedWriter, type Line, type OutputStream } from './bounded-writer.js';
import type { Logger } from './logger.js';
import { redactValue } from './redact.js';

/** One decision about one call of a tenant, as the API server took it. */
export interface AuditEntry {
  configMapSync: { namespace: string; name: string };
  /** The full user name: `system:serviceaccount:<namespace>:<name>`. */
  serviceAccount: string;
  verb: string;
  /** Where the call went, which is not where the ConfigMapSync is. */
  namespace: string;
  decision: 'allowed' | 'denied';
  reason: string;
  code: number;
  /** `Audit-Id` of that answer; left out where the server gave none. */
  auditID?: string | undefined;
}

/** Audit lines are worth more memory than log lines: about 100,000 of them wait for a stalled reader. */
const MAX_BUFFERED_BYTES = 32 * 1024 * 1024;

/** Writes one JSON object a line, whatever the format of the log is. */
export class AuditSink {
  readonly #writer: BoundedWriter;
  readonly #clock: Clock;

  /** `logger` is told when lines were lost: a gap in an audit log must not be silent. */
  constructor(
    stream: OutputStream,
    { clock = systemClock, logger }: { clock?: Clock; logger?: Pick<Logger, 'error'> },
  ) {
    this.#clock = clock;
    this.#writer = new BoundedWriter(stream, {
      maxBufferedBytes: MAX_BUFFERED_BYTES,
      notice: (dropped) => {
        logger?.error('audit lines were lost: nobody read standard output fast enough', { dropped });
        return '';
      },
    });
  }

  /** Adds `audit: true` and the time. Never throws, waits or blocks. */
  write(entry: AuditEntry): void {
    const time = new Date(this.#clock.now()).toISOString();
    const record = redactValue({ audit: true, time, ...entry }, { stacks: false });
    const text = `${printable(JSON.stringify(record))}\n`;
    this.#writer.write({ tenant: entry.configMapSync.namespace, text } satisfies Line);
  }

  /** How many lines were lost so far. */
  get dropped(): number {
    return this.#writer.dropped;
  }

  /** Resolves when the reader has taken everything, is gone, or `signal` aborts. */
  close(signal: AbortSignal): Promise<void> {
    return this.#writer.flush(signal);
  }
}

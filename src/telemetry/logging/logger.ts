import { createLogger, format, type Logform, transports, type Logger as Winston } from 'winston';
import { splitKey } from '../../k8s/client/objects.js';
import { type Clock, systemClock } from '../../k8s/util/clock.js';
import type { RuntimeLog } from '../../k8s/util/cause-log.js';
import { BoundedWriter, type Line, type OutputStream } from './bounded-writer.js';
import { formatJson, formatText, type LogFormat, type LogLevel, type LogRecord } from './log-format.js';

/** What the rest of the program knows of logging. No call throws, waits or blocks. */
export interface Logger extends RuntimeLog {
  error: RuntimeLog['warn'];
}

export interface LoggerOptions {
  level: LogLevel;
  format: LogFormat;
  /** Default: standard error. */
  stream?: OutputStream;
  clock?: Clock;
}

/** Waits this big are a stalled reader, not a burst: about 20,000 lines. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;

/** A {@link Logger} that also has an end. */
export class ProcessLogger implements Logger {
  readonly #winston: Winston;
  readonly #writer: BoundedWriter;
  #closed = false;

  constructor({ level, format: layout, stream = process.stderr, clock = systemClock }: LoggerOptions) {
    const render = layout === 'json' ? formatJson : formatText;
    const now = (): string => new Date(clock.now()).toISOString();
    const debug = level === 'debug';
    this.#writer = new BoundedWriter(stream, {
      maxBufferedBytes: MAX_BUFFERED_BYTES,
      notice: (dropped) =>
        render({ time: now(), level: 'warn', message: 'log lines dropped', fields: { dropped }, debug }),
    });
    this.#winston = createLogger({
      level,
      // What the transport of a stream of objects writes: winston's fields are for itself.
      format: format((info) => {
        const { level, message, fields } = info as LogInfo;
        const text = `${render({ level, message, fields, time: now(), debug })}\n`;
        return { ...info, tenant: tenantOf(fields), text } satisfies Line;
      })(),
      transports: [new transports.Stream({ stream: this.#writer })],
    });
  }

  readonly debug = this.#at('debug');
  readonly info = this.#at('info');
  readonly warn = this.#at('warn');
  readonly error = this.#at('error');

  /** winston merges fields into the record, where a field `message` changes the message: one entry keeps them apart. */
  #at(level: LogLevel): RuntimeLog['warn'] {
    return (message, fields = {}) => {
      if (!this.#closed) this.#winston.log({ level, message, fields } satisfies LogInfo);
    };
  }

  /** How many lines were dropped so far. */
  get dropped(): number {
    return this.#writer.dropped;
  }

  /**
   * Writes out what is waiting; later lines are dropped. Call it last, with a signal that bounds the wait for a
   * reader that has stalled.
   */
  async close(signal: AbortSignal): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const ended = new Promise<void>((resolve) => this.#winston.once('finish', () => resolve()));
    this.#winston.end();
    await ended;
    await this.#writer.flush(signal);
  }
}

/** The namespace that a line is about, or '' where it is about none. */
function tenantOf({ namespace, configMapSync }: LogRecord['fields']): string {
  if (typeof configMapSync === 'string') return splitKey(configMapSync).namespace;
  return typeof namespace === 'string' ? namespace : '';
}

type LogInfo = Logform.TransformableInfo & Pick<LogRecord, 'level' | 'message' | 'fields'>;

import { Writable } from 'node:stream';
import { abortable } from '../../k8s/util/async.js';
import { Fifo } from '../../k8s/util/fair-list.js';

/** Standard output or error, or what stands in for it. */
export type OutputStream = NodeJS.WritableStream & { readonly writableLength: number };

export interface Line {
  /** The namespace of whoever caused it, or '' for the operator itself. */
  tenant: string;
  /** With its line feed. */
  text: string;
}

export interface BoundedWriterOptions {
  /** The most bytes that may wait for a slow reader; what comes on top is dropped and counted. */
  maxBufferedBytes: number;
  /** Returns the line that reports `dropped` lines; '' for none. Called when half of the buffer is free again, and at the end. */
  notice: (dropped: number) => string;
}

/**
 * Lines on their way to standard output or error. Node.js queues what a pipe's reader does not take, without a
 * bound: a stalled log collector would cost the operator its memory. This stream never waits and never grows.
 * A reader that goes away (EPIPE) ends the output, not the process.
 *
 * A tenant that is alone may use all of the buffer. Where it is full, a tenant with more than its share loses lines: its new ones,
 * and its oldest to those who have less. What is written is in the order of time.
 */
export class BoundedWriter extends Writable {
  readonly #target: OutputStream;
  readonly #options: BoundedWriterOptions;
  readonly #waiting = new Fifo<Line>();
  /** Of what waits, by tenant. */
  readonly #tenants = new Map<string, { lines: Fifo<Line>; bytes: number }>();
  #bytes = 0;
  #dropped = 0;
  #reported = 0;
  /** Lines wait while it is full. */
  #state: 'open' | 'full' | 'broken' = 'open';

  constructor(target: OutputStream, options: BoundedWriterOptions) {
    super({ objectMode: true });
    this.#target = target;
    this.#options = options;
    target.on('error', () => {
      this.#state = 'broken';
      while (this.#take() !== undefined) this.#dropped += 1;
    });
    target.on('drain', () => {
      if (this.#state !== 'full') return;
      this.#state = 'open';
      this.#sendWaiting();
    });
  }

  /** How many lines were dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  override _write(line: Line, _encoding: BufferEncoding, done: () => void): void {
    if (this.#bytes < this.#options.maxBufferedBytes / 2) this.#report();
    if (this.#state === 'open') this.#send(line);
    else if (this.#state === 'full' && this.#makeRoom(line)) this.#add(line);
    else this.#dropped += 1;
    done();
  }

  /** False where the line is to be dropped. */
  #makeRoom({ tenant, text }: Line): boolean {
    const room = this.#options.maxBufferedBytes - this.#target.writableLength;
    const bytes = Buffer.byteLength(text);
    const own = this.#tenants.get(tenant)?.bytes ?? 0;
    while (this.#bytes + bytes > room) {
      const share = room / (this.#tenants.size + (own > 0 ? 0 : 1));
      if (own + bytes > share) return false;
      // It has more than its share, since all others together have more than theirs.
      const most = [...this.#tenants.values()].reduce((a, b) => (b.bytes > a.bytes ? b : a));
      this.#take(most.lines);
      this.#dropped += 1;
    }
    return true;
  }

  #add(line: Line): void {
    const own = this.#tenants.get(line.tenant) ?? { lines: new Fifo(), bytes: 0 };
    const bytes = Buffer.byteLength(line.text);
    this.#waiting.add([], line);
    own.lines.add([], line);
    own.bytes += bytes;
    this.#bytes += bytes;
    this.#tenants.set(line.tenant, own);
  }

  /** The oldest that waits, of all or of a tenant. */
  #take(lines = this.#waiting): Line | undefined {
    const line = lines.take();
    const own = this.#tenants.get(line?.tenant ?? '');
    if (line === undefined || own === undefined) return undefined;
    const bytes = Buffer.byteLength(line.text);
    this.#waiting.remove([], line);
    own.lines.remove([], line);
    own.bytes -= bytes;
    this.#bytes -= bytes;
    if (own.lines.size === 0) this.#tenants.delete(line.tenant);
    return line;
  }

  #sendWaiting(): void {
    while (this.#state === 'open' && this.#waiting.size > 0) this.#send(this.#take());
  }

  #send(line: Line | undefined): void {
    if (line !== undefined && !this.#target.write(line.text)) this.#state = 'full';
  }

  #report(): void {
    const dropped = this.#dropped - this.#reported;
    if (dropped === 0 || this.#state === 'broken') return;
    this.#reported = this.#dropped;
    const text = this.#options.notice(dropped);
    if (text === '') return;
    const line = { tenant: '', text: `${text}\n` };
    if (this.#state === 'open') this.#send(line);
    else this.#add(line);
  }

  /** Resolves when the reader has taken everything, is gone, or `signal` aborts. Never rejects. */
  async flush(signal: AbortSignal): Promise<void> {
    if (this.#state === 'broken' || signal.aborted) return;
    this.#report();
    while (this.#waiting.size > 0) this.#send(this.#take());
    if (this.#target.writableLength === 0) return;
    // Called back after all that was written before.
    const written = new Promise<void>((resolve) => this.#target.write('', () => resolve()));
    await abortable(written, signal).catch(() => undefined);
  }
}

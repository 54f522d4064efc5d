import { Writable } from 'node:stream';
import { abortable } from '../../k8s/util/async.js';

/** Standard output or error, or what stands in for it. */
export type OutputStream = NodeJS.WritableStream & { readonly writableLength: number };

export interface BoundedWriterOptions {
  /** The most bytes that may wait for a slow reader; what comes on top is dropped and counted. */
  maxBufferedBytes: number;
  /** The line that tells of `dropped` lines, written before the next one that fits; '' for none. */
  notice: (dropped: number) => string;
}

/**
 * Lines on their way to standard output or error. Node.js queues what a pipe's reader does not take, without a
 * bound: a stalled log collector would cost the operator its memory. This stream never waits and never grows.
 * A reader that goes away (EPIPE) ends the output, not the process.
 */
export class BoundedWriter extends Writable {
  readonly #target: OutputStream;
  readonly #options: BoundedWriterOptions;
  #unreported = 0;
  #broken = false;

  constructor(target: OutputStream, options: BoundedWriterOptions) {
    super({ decodeStrings: false });
    this.#target = target;
    this.#options = options;
    target.on('error', () => (this.#broken = true));
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    const { maxBufferedBytes, notice } = this.#options;
    if (this.#broken || this.#target.writableLength + chunk.length > maxBufferedBytes) {
      this.#unreported += 1;
    } else {
      const line = this.#unreported > 0 ? notice(this.#unreported) : '';
      this.#unreported = 0;
      if (line !== '') this.#target.write(`${line}\n`);
      this.#target.write(chunk);
    }
    done();
  }

  /** Resolves when the reader has taken everything, is gone, or `signal` aborts. Never rejects. */
  async flush(signal: AbortSignal): Promise<void> {
    if (this.#broken || signal.aborted || this.#target.writableLength === 0) return;
    // Called back after all that was written before.
    const written = new Promise<void>((resolve) => this.#target.write('', () => resolve()));
    await abortable(written, signal).catch(() => undefined);
  }
}

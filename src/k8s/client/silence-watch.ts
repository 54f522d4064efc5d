import type { Socket } from 'node:net';

/**
 * Ends connections from which nothing has come for too long. A pulled cable or a firewall that forgets a connection ends it
 * without a word: TCP would find out after minutes, and a watch, which has nothing to send, not at all. Only for connections
 * on which pings are sent more often than that: each of them is answered.
 */
export class SilenceWatch {
  readonly #silenceMs: number;
  readonly #lastBytes = new Map<Socket, { bytes: number; since: number }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(silenceMs: number) {
    this.#silenceMs = silenceMs;
  }

  add(socket: Socket): void {
    this.#lastBytes.set(socket, { bytes: socket.bytesRead, since: performance.now() });
    socket.once('close', () => {
      this.#lastBytes.delete(socket);
      if (this.#lastBytes.size === 0) {
        this.stop();
      }
    });
    this.#timer ??= setInterval(() => this.#look(), this.#silenceMs / 4).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const now = performance.now();
    for (const [socket, last] of this.#lastBytes) {
      if (socket.bytesRead !== last.bytes) {
        last.bytes = socket.bytesRead;
        last.since = now;
      } else if (now - last.since > this.#silenceMs) {
        socket.destroy(
          new Error(`nothing came from the API server for ${Math.round(this.#silenceMs / 1000)} s`),
        );
      }
    }
  }
}

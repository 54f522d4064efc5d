import { once } from 'node:events';
import { connect as http2Connect } from 'node:http2';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { Daemon, waitFor } from './daemon.js';
import { etcdFlags } from './flags.js';
import type { Reaper } from './reaper.js';

export interface EtcdOptions {
  assets: string;
  dir: string;
  reaper: Reaper;
}

/** A single etcd member that listens on a Unix socket of its directory. */
export class Etcd {
  /** Path of the socket that clients dial. */
  readonly socket: string;
  readonly #daemon: Daemon;

  /** Starts the process; {@link waitReady} tells when it listens. */
  constructor({ assets, dir, reaper }: EtcdOptions) {
    this.socket = join(dir, 'etcd.sock');
    this.#daemon = new Daemon({
      binary: join(assets, 'etcd'),
      args: etcdFlags(join(dir, 'etcd'), this.socket, join(dir, 'etcd-peer.sock')),
      logFile: join(dir, 'etcd.log'),
      reaper,
    });
  }

  get pid(): number | undefined {
    return this.#daemon.running ? this.#daemon.pid : undefined;
  }

  async waitReady(): Promise<void> {
    await waitFor(this.#daemon, 'etcd to listen', () => canConnect(this.socket));
  }

  /** SIGSTOP freezes it as a disk that hangs does, until SIGCONT. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    if (this.pid !== undefined) process.kill(this.pid, signal);
  }

  /** Forgets all that is older than this revision, as the API server has it done every few minutes. */
  async compact(revision: number): Promise<void> {
    const session = http2Connect('http://localhost', {
      createConnection: () => createConnection(this.socket),
    });
    try {
      const request = session.request({
        ':method': 'POST',
        ':path': '/etcdserverpb.KV/Compact',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      let status: unknown;
      const takeStatus = (headers: Record<string, unknown>): void => {
        status = headers['grpc-status'] ?? status;
      };
      request.on('response', takeStatus).on('trailers', takeStatus).resume();
      // CompactionRequest { int64 revision = 1; bool physical = 2 }, after gRPC's flag and length.
      const message = [0x08, ...varint(revision), 0x10, 1];
      request.end(Buffer.from([0, 0, 0, 0, message.length, ...message]));
      await once(request, 'close');
      if (status !== '0') throw new Error(`etcd does not compact: gRPC status ${String(status)}`);
    } finally {
      session.close();
    }
  }

  /** Its data is never used again, so nothing is lost by not asking. */
  async stop(): Promise<void> {
    await this.#daemon.stop('SIGKILL');
  }
}

/** As Protocol Buffers encode a whole number. */
function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value % 0x80) | 0x80, ...varint(Math.floor(value / 0x80))];
}

function canConnect(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(socket);
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', () => resolve(false));
  });
}

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

  /** Its data is never used again, so nothing is lost by not asking. */
  async stop(): Promise<void> {
    await this.#daemon.stop('SIGKILL');
  }
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

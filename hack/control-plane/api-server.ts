import { join } from 'node:path';
import type { CredentialFiles, Credentials } from './credentials.js';
import { Daemon, waitFor } from './daemon.js';
import { apiServerFlags } from './flags.js';
import { freePort } from './free-port.js';
import { isReady } from './readiness.js';
import type { Reaper } from './reaper.js';

export interface ApiServerOptions {
  assets: string;
  dir: string;
  etcdSocket: string;
  credentials: Credentials;
  files: CredentialFiles;
  auditPolicyFile: string;
  auditLog: string;
  reaper: Reaper;
}

/** How often another port is tried when somebody else was faster. */
const PORT_ATTEMPTS = 5;
/**
 * In good order the API server would wait up to a minute for open watches to end. Clients see the same either way:
 * requests in flight are answered, then their watches break.
 */
const GRACE_MILLISECONDS = 2_000;

/** kube-apiserver on a port that stays its own over restarts. */
export class ApiServer {
  /** `https://127.0.0.1:PORT`. */
  readonly server: string;
  readonly #options: ApiServerOptions;
  readonly #flags: string[];
  #daemon: Daemon;

  private constructor(options: ApiServerOptions, port: number) {
    this.server = `https://127.0.0.1:${port}`;
    this.#options = options;
    this.#flags = apiServerFlags({ ...options, port, server: this.server });
    this.#daemon = this.#spawn();
  }

  /** @throws Error with the last lines of its log when it ends before it is ready */
  static async start(options: ApiServerOptions): Promise<ApiServer> {
    for (let attempt = 1; ; attempt += 1) {
      const apiServer = new ApiServer(options, await freePort());
      try {
        await apiServer.waitReady();
        return apiServer;
      } catch (error) {
        await apiServer.stop('SIGKILL');
        const portTaken = error instanceof Error && error.message.includes('address already in use');
        if (!portTaken || attempt === PORT_ATTEMPTS) throw error;
      }
    }
  }

  get pid(): number | undefined {
    return this.#daemon.running ? this.#daemon.pid : undefined;
  }

  /** Resolves when `/readyz` says ok; rejects when the process ends first, or after a minute. */
  async waitReady(): Promise<void> {
    const { authority, admin } = this.#options.credentials;
    await waitFor(this.#daemon, 'kube-apiserver to be ready', () =>
      isReady(this.server, { ca: authority, cert: admin.certificate, key: admin.privateKey }),
    );
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.#daemon.stop(signal, GRACE_MILLISECONDS);
  }

  /** Starts it where it is not running; resolves when it is ready. */
  async restart(): Promise<void> {
    if (!this.#daemon.running) this.#daemon = this.#spawn();
    await this.waitReady();
  }

  #spawn(): Daemon {
    const { assets, dir, reaper } = this.#options;
    return new Daemon({
      binary: join(assets, 'kube-apiserver'),
      args: this.#flags,
      logFile: join(dir, 'kube-apiserver.log'),
      reaper,
    });
  }
}

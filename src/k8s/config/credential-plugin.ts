import type { RequestOptions } from 'node:https';

import { KubeConfig, type User } from '@kubernetes/client-node';

import { abortable } from '../util/async.js';
import type { Clock } from '../util/clock.js';
import { KubeconfigError } from './cluster-connection.js';

/** A plugin may ask somebody for consent, but a controller has nobody who would answer. */
const TIMEOUT_MS = 60_000;
/** How often at most one is started that fails, or gives a token that the API server rejects. */
const RETRY_AFTER_MS = 5_000;

interface ExecConfig {
  apiVersion?: string;
  command?: string;
  env?: { name: string; value: string }[] | null;
}

/** A user of the kubeconfig whose token comes from a program (`exec`) or an `auth-provider`, both run by client-node. */
export class CredentialPlugin {
  readonly #name: string;
  readonly #user: User;
  readonly #clock: Clock;
  /** It holds the cache of tokens. Its cluster is never spoken to. */
  #config!: KubeConfig;
  #running: Promise<string> | undefined;
  /** The last header, and when it was asked for because one was rejected. */
  #given: string | undefined;
  #renewedAt = -Infinity;
  #failure: { error: unknown; at: number } | undefined;

  constructor(user: User, clock: Clock) {
    this.#clock = clock;
    const exec = user.exec as ExecConfig | undefined;
    const provider = user.authProvider as { name?: string } | undefined;
    this.#name = `"${exec?.command ?? provider?.name ?? 'unknown'}"`;
    this.#user = exec ? { ...user, exec: withExecInfo(exec) } : user;
    this.#forget();
  }

  /**
   * The `Authorization` header. client-node keeps a token until it expires; who asks during a run shares its answer.
   * @throws KubeconfigError when the plugin fails, takes longer than a minute or gives no token.
   */
  async authorize(signal?: AbortSignal): Promise<string> {
    if (this.#failure !== undefined && this.#clock.now() - this.#failure.at < RETRY_AFTER_MS) {
      throw this.#failure.error;
    }
    this.#running ??= this.#run()
      .then(
        (header) => {
          this.#failure = undefined;
          return (this.#given = header);
        },
        (error: unknown) => {
          this.#failure = { error, at: this.#clock.now() };
          throw error;
        },
      )
      .finally(() => (this.#running = undefined));
    return abortable(this.#running, signal);
  }

  /** The API server takes `rejected` no longer. True where the plugin, which is run again, has given another one. */
  async renew(rejected: string | undefined, signal?: AbortSignal): Promise<boolean> {
    const isDue = this.#clock.now() - this.#renewedAt >= RETRY_AFTER_MS;
    if (isDue && this.#running === undefined && rejected === this.#given) {
      this.#renewedAt = this.#clock.now();
      this.#forget();
    }
    return (await this.authorize(signal)) !== rejected;
  }

  /** Its next answer comes from the plugin. */
  #forget(): void {
    this.#config = new KubeConfig();
    const cluster = { name: 'none', server: 'https://invalid', skipTLSVerify: true };
    this.#config.loadFromClusterAndUser(cluster, this.#user);
  }

  async #run(): Promise<string> {
    const options: RequestOptions = {};
    try {
      await abortable(this.#config.applyToHTTPSOptions(options), AbortSignal.timeout(TIMEOUT_MS));
    } catch (error) {
      // What the plugin printed is left out: some print what they were about to return.
      const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
      const detail = typeof code === 'string' ? ` (${code})` : '';
      throw new KubeconfigError(
        `the credential plugin ${this.#name} of the kubeconfig failed${detail}: run it by hand`,
      );
    }
    const authorization = (options.headers as Record<string, unknown> | undefined)?.Authorization;
    if (typeof authorization !== 'string' || !/^\S+ +\S/.test(authorization)) {
      throw new KubeconfigError(
        `the credential plugin ${this.#name} of the kubeconfig gave no token; a client certificate of a plugin is not supported`,
      );
    }
    return authorization;
  }
}

/** Many plugins refuse to run without this variable, and client-node does not set it. */
function withExecInfo(exec: ExecConfig): ExecConfig {
  const value = JSON.stringify({
    apiVersion: exec.apiVersion ?? 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    spec: { interactive: false },
  });
  return { ...exec, env: [...(exec.env ?? []), { name: 'KUBERNETES_EXEC_INFO', value }] };
}

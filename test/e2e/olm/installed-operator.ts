import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { waitUntil } from '../../../hack/control-plane/poll.js';
import { repositoryRoot } from '../../../hack/repository.js';

export interface InstalledOperatorOptions {
  /** As the Deployment has them, `run` included. */
  args: readonly string[];
  env: Readonly<Record<string, string>>;
}

const READY_MS = 30_000;
const PORTS = ['--health-probe-bind-address=127.0.0.1:0', '--metrics-bind-address=127.0.0.1:0'];

/** The bundled program, as it is shipped, with the arguments and the environment of a Deployment's container. */
export class InstalledOperator {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #log = '';

  private constructor({ args, env }: InstalledOperatorOptions) {
    this.#child = spawn(join(repositoryRoot(), 'hack', 'config-weaver'), [...args, ...PORTS], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env.PATH, HOME: '/nonexistent', NODE: process.execPath, ...env },
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    this.#exited = once(this.#child, 'close');
  }

  /** @throws Error with its log when it ends instead of reconciling, or does neither for half a minute */
  static async start(options: InstalledOperatorOptions): Promise<InstalledOperator> {
    const operator = new InstalledOperator(options);
    try {
      await waitUntil(() => Promise.resolve(operator.#log.includes('"message":"reconciling"')), {
        what: 'the operator to reconcile',
        timeoutMilliseconds: READY_MS,
        giveUp: () =>
          Promise.resolve(operator.#child.exitCode === null ? undefined : `it ended: ${operator.#log}`),
      });
      return operator;
    } catch (error) {
      await operator.stop();
      throw error;
    }
  }

  /** SIGTERM, as the kubelet sends it; resolves with the exit code. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode === null) this.#child.kill('SIGTERM');
    await this.#exited;
    return this.#child.exitCode;
  }
}

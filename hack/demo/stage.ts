import { dirname, relative } from 'node:path';
import { AuditLog } from '../rig/audit-log.js';
import { KubectlError } from '../control-plane/kubectl.js';
import { waitUntil } from '../control-plane/poll.js';
import { repositoryRoot } from '../repository.js';
import type { OperatorProcess } from '../rig/operator-process.js';
import { Rig } from '../rig/rig.js';
import { abortable } from '../../src/k8s/util/async.js';
import type { Screen } from './screen.js';

/** Something is not as the story tells it. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
}

const PATIENCE_MILLISECONDS = 20_000;

/** A running control plane with the operator on it, and the ways to show and to check what happens there. */
export class Stage {
  readonly screen: Screen;
  readonly operator: OperatorProcess;
  readonly rig: Rig;
  /** All that the API server recorded since its start. */
  readonly requests: AuditLog;
  readonly #signal: AbortSignal;

  private constructor(parts: { screen: Screen; operator: OperatorProcess; rig: Rig; signal: AbortSignal }) {
    this.screen = parts.screen;
    this.operator = parts.operator;
    this.rig = parts.rig;
    this.requests = AuditLog.fromStart(parts.rig.plane.auditLog);
    this.#signal = parts.signal;
  }

  static async open(screen: Screen, signal: AbortSignal): Promise<Stage> {
    const steps = new Steps(screen);
    const rig = await Rig.start({ onStep: (step) => steps.begin(step), signal });
    try {
      steps.begin('the operator, until it is ready');
      const operator = await rig.startOperator();
      steps.end();
      return new Stage({ screen, operator, rig, signal });
    } catch (error) {
      await rig.stop();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.rig.stop();
  }

  /** Shows a kubectl command as one would type it, runs it as the administrator, shows and returns what it printed. */
  async show(command: string, ...more: string[]): Promise<string> {
    this.screen.command(`kubectl ${[command, ...more.map(quoted)].join(' ')}`);
    const output = await this.kubectl(...command.split(' '), ...more);
    this.screen.output(output);
    return output;
  }

  /** The same for a command that is meant to fail. */
  async showRefusal(command: string): Promise<string> {
    this.screen.command(`kubectl ${command}`);
    const output = await this.kubectl(...command.split(' ')).then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof KubectlError) return `${error.stdout}${error.stderr}`;
        throw error;
      },
    );
    if (output === undefined) throw new DemoError(`kubectl ${command} succeeded, and should not have`);
    this.screen.output(output);
    return output;
  }

  /** Runs kubectl as the administrator without a word. */
  kubectl(...args: string[]): Promise<string> {
    return abortable(this.rig.plane.kubectl(args), this.#signal);
  }

  /** @throws DemoError where `holds` is false */
  check(holds: boolean, claim: string): void {
    if (!holds) throw new DemoError(`this should be so, and is not: ${claim}`);
    this.screen.checked(claim);
  }

  /** Looks until there is something; @throws Error after 20 s. */
  eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    const { operator } = this;
    const waiting = waitUntil(look, {
      what,
      timeoutMilliseconds: PATIENCE_MILLISECONDS,
      giveUp: async () => (operator.running ? undefined : operator.describeExit()),
    });
    return abortable(waiting, this.#signal);
  }

  /** A file of hack/demo, as one would name it from where the demo was started. */
  file(name: string): string {
    const path = `${repositoryRoot()}/hack/demo/${name}`;
    const fromHere = relative(process.cwd(), path);
    return dirname(fromHere).startsWith('..') ? path : fromHere;
  }
}

/** Tells of each step when it is over. */
class Steps {
  readonly #screen: Screen;
  #current: { name: string; startedAt: number } | undefined;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  begin(name: string): void {
    this.end();
    this.#current = { name, startedAt: performance.now() };
  }

  end(): void {
    if (this.#current === undefined) return;
    this.#screen.step(this.#current.name, performance.now() - this.#current.startedAt);
    this.#current = undefined;
  }
}

function quoted(argument: string): string {
  return /^[\w./:=@-]+$/.test(argument) ? argument : `'${argument}'`;
}

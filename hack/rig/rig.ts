import { controlPlaneAssets } from '../control-plane/assets.js';
import { ControlPlane } from '../control-plane/control-plane.js';
import { freePort } from '../control-plane/free-port.js';
import { waitUntil } from '../control-plane/poll.js';
import {
  crdDirectory,
  installRights,
  OPERATOR_NAMESPACE,
  OPERATOR_USERNAME,
  type Installation,
} from './installation.js';
import { OperatorProcess, runCommand } from './operator-process.js';
import { pod, type Pod } from './pod.js';

export interface RigOptions {
  /** Told of each step as it begins. */
  onStep?: (step: string) => void;
  signal?: AbortSignal;
}

export interface RigOperatorOptions {
  /** For Node.js itself, such as `--cpu-prof`. */
  nodeFlags?: readonly string[];
  /** Where given, the operator runs as in this pod, and else with its kubeconfig. */
  pod?: Pod | undefined;
}

const START_MILLISECONDS = 30_000;

/** A control plane with config-weaver installed, for operators that are started and stopped on it. */
export class Rig {
  readonly plane: ControlPlane;
  readonly installation: Installation;
  readonly #signal: AbortSignal | undefined;
  readonly #operators: OperatorProcess[] = [];

  private constructor(plane: ControlPlane, installation: Installation, signal: AbortSignal | undefined) {
    this.plane = plane;
    this.installation = installation;
    this.#signal = signal;
  }

  /** @throws whatever went wrong, or the signal's reason; nothing is left running then. */
  static async start({ onStep = () => undefined, signal }: RigOptions = {}): Promise<Rig> {
    const assets = await controlPlaneAssets();
    signal?.throwIfAborted();
    onStep('etcd and kube-apiserver');
    // Garbage collection learns of new kinds at its start, and every 30 s later: the CRD comes first.
    const plane = await ControlPlane.start({ assets, controllerManager: false });
    try {
      signal?.throwIfAborted();
      onStep('CustomResourceDefinition');
      await plane.applyCrd(crdDirectory());
      await plane.startControllerManager();
      signal?.throwIfAborted();
      onStep("the operator's ServiceAccount and roles");
      const kubeconfig = await installRights(plane);
      signal?.throwIfAborted();
      const installation = { namespace: OPERATOR_NAMESPACE, username: OPERATOR_USERNAME, kubeconfig };
      return new Rig(plane, installation, signal);
    } catch (error) {
      await plane.stop();
      throw error;
    }
  }

  /**
   * The operator as a deployment runs it: under its own ServiceAccount, with leader election. Only its ports differ, which
   * are free ones of 127.0.0.1, and metrics come without TLS. Resolves when it says that it is ready.
   * @throws Error with the last lines of its log when it ends first, or takes longer than 30 s; it is gone then
   */
  async startOperator({ nodeFlags, pod }: RigOperatorOptions = {}): Promise<OperatorProcess> {
    const { namespace, kubeconfig } = this.installation;
    const health = `127.0.0.1:${await freePort()}`;
    this.#signal?.throwIfAborted();
    const flags = [
      ...(pod === undefined ? [`--kubeconfig=${kubeconfig}`] : []),
      ...['--leader-elect', `--leader-election-namespace=${namespace}`],
      ...['--metrics-bind-address=127.0.0.1:0', `--health-probe-bind-address=${health}`],
    ];
    const operator = new OperatorProcess({
      command: [...(pod?.command ?? []), ...runCommand(flags, nodeFlags)],
      env: pod?.env ?? {},
      parent: this.plane.dir,
    });
    this.#operators.push(operator);
    const interrupted = (): string | undefined =>
      this.#signal?.aborted === true ? 'interrupted' : undefined;
    return operator.after(
      waitUntil(() => isReady(`http://${health}/readyz`), {
        what: `the operator to be ready; its log is ${operator.logFile}`,
        timeoutMilliseconds: START_MILLISECONDS,
        giveUp: async () => interrupted() ?? (operator.running ? undefined : operator.describeExit()),
      }),
    );
  }

  /** To start an operator as in a pod; undefined where this machine cannot. */
  pod(): Promise<Pod | undefined> {
    const { kubeconfig, namespace } = this.installation;
    return pod(kubeconfig, namespace, this.plane.dir);
  }

  /** Ends the operators, then the control plane, and removes all files. */
  async stop(): Promise<void> {
    try {
      await Promise.all(this.#operators.map((operator) => operator.stop()));
    } finally {
      await this.plane.stop();
    }
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}

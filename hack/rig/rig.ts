import { controlPlaneAssets } from '../control-plane/assets.js';
import { ControlPlane } from '../control-plane/control-plane.js';
import { crdDirectory, installRbac, type Installation } from './installation.js';
import { pod, type Pod } from './pod.js';
import { OperatorProcess, type OperatorProcessOptions } from './operator-process.js';

export interface RigOptions {
  /** Told of each step as it begins. */
  onStep?: (step: string) => void;
  signal?: AbortSignal;
}

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
      const installation = await installRbac(plane);
      signal?.throwIfAborted();
      return new Rig(plane, installation, signal);
    } catch (error) {
      await plane.stop();
      throw error;
    }
  }

  /** Resolves when it is ready. */
  async startOperator(
    options: Pick<OperatorProcessOptions, 'flags' | 'nodeFlags' | 'pod'> = {},
  ): Promise<OperatorProcess> {
    const { installation, plane } = this;
    const operator = await OperatorProcess.start({ ...options, installation, dir: plane.dir }, this.#signal);
    this.#operators.push(operator);
    return operator;
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

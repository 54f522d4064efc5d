import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { controlPlaneAssets } from '../../hack/control-plane/assets.js';
import { ControlPlane } from '../../hack/control-plane/control-plane.js';
import { serviceAccountKubeconfig } from '../../hack/control-plane/kubeconfig.js';
import { applyCrd, runKubectl, type Kubectl } from '../../hack/control-plane/kubectl.js';
import { crdDirectory } from '../../hack/rig/installation.js';

/** The Kubernetes API that integration tests run against. */
export interface TestPlane {
  /** Path of the administrator's kubeconfig. */
  kubeconfig: string;
  server: string;
  /** Path of the API server's audit log; undefined on an existing cluster, whose log is out of reach. */
  auditLog: string | undefined;
  /** To stop and start its API server; undefined on an existing cluster. */
  controlPlane: ControlPlane | undefined;
  kubectl: Kubectl;
  /** Writes a kubeconfig that acts under exactly the rights of that ServiceAccount; returns its path. */
  serviceAccountKubeconfig(namespace: string, name: string): Promise<string>;
  /** true: somebody else's cluster, named by USE_EXISTING_CLUSTER and the current kubeconfig. */
  existing: boolean;
  /** Ends what was started and removes what was written for this plane; a cluster that was there before stays as it is. */
  stop(): Promise<void>;
}

let started: Promise<TestPlane> | undefined;

/**
 * The one control plane of this mocha process, with our CRD applied; the first call starts it (3 s). Root hooks stop it.
 * With USE_EXISTING_CLUSTER=true it is the cluster of KUBECONFIG or ~/.kube/config.
 */
export function plane(): Promise<TestPlane> {
  started ??= process.env.USE_EXISTING_CLUSTER === 'true' ? existingCluster() : ownControlPlane();
  return started;
}

/** Ends what {@link plane} started; does nothing where it was never called. */
export async function stopPlane(): Promise<void> {
  const running = await started?.catch(() => undefined);
  started = undefined;
  await running?.stop();
}

/** The plane's own control plane; marks the test as skipped, with the reason in its title, where there is none. */
export function controlPlaneOrSkip(context: Mocha.Context, testPlane: TestPlane): ControlPlane {
  if (testPlane.controlPlane === undefined) {
    const runnable = context.test;
    if (runnable !== undefined) runnable.title += ' (skipped: needs a control plane of its own)';
    context.skip();
  }
  return testPlane.controlPlane;
}

/** Path of the API server's audit log; marks the test as skipped, with the reason in its title, where there is none. */
export function auditLogOrSkip(context: Mocha.Context, testPlane: TestPlane): string {
  if (testPlane.auditLog === undefined) {
    const runnable = context.test;
    if (runnable !== undefined) runnable.title += " (skipped: needs the API server's audit log)";
    context.skip();
  }
  return testPlane.auditLog;
}

async function ownControlPlane(): Promise<TestPlane> {
  const controlPlane = await ControlPlane.start({
    assets: await controlPlaneAssets(),
    // First the CRD: the garbage collector would take up to 30 s to learn of it later.
    controllerManager: false,
  });
  await controlPlane.applyCrd(crdDirectory());
  await controlPlane.startControllerManager();
  return {
    kubeconfig: controlPlane.kubeconfig,
    server: controlPlane.server,
    auditLog: controlPlane.auditLog,
    controlPlane,
    kubectl: controlPlane.kubectl,
    serviceAccountKubeconfig: (namespace, name) => controlPlane.serviceAccountKubeconfig(namespace, name),
    existing: false,
    stop: () => controlPlane.stop(),
  };
}

async function existingCluster(): Promise<TestPlane> {
  const kubeconfig = process.env.KUBECONFIG || join(homedir(), '.kube', 'config');
  const kubectl: Kubectl = (args, input) => runKubectl(args, { binary: 'kubectl', kubeconfig, input });
  const address = 'jsonpath={.clusters[0].cluster.server}';
  const server = await kubectl(['config', 'view', '--minify', '-o', address]);
  await applyCrd(kubectl, crdDirectory());
  const directory = await mkdtemp(join(tmpdir(), 'config-weaver-existing-'));
  return {
    kubeconfig,
    server,
    auditLog: undefined,
    controlPlane: undefined,
    kubectl,
    serviceAccountKubeconfig: (namespace, name) =>
      serviceAccountKubeconfig(kubectl, directory, namespace, name),
    existing: true,
    stop: () => rm(directory, { recursive: true, force: true }),
  };
}

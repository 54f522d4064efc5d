import { join } from 'node:path';
import type { ControlPlane } from '../control-plane/control-plane.js';
import { repositoryRoot } from '../repository.js';

/** The operator as a cluster knows it: who it is there, and a kubeconfig that can do exactly what that allows. */
export interface Installation {
  namespace: string;
  serviceAccount: string;
  /** `system:serviceaccount:<namespace>:<serviceAccount>`. */
  username: string;
  kubeconfig: string;
}

/** Fixed by config/rbac, and named by every tenant's token grant. */
const NAMESPACE = 'config-weaver-system';
const SERVICE_ACCOUNT = 'config-weaver-controller-manager';

export function crdDirectory(): string {
  return join(repositoryRoot(), 'config/crd/bases');
}

/** Applies the operator's ServiceAccount and roles, and nothing that would widen them. */
export async function installRbac(plane: ControlPlane): Promise<Installation> {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } };
  await plane.kubectl(['apply', '-f', '-'], { input: JSON.stringify(namespace) });
  await plane.kubectl(['apply', '-k', join(repositoryRoot(), 'config/rbac')]);
  return {
    namespace: NAMESPACE,
    serviceAccount: SERVICE_ACCOUNT,
    username: `system:serviceaccount:${NAMESPACE}:${SERVICE_ACCOUNT}`,
    kubeconfig: await plane.serviceAccountKubeconfig(NAMESPACE, SERVICE_ACCOUNT),
  };
}

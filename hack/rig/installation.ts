import { join } from 'node:path';
import type { ControlPlane } from '../control-plane/control-plane.js';
import { repositoryRoot } from '../repository.js';

/** Where config/rbac puts the operator's ServiceAccount, and whom every tenant's token grant names. */
export const OPERATOR_NAMESPACE = 'config-weaver-system';
export const OPERATOR_SERVICE_ACCOUNT = 'config-weaver-controller-manager';
export const OPERATOR_USERNAME = `system:serviceaccount:${OPERATOR_NAMESPACE}:${OPERATOR_SERVICE_ACCOUNT}`;

/** The operator as a cluster knows it: who it is there, and a kubeconfig that can do exactly what that allows. */
export interface Installation {
  namespace: string;
  /** `system:serviceaccount:<namespace>:<name>`. */
  username: string;
  kubeconfig: string;
}

export function crdDirectory(): string {
  return join(repositoryRoot(), 'config/crd/bases');
}

/**
 * Applies the operator's ServiceAccount and roles, and nothing that would widen them.
 * @returns the path of a kubeconfig with just these rights
 */
export async function installRights(
  cluster: Pick<ControlPlane, 'kubectl' | 'serviceAccountKubeconfig'>,
): Promise<string> {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: OPERATOR_NAMESPACE } };
  await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(namespace));
  await cluster.kubectl(['apply', '-k', join(repositoryRoot(), 'config/rbac')]);
  return cluster.serviceAccountKubeconfig(OPERATOR_NAMESPACE, OPERATOR_SERVICE_ACCOUNT);
}

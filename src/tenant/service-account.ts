/** A tenant's identity: a ServiceAccount in the namespace of the ConfigMapSync that names it. */
export interface ServiceAccount {
  namespace: string;
  name: string;
}

export function serviceAccountKey(account: ServiceAccount): string {
  return `${account.namespace}/${account.name}`;
}

/** The user name that the API server gives a token of this ServiceAccount. */
export function serviceAccountUsername(account: ServiceAccount): string {
  return `system:serviceaccount:${account.namespace}:${account.name}`;
}

import { createHash } from 'node:crypto';
import { Document, stringify, visit } from 'yaml';
import type { NamespacedName, ServiceAccount } from '../api/kubernetes.js';
import { printable } from '../k8s/util/text.js';

/** What a tenant applies in its namespace so that the operator may request tokens of that one ServiceAccount. */
export function tokenGrant(account: ServiceAccount, operator: string): object[] {
  const metadata = { name: grantName(account), namespace: account.namespace };
  const resources = ['serviceaccounts/token'];
  const rule = { apiGroups: [''], resources, resourceNames: [account.name], verbs: ['create'] };
  return roleAndBinding(metadata, [rule], subjectOf(operator));
}

/** A Role, and a RoleBinding of the same name that gives it to one subject. */
export function roleAndBinding(metadata: NamespacedName, rules: object[], subject: object): object[] {
  const apiGroup = 'rbac.authorization.k8s.io';
  const apiVersion = `${apiGroup}/v1`;
  const roleRef = { apiGroup, kind: 'Role', name: metadata.name };
  return [
    { apiVersion, kind: 'Role', metadata, rules },
    { apiVersion, kind: 'RoleBinding', metadata, roleRef, subjects: [subject] },
  ];
}

/** The longest that Kubernetes takes for a Role. */
const MAX_NAME = 253;

function grantName({ name }: ServiceAccount): string {
  const full = `config-weaver-token-${name}`;
  return full.length <= MAX_NAME ? full : nameWithDigest(full, name, MAX_NAME);
}

/** A digest of `identity` keeps names apart that are cut to `maxLength`. */
export function nameWithDigest(readable: string, identity: string, maxLength: number): string {
  const digest = createHash('sha256').update(identity).digest('hex').slice(0, 10);
  return `${readable.slice(0, maxLength - digest.length - 1).replace(/(?<![-.])[-.]+$/, '')}-${digest}`;
}

/** Several manifests as one YAML stream for `kubectl apply -f -`. */
export function toYaml(manifests: readonly object[]): string {
  return manifests.map((manifest) => `---\n${quoted(manifest).toString({ lineWidth: 0 })}`).join('');
}

/**
 * kubectl reads YAML 1.1 as well, where a ServiceAccount called `no` or `0b11` would be no text. What a terminal is not to
 * see is quoted too: its escapes mean the same there.
 */
function quoted(manifest: object): Document {
  const document = new Document(manifest);
  visit(document, {
    Scalar(_key, scalar) {
      const { value } = scalar;
      if (typeof value !== 'string') return;
      const isPlain = stringify(value, { version: '1.1' }) === `${value}\n` && printable(value) === value;
      if (!isPlain) scalar.type = 'QUOTE_DOUBLE';
    },
  });
  return document;
}

/** The RBAC subject of a user name as the API server knows it. */
function subjectOf(username: string): object {
  const [system, kind, namespace, name] = username.split(':');
  if (system === 'system' && kind === 'serviceaccount') return { kind: 'ServiceAccount', namespace, name };
  return { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: username };
}

import type { ConfigMapSync } from '../../api/v1alpha1/config-map-sync.js';
import type { Verb } from '../../api/v1alpha1/config-map-sync-status.js';
import { isDenied } from '../../sync/outcomes.js';
import { accountOf } from '../../controller/plan-request.js';
import { requiredVerbs } from '../../sync/required-rbac.js';
import { sourceGrant, targetGrant } from '../audit/report/required-rbac.js';
import { tokenGrant } from '../../tenant/token-grant.js';
import type { KubernetesObject } from '../../k8s/client/objects.js';
import { copyName, selectTargets, sourceOf } from '../../sync/targets.js';
import { serviceAccountUsername } from '../../api/kubernetes.js';
import type { AccessReviewer, Attempt } from './access-reviewer.js';
import { selectableNamespaces } from '../plan/cluster-view.js';

/**
 * Roles and RoleBindings that are not there: of the token, the source, then each target in order. list and watch alone are
 * no reason for one.
 * @param operator The operator's user name.
 */
export async function missingGrants(
  sync: ConfigMapSync,
  targets: readonly string[],
  { operator, reviewer }: { operator: string; reviewer: Pick<AccessReviewer, 'allowsAll'> },
): Promise<object[]> {
  const account = accountOf(sync);
  const username = serviceAccountUsername(account);
  const source = sourceOf(sync.spec, account.namespace);
  const verbs = requiredVerbs(sync);
  const requestToken = { verb: 'create', resource: 'serviceaccounts', subresource: 'token', ...account };
  const unless = async (user: string, attempts: Attempt[], grant: () => object[]): Promise<object[]> =>
    (await reviewer.allowsAll(user, attempts)) ? [] : grant();
  const grants = await Promise.all([
    unless(operator, [requestToken], () => tokenGrant(account, operator)),
    unless(username, [attempt('get', source.namespace, source.name)], () => sourceGrant(sync)),
    ...targets.map((namespace) =>
      unless(
        username,
        verbs.map((verb) => attempt(verb, namespace, copyName(sync.spec))),
        () => targetGrant(sync, namespace),
      ),
    ),
  ]);
  return grants.flat();
}

/**
 * Where a ConfigMapSync needs rights: its targets, and where it was denied to remove what it left behind. `unknown` are
 * those of its spec that do not exist.
 * @param namespaces Undefined where the caller may not list them: those that the spec names are taken to exist.
 * @throws Error where a selector needs the list.
 */
export function targetsOf(
  sync: ConfigMapSync,
  namespaces: readonly KubernetesObject[] | undefined,
): { targets: string[]; unknown: string[] } {
  const known = selectableNamespaces(sync, namespaces);
  const { wanted } = selectTargets(sync.spec, sync.metadata.namespace ?? '', known);
  const denied = (sync.status?.targets ?? []).filter(isDenied).map(({ namespace }) => namespace);
  const all = [...new Set([...wanted, ...denied])].sort();
  if (namespaces === undefined) return { targets: all, unknown: [] };
  const exists = new Set(known.map(({ name }) => name));
  return {
    targets: all.filter((name) => exists.has(name)),
    unknown: all.filter((name) => !exists.has(name)),
  };
}

/** As the API server sees the real request: a create has no name when it is authorized. */
function attempt(verb: Verb, namespace: string, name: string): Attempt {
  return { verb, resource: 'configmaps', namespace, ...(verb !== 'create' && { name }) };
}

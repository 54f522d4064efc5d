import type { ConfigMapSync } from '../../api/v1alpha1/config-map-sync.js';
import type { Verb } from '../../api/v1alpha1/config-map-sync-status.js';
import { serviceAccountUsername } from '../../api/kubernetes.js';
import type { KubernetesObject } from '../../k8s/client/objects.js';
import { isDenied } from '../../sync/outcomes.js';
import {
  accountOf,
  copyName,
  requiredVerbs,
  selectorOf,
  selectTargets,
  sourceOf,
  SYSTEM_PREFIX,
} from '../../sync/targets.js';
import { tokenGrant, toYaml } from '../../tenant/token-grant.js';
import { sourceGrant, targetGrant } from '../audit/report/required-rbac.js';
import { Caller } from '../caller.js';
import type { CommandContext } from '../command.js';
import { readSyncs } from '../manifest-file.js';
import { selectableNamespaces } from '../plan/cluster-view.js';
import { remark, writeOut } from '../terminal.js';
import { AccessReviewer, type Attempt } from './access-reviewer.js';
import type { GrantOptions } from './grant-command.js';

/** Prints what is missing as YAML, remarks on standard error. */
export async function grant(options: GrantOptions, { env, stdout, stderr }: CommandContext): Promise<void> {
  const caller = await Caller.connect({ kubeconfig: options.kubeconfig, env });
  try {
    const syncs = await syncsOf(options, caller, stderr);
    const namespaces = await caller.listNamespaces();
    const reviewer = new AccessReviewer(caller.client, caller.signal);
    const operator = options.operatorServiceAccount;
    const manifests: object[] = [];
    for (const sync of syncs) {
      const { targets, unknown } = targetsOf(sync, namespaces);
      for (const namespace of unknown) {
        remark(stderr, `there is no namespace "${namespace}": its grant is left out until there is`);
      }
      manifests.push(...(await missingGrants(sync, targets, { operator, reviewer })));
    }
    if (reviewer.refusal !== undefined) {
      remark(stderr, `everything that is needed is printed, whether it is there or not: ${reviewer.refusal}`);
    }
    // ConfigMapSyncs that share a ServiceAccount share its grants.
    const byContent = new Map(manifests.map((manifest) => [JSON.stringify(manifest), manifest]));
    const unique = [...byContent.values()] as KubernetesObject[];
    const isLeftOut = ({ metadata: { namespace = '' } }: KubernetesObject): boolean =>
      !options.includeSystemNamespaces &&
      (namespace.startsWith(SYSTEM_PREFIX) || namespace === operator.split(':')[2]);
    const leftOut = new Set(unique.filter(isLeftOut).map(({ metadata }) => metadata.namespace));
    if (leftOut.size > 0) {
      const why = 'rights there may be worth more than copies; --include-system-namespaces prints them';
      remark(stderr, `left out, in system namespaces: ${[...leftOut].join(', ')}: ${why}`);
    }
    const printed = unique.filter((manifest) => !isLeftOut(manifest));
    if (printed.length > 0) await writeOut(stdout, toYaml(printed));
    else if (leftOut.size === 0) remark(stderr, `nothing is missing: ${syncs.map(described).join(', ')}`);
  } finally {
    await caller.close();
  }
}

async function syncsOf(
  { filename: file, name, namespace }: GrantOptions,
  caller: Caller,
  stderr: NodeJS.WritableStream,
): Promise<ConfigMapSync[]> {
  if (file !== undefined) return readSyncs({ file, namespace, caller, stderr });
  const where = namespace ?? caller.namespace;
  const sync = await caller.findSync(where, name ?? '');
  if (sync === undefined) {
    throw new Error(
      `there is no ConfigMapSync "${name ?? ''}" in namespace "${where}": give its namespace by -n, or a file by -f`,
    );
  }
  return [sync];
}

function described(sync: ConfigMapSync): string {
  const { namespace, name } = accountOf(sync);
  return `ServiceAccount ${namespace}/${name} has what ConfigMapSync ${namespace}/${sync.metadata.name} needs`;
}

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
    ...targets.map((namespace) => {
      const attempts = verbs.map((verb) => attempt(verb, namespace, copyName(sync.spec)));
      return unless(username, attempts, () => targetGrant(sync, namespace));
    }),
  ]);
  return grants.flat();
}

/**
 * Where a ConfigMapSync needs rights: its targets, and where it was denied to remove what it left behind. `unknown` are
 * those of its spec that do not exist.
 * @param namespaces Undefined where the caller may not list them: those that the spec names are taken to exist.
 * @throws Error where a selector needs the list.
 */
export function targetsOf(sync: ConfigMapSync, namespaces: readonly KubernetesObject[] | undefined) {
  const known = selectableNamespaces(sync, namespaces);
  const reaches = selectorOf(sync.spec);
  const names = known.filter(({ metadata }) => reaches?.(metadata)).map(({ metadata }) => metadata.name);
  const { wanted } = selectTargets(sync.spec, sync.metadata.namespace ?? '', names);
  const denied = (sync.status?.targets ?? []).filter(isDenied).map(({ namespace }) => namespace);
  const all = [...new Set([...wanted, ...denied])].sort();
  const exists = new Set(namespaces === undefined ? all : known.map(({ metadata }) => metadata.name));
  const unknown = all.filter((name) => !exists.has(name));
  return { targets: all.filter((name) => exists.has(name)), unknown };
}

/** As the API server sees the real request: a create has no name when it is authorized. */
function attempt(verb: Verb, namespace: string, name: string): Attempt {
  return { verb, resource: 'configmaps', namespace, ...(verb !== 'create' && { name }) };
}

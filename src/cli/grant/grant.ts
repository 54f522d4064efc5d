import type { ConfigMapSync } from '../../api/v1alpha1/config-map-sync.js';
import { accountOf } from '../../controller/plan-request.js';
import { toYaml } from '../../tenant/token-grant.js';
import { AccessReviewer } from './access-reviewer.js';
import { Caller } from '../caller.js';
import { type CommandContext, remark, writeOut } from '../command.js';
import type { GrantOptions } from './grant-command.js';
import { missingGrants, targetsOf } from './grant-planner.js';
import { readSyncsOf } from '../manifest-file.js';

/** Prints what is missing as YAML, remarks on standard error. */
export async function grant(options: GrantOptions, { env, stdout, stderr }: CommandContext): Promise<void> {
  const caller = await Caller.connect({ kubeconfig: options.kubeconfig, env });
  try {
    const syncs = await readSyncs(options, caller, stderr);
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
    if (manifests.length === 0) {
      remark(stderr, `nothing is missing: ${syncs.map(described).join(', ')}`);
      return;
    }
    await writeOut(stdout, toYaml(withoutRepetitions(manifests)));
  } finally {
    await caller.close();
  }
}

async function readSyncs(
  { filename, name, namespace }: GrantOptions,
  caller: Caller,
  stderr: NodeJS.WritableStream,
): Promise<ConfigMapSync[]> {
  if (filename !== undefined) return readSyncsOf(filename, namespace, { caller, stderr });
  const where = namespace ?? caller.namespace;
  const sync = await caller.findSync(where, name ?? '');
  if (sync === undefined) {
    throw new Error(
      `there is no ConfigMapSync "${name ?? ''}" in namespace "${where}": give its namespace by -n, or a file by -f`,
    );
  }
  return [sync];
}

/** ConfigMapSyncs that share a ServiceAccount share its grants. */
function withoutRepetitions(manifests: readonly object[]): object[] {
  return [...new Map(manifests.map((manifest) => [JSON.stringify(manifest), manifest])).values()];
}

function described(sync: ConfigMapSync): string {
  const { namespace, name } = accountOf(sync);
  return `ServiceAccount ${namespace}/${name} has what ConfigMapSync ${namespace}/${sync.metadata.name} needs`;
}

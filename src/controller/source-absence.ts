import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import { cleanUpNamespaces, enterLeftovers, removeAll } from './clean-up.js';
import { keepTargets } from './judgement.js';
import { specChanged, sweep } from './sweep.js';
import type { SyncRun } from './sync-run.js';
import { mayHoldCopy, type TargetOutcome } from './target-outcome.js';

const CONFIG_MAP_GONE = 'ConfigMapNotFound';
const NAMESPACE_GONE = 'SourceNamespaceNotFound';
const GONE = [CONFIG_MAP_GONE, NAMESPACE_GONE];

/**
 * The tenant may not read its source: copies stay as they are, under every policy, for whether the source is gone
 * cannot be known.
 * @param names What copies may be called.
 */
export async function sourceDenied(run: SyncRun, names: ReadonlySet<string>): Promise<void> {
  const { draft, source, session, signal } = run;
  const { access } = session.namespace(source.namespace);
  access.invalidate();
  // Asked so that it is asked again: a grant then heals by itself.
  await access.verdict(source.name, ['get'], signal);
  const message = `${session.tenant.username} may not get configmaps "${source.name}" in namespace "${source.namespace}": grant get there, and list and watch for changes to arrive at once`;
  draft.fail('SourceConfigMapFound', 'SourceDenied', message);
  await keepWanted(run, names, {
    state: 'Stale',
    reason: 'SourceDenied',
    message: 'the source may not be read any more',
  });
}

/**
 * There is no source, and the tenant may know it: `spec.sourceDeletionPolicy` says what becomes of the copies.
 * @param names What copies may be called.
 */
export async function sourceGone(run: SyncRun, names: ReadonlySet<string>): Promise<void> {
  const { draft, source, namespaces } = run;
  if (namespaces.state(source.namespace) === 'missing') {
    const message = `there is no namespace "${source.namespace}" to find ConfigMap "${source.name}" in`;
    draft.fail('SourceConfigMapFound', NAMESPACE_GONE, message);
  } else {
    const message = `there is no ConfigMap "${source.name}" in namespace "${source.namespace}"`;
    draft.fail('SourceConfigMapFound', CONFIG_MAP_GONE, message);
  }
  if (run.sync.spec.sourceDeletionPolicy === 'Delete') await removeCopies(run, names);
  else await keepWanted(run, names, 'kept');
}

/** The namespaces that are no target any more are cleared all the same. */
async function keepWanted(
  run: SyncRun,
  names: ReadonlySet<string>,
  lost: TargetOutcome | 'kept',
): Promise<void> {
  await sweep(run, new Map(), names);
  keepTargets(run, run.selection.wanted, lost);
}

async function removeCopies(run: SyncRun, names: ReadonlySet<string>): Promise<void> {
  const { before, selection, sync } = run;
  // A copy of a former name may be where the status tells of something else, such as a conflict over the new name.
  const news = specChanged(sync) || !wasSourceGone(sync);
  const held = cleanUpNamespaces(run).filter((namespace) => {
    const target = before.get(namespace);
    // What the last status does not tell of may hold a copy: the status may have been lost.
    return news || target === undefined || mayHoldCopy(target);
  });
  const { leftovers } = await removeAll(run, 'delete', held, names);
  enterLeftovers(run, leftovers);
  keepTargets(run, selection.wanted, 'removed');
}

/** True where the last status says already that there is no source. */
function wasSourceGone({ status }: ConfigMapSync): boolean {
  const condition = status?.conditions?.find(({ type }) => type === 'SourceConfigMapFound');
  return condition?.status === 'False' && GONE.includes(condition.reason);
}

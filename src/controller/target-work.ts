import type { CopyTemplate } from '../sync/copy-template.js';
import { isDenied, outcomeOf, SYNCED } from '../sync/outcomes.js';
import { removalMode, type Desired, type SyncPlan, type TargetOutcome } from '../sync/result.js';
import { requiredVerbs } from '../sync/targets.js';
import type { Session } from '../tenant/tenancy.js';
import type { NamespaceLister } from './namespace-lister.js';
import type { PlanRequest } from './planner.js';

/**
 * How a target stands where watches and reviews vouch for it that nothing is to be done; undefined where an attempt has to
 * find out.
 */
export function currentOutcome(
  { known, sync }: PlanRequest,
  session: Session,
  namespaces: Pick<NamespaceLister, 'state'>,
  namespace: string,
  { name, fingerprint }: CopyTemplate,
): TargetOutcome | undefined {
  const previous = known.previous(namespace);
  const view = session.opened(namespace);
  const access = view?.access.known(name, requiredVerbs(sync));
  if (previous === undefined || view === undefined || access === undefined) return undefined;
  const { missing } = access;
  if (isDenied(previous)) {
    const same = known.reported?.serviceAccount === session.tenant.username;
    const unchanged = missing.length > 0 && missing.join() === previous.missingVerbs?.join();
    return same && unchanged ? outcomeOf(previous) : undefined;
  }
  if (previous.state !== 'Synced' || missing.length > 0 || !view.isCurrent(name, fingerprint))
    return undefined;
  if (namespaces.state(namespace) !== 'active') return undefined;
  const { copies } = known.record(namespace);
  return copies.length === 1 && copies[0]?.name === name ? SYNCED : undefined;
}

/**
 * Copies in namespaces that are no target any more go, whatever becomes of the others.
 * @param held Where a copy of ours is, or may be.
 */
export function unwantedWork(
  { running, sync }: PlanRequest,
  { selection }: SyncPlan,
  held: ReadonlySet<string>,
): Map<string, Desired> {
  const wanted = new Set(selection.wanted);
  const unwanted = [...new Set([...held, ...running()])].filter((each) => !wanted.has(each));
  return new Map(unwanted.map((namespace) => [namespace, removalMode(sync)]));
}

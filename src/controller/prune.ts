import { sameNamespacedName } from '../api/kubernetes.js';
import type { CopyReference, Verb } from '../api/v1alpha1/config-map-sync-status.js';
import { contentJson, contentOf } from '../sync/config-map.js';
import { leftoverOutcome, NOT_EVALUATED } from '../sync/outcomes.js';
import type { Leftover, RemovalMode, TargetResult } from '../sync/result.js';
import { copyName } from '../sync/targets.js';
import { Refused, type Attempt } from './attempt.js';

/** Somebody else writes the copy while it is removed: a few looks settle it. */
const ATTEMPTS = 4;

/**
 * Removes the recorded copies of one target but the one called `keep`. Where the record may have been lost, the name that
 * the spec knows is looked at too.
 */
export async function prune(attempt: Attempt, mode: RemovalMode, keep?: string): Promise<TargetResult> {
  const { namespace, plan } = attempt.item;
  const names = new Set(attempt.copies.map(({ name }) => name));
  if (keep === undefined && attempt.item.record.lost) names.add(copyName(plan.sync.spec));
  const leftovers: Leftover[] = [];
  for (const name of names) {
    // The source is never removed, whatever the record says. It may be a copy of ours again when it is the source no more.
    if (name === keep || sameNamespacedName({ namespace, name }, plan.source)) continue;
    const left = await remove(attempt, name, mode);
    if (left !== undefined) leftovers.push(left);
  }
  const retry = leftovers.some(({ missingVerb }) => missingVerb === undefined) ? 'backoff' : undefined;
  const outcome = leftovers.length === 0 ? NOT_EVALUATED : leftoverOutcome(leftovers);
  return attempt.result(outcome, { leftovers, retry });
}

/** @returns what is left where it cannot be removed. */
async function remove(attempt: Attempt, name: string, mode: RemovalMode): Promise<Leftover | undefined> {
  const recorded = attempt.copies.some((copy) => copy.name === name);
  for (let tries = 1; ; tries += 1) {
    try {
      const existing = await attempt.read(name, (found) => {
        const content = mode === 'delete' || !found ? Buffer.alloc(0) : contentJson(contentOf(found));
        return found && { metadata: found.metadata, content };
      });
      if (existing === undefined || !attempt.isOwn(existing.metadata)) {
        attempt.forgetCopy(name);
        return undefined;
      }
      attempt.confirm(existing.metadata);
      await attempt.remove(existing, mode);
      return undefined;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const { code } = error.cause;
      if (code === 404) {
        attempt.forgetCopy(name);
        return undefined;
      }
      if (code === 409 && tries < ATTEMPTS) continue;
      // Where nothing is recorded and nothing could be seen, no copy is assumed.
      if (error.verb === 'get' && !recorded) return undefined;
      return await leftover(attempt, name, error);
    }
  }
}

/** A 403 may be RBAC's or an admission policy's: the reviews tell which. */
async function leftover(attempt: Attempt, name: string, refused: Refused): Promise<Leftover> {
  const { verb, cause } = refused;
  const { namespace, session } = attempt.item;
  if (cause.code === 403) {
    const { access } = session.namespace(namespace);
    access.invalidate();
    const { missing } = await access.verdict(name, [verb], attempt.signal);
    const message = `${session.tenant.username} may not ${verb} it`;
    if (missing.length > 0) return { namespace, name, message, missingVerb: verb };
  }
  if (!refused.isDecision) throw cause;
  return { namespace, name, message: cause.message };
}

/** The copies that stay where something is missing: those recorded, as far as the ServiceAccount may still look. */
export async function remainingCopies(
  attempt: Attempt,
  copyName: string,
  missing: readonly Verb[],
): Promise<readonly CopyReference[]> {
  const { copies } = attempt;
  if (missing.includes('get') || (copies.length === 0 && !attempt.item.record.lost)) return copies;
  const left: CopyReference[] = [];
  try {
    for (const name of new Set([copyName, ...copies.map((copy) => copy.name)])) {
      const metadata = await attempt.read(name, (found) => found?.metadata);
      if (metadata && attempt.isOwn(metadata)) left.push({ name, uid: metadata.uid ?? '' });
    }
    return left;
  } catch (error) {
    if (error instanceof Refused) return copies;
    throw error;
  }
}

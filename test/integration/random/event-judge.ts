import { NEEDED_VERBS } from '../../../hack/rig/rbac.js';
import type { EventObject } from '../../../hack/rig/tenant.js';
import type { ServiceAccount } from '../../../src/api/kubernetes.js';
import type { ConfigMapSyncSpec } from '../../../src/api/v1alpha1/config-map-sync-spec.js';
import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';

/** An Event with the times at which it happened. */
export interface TimedEvent extends EventObject {
  metadata: { name: string; namespace: string };
  eventTime: string;
  series?: { count: number; lastObservedTime: string };
}

type Reason = 'NamespaceDenied' | 'NamespaceAllowed';

interface Occurrence {
  reason: Reason;
  at: number;
}

/** From its time on, until that of the next one. Times are in milliseconds since the epoch. */
interface Since<T> {
  at: number;
  value: T;
}

/**
 * What was found out may be so old when its Event is recorded: permissions are not reviewed again for each use, and while the API
 * server is not well, the status comes late, and the Event with it.
 */
const LAG_MS = 20_000;
/** So much later may a step be written down than it took effect. */
const STEP_MS = 1_000;

/**
 * Holds each Event about permissions to what the permissions really were: `NamespaceDenied` is true where something was
 * missing at some time since the Event before, `NamespaceAllowed` where nothing was at some time since the last denial.
 */
export class EventJudge {
  /** By account and namespace. */
  readonly #rights = new Map<string, Since<ReadonlySet<string>>[]>();
  /** By uid. */
  readonly #specs = new Map<string, Since<ConfigMapSyncSpec>[]>();
  /** By uid and namespace, oldest first. */
  readonly #occurrences = new Map<string, Occurrence[]>();
  /** The last count of each Event that was judged, by its name. */
  readonly #judged = new Map<string, number>();
  #problems: string[] = [];
  /** How many were judged. */
  count = 0;

  specWritten({ metadata, spec }: ConfigMapSync): void {
    append(this.#specs, metadata.uid, { at: Date.now(), value: spec });
  }

  /** To be called after each step. @param rights None for an account that is not there. */
  noteRights(account: ServiceAccount, namespace: string, rights: ReadonlySet<string>): void {
    const key = `${account.namespace}/${account.name} ${namespace}`;
    const last = this.#rights.get(key)?.at(-1)?.value;
    if (last?.size === rights.size && [...last].every((verb) => rights.has(verb))) return;
    append(this.#rights, key, { at: Date.now(), value: new Set(rights) });
  }

  /** @returns all false ones so far, in words */
  judge(events: readonly TimedEvent[]): string[] {
    const fresh = events.flatMap((event) => this.#occurrencesOf(event));
    for (const { event, occurrence } of fresh.sort((a, b) => a.occurrence.at - b.occurrence.at)) {
      this.#judge(event, occurrence);
    }
    return this.#problems;
  }

  #occurrencesOf(event: TimedEvent): { event: TimedEvent; occurrence: Occurrence }[] {
    const { metadata, reason, related, series, eventTime } = event;
    if ((reason !== 'NamespaceDenied' && reason !== 'NamespaceAllowed') || related === undefined) return [];
    const name = `${metadata.namespace}/${metadata.name}`;
    const before = this.#judged.get(name) ?? 0;
    const count = series?.count ?? 1;
    this.#judged.set(name, count);
    return [
      ...(before === 0 ? [eventTime] : []),
      ...(series !== undefined && count > Math.max(before, 1) ? [series.lastObservedTime] : []),
    ].map((time) => ({ event, occurrence: { reason, at: Date.parse(time) } }));
  }

  #judge({ regarding, related, note }: TimedEvent, occurrence: Occurrence): void {
    const { reason, at } = occurrence;
    const namespace = related?.name ?? '';
    const key = `${regarding.uid} ${namespace}`;
    const earlier = (this.#occurrences.get(key) ?? []).filter((other) => other.at < at);
    const last = earlier.findLast(
      (other) => reason === 'NamespaceDenied' || other.reason === 'NamespaceDenied',
    );
    append(this.#occurrences, key, occurrence);
    this.count += 1;
    const from = (last?.at ?? -Infinity) - LAG_MS;
    const moments = this.#moments(regarding, namespace, from, at + STEP_MS);
    const isTrue = reason === 'NamespaceDenied' ? isMissing : isComplete;
    const when = new Date(at).toISOString();
    const what = `${regarding.namespace}/${regarding.name}: ${reason} for ${namespace} at ${when} is false (${note})`;
    if (reason === 'NamespaceAllowed' && last === undefined) {
      this.#problems.push(`${what}: nothing was denied before`);
    } else if (!moments.some((moment) => isTrue(moment, namespace))) {
      const since = moments.map(
        ({ spec, rights }) => `${spec.serviceAccount.name}: ${[...rights].join(' ')}`,
      );
      this.#problems.push(`${what}; the permissions since the one before: ${since.join('; ')}`);
    }
  }

  /**
   * Each spec of that time with all that its account was permitted in it: the operator may know of a change of permissions
   * later than of one of the spec, also where the ServiceAccount is another one now.
   */
  #moments(
    { uid, namespace: home }: TimedEvent['regarding'],
    namespace: string,
    from: number,
    to: number,
  ): Moment[] {
    return during(this.#specs.get(uid), from, to).flatMap((spec) => {
      const key = `${home}/${spec.serviceAccount.name} ${namespace}`;
      return during(this.#rights.get(key), from, to).map((rights) => ({ spec, rights }));
    });
  }
}

interface Moment {
  spec: ConfigMapSyncSpec;
  rights: ReadonlySet<string>;
}

function isMissing({ rights }: Moment): boolean {
  return NEEDED_VERBS.some((verb) => !rights.has(verb));
}

/** Where no copy is desired, it takes only what removes one. */
function isComplete({ spec, rights }: Moment, namespace: string): boolean {
  const isTarget =
    spec.namespaceSelector !== undefined || spec.syncToNamespaces?.includes(namespace) === true;
  const removing = spec.deletionPolicy === 'Delete' ? ['delete'] : [];
  const needed = isTarget ? ['get', 'create', 'update', ...removing] : removing;
  return needed.every((verb) => rights.has(verb));
}

function append<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

/** All values that held at some time of that span. */
function during<T>(list: readonly Since<T>[] = [], from: number, to: number): T[] {
  return list
    .filter(({ at }, index) => at <= to && (list[index + 1]?.at ?? Infinity) >= from)
    .map(({ value }) => value);
}

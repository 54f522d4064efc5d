import { isDeepStrictEqual } from 'node:util';
import {
  CONDITION_TYPES,
  MAX_CONDITION_MESSAGE,
  type Condition,
  type ConditionStatus,
  type ConditionType,
} from '../api/v1alpha1/condition.js';
import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import {
  MAX_TARGETS,
  type ConfigMapSyncStatus,
  MAX_TARGET_MESSAGE,
  type TargetStatus,
} from '../api/v1alpha1/config-map-sync-status.js';
import { isDenied } from '../reporting/denial.js';
import type { TargetOutcome } from './target-outcome.js';

interface Verdict {
  status: ConditionStatus;
  reason: string;
  message: string;
}

/**
 * The next status of one ConfigMapSync, collected in memory while a reconcile runs and written once at its end. What
 * nobody decides stays `Unknown`; times move only with what they stamp.
 */
export class StatusDraft {
  readonly #sync: ConfigMapSync;
  readonly #now: string;
  readonly #conditions = new Map<ConditionType, Verdict>();
  readonly #targets = new Map<string, TargetOutcome>();
  readonly #leftovers = new Map<string, TargetOutcome>();
  readonly #before: ReadonlyMap<string, TargetStatus>;
  #source: { sourceResourceVersion: string; contentHash: string } | undefined;
  readonly #serviceAccount: string;
  #ready: Verdict | undefined;
  #kept = false;
  #observedGeneration: number | undefined;

  /** @param now RFC 3339 with seconds, as metav1.Time has it. */
  constructor(sync: ConfigMapSync, serviceAccount: string, now: string) {
    this.#sync = sync;
    this.#before = new Map((sync.status?.targets ?? []).map((target) => [target.namespace, target]));
    this.#serviceAccount = serviceAccount;
    this.#now = now;
    this.#observedGeneration = this.#generation;
  }

  pass(type: ConditionType, reason: string, message = ''): void {
    this.#conditions.set(type, { status: 'True', reason, message });
  }

  fail(type: ConditionType, reason: string, message: string): void {
    this.#conditions.set(type, { status: 'False', reason, message });
  }

  /** A reason for Ready=False that is not one of the other conditions. */
  notReady(reason: string, message: string): void {
    this.#ready = { status: 'False', reason, message };
  }

  /** `sourceResourceVersion` is that of the content: labels on the source move its version, not what was copied. */
  source(resourceVersion: string, contentHash: string): void {
    const { sourceResourceVersion, contentHash: before } = this.#sync.status ?? {};
    const unchanged = before === contentHash && sourceResourceVersion !== undefined;
    this.#source = {
      sourceResourceVersion: unchanged ? sourceResourceVersion : resourceVersion,
      contentHash,
    };
  }

  target(namespace: string, outcome: TargetOutcome): void {
    this.#targets.set(namespace, outcome);
  }

  /** A namespace that is no target any more and still holds a copy of ours. */
  leftover(namespace: string, outcome: TargetOutcome): void {
    this.#leftovers.set(namespace, outcome);
  }

  /** Everything stays as it was last found. */
  keep(): void {
    this.#kept = true;
  }

  /** Nothing was found out: all stays as it was last found, for the generation for which it was. */
  brokenOff(reason: string, message: string): void {
    this.#kept = true;
    this.#ready = { status: 'Unknown', reason, message };
    this.#observedGeneration = this.#sync.status?.observedGeneration;
  }

  /** True where `status` is what the object has already: nothing to write. */
  equals(status: ConfigMapSyncStatus): boolean {
    const before = this.#sync.status;
    return before !== undefined && isDeepStrictEqual(plain(before), plain(status));
  }

  build(): ConfigMapSyncStatus {
    if (this.#kept) {
      return {
        ...(this.#sync.status ?? {}),
        ...(this.#observedGeneration !== undefined && { observedGeneration: this.#observedGeneration }),
        serviceAccount: this.#serviceAccount,
        conditions: CONDITION_TYPES.map((type) => this.#condition(type)),
      };
    }
    // Where the source has its own place now and a copy of ours is left, that copy is what there is to tell.
    const targets = [...new Map([...this.#targets, ...this.#leftovers])]
      .map(([namespace, outcome]) => this.#target(namespace, outcome))
      .sort((a, b) => (a.namespace < b.namespace ? -1 : 1));
    const wanted = [...this.#targets.values()].filter(({ state }) => state !== 'Skipped');
    const synced = wanted.filter(({ state }) => state === 'Synced').length;
    const status = {
      observedGeneration: this.#generation,
      serviceAccount: this.#serviceAccount,
      summary: `${synced}/${wanted.length}`,
      wantedTargets: wanted.length,
      syncedTargets: synced,
      deniedTargets: targets.filter(isDenied).length,
      ...(this.#source ?? keptSource(this.#sync.status)),
      conditions: CONDITION_TYPES.map((type) => this.#condition(type)),
    };
    const room = MAX_OBJECT_BYTES - bytesOf({ ...this.#sync, status });
    return { ...status, targets: fitting(bounded(targets), room) };
  }

  get #generation(): number {
    return this.#sync.metadata.generation ?? 0;
  }

  #condition(type: ConditionType): Condition {
    const verdict = type === 'Ready' ? this.#summary() : this.#verdict(type);
    const before = this.#sync.status?.conditions?.find((condition) => condition.type === type);
    return {
      type,
      status: verdict.status,
      observedGeneration: this.#generation,
      lastTransitionTime: before?.status === verdict.status ? before.lastTransitionTime : this.#now,
      reason: verdict.reason,
      message: cut(verdict.message, MAX_CONDITION_MESSAGE),
    };
  }

  #verdict(type: ConditionType): Verdict {
    const before = this.#kept
      ? this.#sync.status?.conditions?.find((condition) => condition.type === type)
      : undefined;
    return (
      this.#conditions.get(type) ??
      before ?? { status: 'Unknown', reason: 'NotEvaluated', message: 'not looked at yet' }
    );
  }

  /** Ready speaks for the first condition that is not True. */
  #summary(): Verdict {
    if (this.#ready !== undefined) return this.#ready;
    const parts = CONDITION_TYPES.filter((type) => type !== 'Ready').map((type) => this.#verdict(type));
    const obstacle =
      parts.find(({ status }) => status === 'False') ?? parts.find(({ status }) => status === 'Unknown');
    return (
      obstacle ?? { status: 'True', reason: 'ReconciliationComplete', message: 'every target is in step' }
    );
  }

  #target(namespace: string, { state, reason, message, missingVerbs }: TargetOutcome): TargetStatus {
    const before = this.#before.get(namespace);
    return {
      namespace,
      state,
      reason,
      ...(message && { message: cut(message, MAX_TARGET_MESSAGE) }),
      ...(missingVerbs && missingVerbs.length > 0 && { missingVerbs }),
      lastTransitionTime: before?.state === state ? before.lastTransitionTime : this.#now,
    };
  }
}

function keptSource(
  status: ConfigMapSyncStatus | undefined,
): Pick<ConfigMapSyncStatus, 'sourceResourceVersion' | 'contentHash'> {
  const { sourceResourceVersion, contentHash } = status ?? {};
  return { ...(sourceResourceVersion && { sourceResourceVersion }), ...(contentHash && { contentHash }) };
}

/**
 * etcd takes 1.5 MiB for a request. The API server leaves out managed fields where an object would be larger with them;
 * the rest is for what it adds.
 */
const MAX_OBJECT_BYTES = 1.5 * 1024 * 1024 - 32 * 1024;
/** A message that would have to be shorter says nothing. */
const MIN_MESSAGE_BYTES = 24;

/** Where the targets take more than these bytes as JSON, their messages share what the rest leaves. */
function fitting(targets: TargetStatus[], room: number): TargetStatus[] {
  if (bytesOf(targets) <= room) return targets;
  const withMessage = (target: TargetStatus, message: string): TargetStatus => {
    const changed: TargetStatus = Object.assign({}, target, { message });
    if (message === '') delete changed.message;
    return changed;
  };
  const bare = targets.map((target) => withMessage(target, ''));
  const share = (room - bytesOf(bare)) / targets.length - bytesOf({ message: '' });
  return targets.map((target) => withMessage(target, cutToBytes(target.message ?? '', share)));
}

/** Empty where hardly anything would be left. */
function cutToBytes(message: string, most: number): string {
  const size = (text: string): number => bytesOf(text) - bytesOf('');
  let short = message;
  for (let points = Math.floor(most); size(short) > most; points = Math.floor(points * 0.75)) {
    if (points < MIN_MESSAGE_BYTES) return '';
    short = cut(message, points);
  }
  return short;
}

/** As the API server stores it: JSON in UTF-8, in which Go writes six characters for each of these. */
function bytesOf(value: unknown): number {
  const json = JSON.stringify(value);
  return Buffer.byteLength(json) + 5 * (json.match(/[<>&\u2028\u2029]/g)?.length ?? 0);
}

/** Where there are too many targets to list, those in step are left out first. */
function bounded(targets: TargetStatus[]): TargetStatus[] {
  if (targets.length <= MAX_TARGETS) return targets;
  const troubled = targets.filter(({ state }) => state !== 'Synced');
  const inStep = targets.filter(({ state }) => state === 'Synced');
  return [...troubled, ...inStep].slice(0, MAX_TARGETS).sort((a, b) => (a.namespace < b.namespace ? -1 : 1));
}

/** The API server counts code points and refuses the whole status over one message that is too long. */
function cut(message: string, most: number): string {
  if (message.length <= most) return message;
  const points = Array.from(message);
  return points.length <= most ? message : `${points.slice(0, most - 1).join('')}…`;
}

/** Without prototypes: an object of the API and one of ours are equal where their fields are. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}

import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import { FINALIZER } from '../api/v1alpha1/well-known.js';
import type { AuditTrail } from '../reporting/audit-trail.js';
import { noWork } from '../reporting/sync-work.js';
import { abortable } from '../k8s/util/async.js';
import type { Clock } from '../k8s/util/clock.js';
import { isApiError, RetryError } from '../k8s/client/errors.js';
import { objectKey, splitKey } from '../k8s/client/objects.js';
import type { ReadableStore } from '../k8s/cache/store.js';
import { namespacedNameKey, type ServiceAccount } from '../api/kubernetes.js';
import type { ConfigMap } from '../sync/config-map.js';
import { selectContent } from '../sync/content.js';
import { CopyTemplate } from '../sync/copy-template.js';
import { CycleDetector } from '../sync/cycle-detector.js';
import type { IsLiving } from '../sync/ownership.js';
import { copyName, selectTargets, sourceOf } from '../sync/target-selection.js';
import { IdentityError } from '../tenant/errors.js';
import type { Tenancy } from '../tenant/tenancy.js';
import type { ConfigMapSyncClient } from './config-map-sync-client.js';
import type { Removal } from './copy-remover.js';
import { Deletion } from './deletion.js';
import { inTurns } from './in-turns.js';
import { judgeTargets, keepTargets } from './judgement.js';
import type { NamespaceLister } from './namespace-lister.js';
import type { Pass } from './pass.js';
import { DriftLimiter } from './drift-limiter.js';
import { sourceDenied, sourceGone } from './source-absence.js';
import { Schedule, type Intervals } from './schedule.js';
import { StatusWriter } from './status-writer.js';
import { isClearable, sweep } from './sweep.js';
import { SyncMemory } from './sync-memory.js';
import type { Operation, OperationResult, SyncRun } from './sync-run.js';
import type { TargetOutcome } from './target-outcome.js';
import { TargetSync } from './target-sync.js';

export interface SyncMetrics {
  syncOperation(operation: Operation, result: OperationResult): void;
  /** From the change of a source, as it was noticed, to its last copy. */
  propagated(seconds: number): void;
}

export interface ConfigMapSyncControllerOptions {
  syncs: ReadableStore<ConfigMapSync>;
  client: ConfigMapSyncClient;
  namespaces: NamespaceLister;
  tenancy: Tenancy;
  audit: AuditTrail;
  metrics: SyncMetrics;
  intervals: Intervals;
  /** False for a namespace whose ConfigMapSyncs this operator does not see. */
  watchesNamespace: (namespace: string) => boolean;
  clock: Clock;
  random: () => number;
}

export interface ReconcileResult {
  requeueAfterMs?: number;
}

/** Brings one ConfigMapSync at a time in step. It computes from what is, never from what an event said. */
export class ConfigMapSyncController {
  readonly #options: ConfigMapSyncControllerOptions;
  readonly #memory: SyncMemory;
  readonly #deletion: Deletion;
  readonly #repairs: DriftLimiter;
  readonly #statusWriter: StatusWriter;
  readonly #schedule: Schedule;

  constructor(options: ConfigMapSyncControllerOptions) {
    this.#options = options;
    this.#memory = new SyncMemory(options.syncs);
    this.#repairs = new DriftLimiter(options.clock);
    this.#statusWriter = new StatusWriter({ ...options, memory: this.#memory });
    this.#schedule = new Schedule(options.intervals, options.random);
    this.#deletion = new Deletion({
      openRun: (pass, namespaces) => this.#openRun(pass, namespaces),
      namespaces: options.namespaces,
      timeoutMs: options.intervals.cleanUpTimeoutMs,
      clock: options.clock,
      memory: this.#memory,
    });
  }

  get memory(): SyncMemory {
    return this.#memory;
  }

  /** @throws whatever a retry may mend; the work queue retries with back-off. */
  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const lostMs = await this.#cleanUpLost(key, signal);
    const { requeueAfterMs = Infinity } = await this.#visit(key, signal);
    const nextMs = Math.min(lostMs, requeueAfterMs);
    return Number.isFinite(nextMs) ? { requeueAfterMs: nextMs } : {};
  }

  async #visit(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const sync = this.#memory.current(key);
    if (sync === undefined) return this.#forget(key);
    const leave = this.#options.tenancy.attend(accountOf(sync));
    try {
      return await this.#attended(sync, signal);
    } finally {
      leave();
    }
  }

  async #attended(sync: ConfigMapSync, signal: AbortSignal): Promise<ReconcileResult> {
    if (sync.metadata.deletionTimestamp !== undefined) return this.#delete(this.#begin(sync, signal));
    if (sync.spec.suspend) return this.#suspend(this.#begin(sync, signal));

    const fresh = !hasFinalizer(sync);
    const pass = this.#begin(fresh ? await this.#addFinalizer(sync, signal) : sync, signal);
    try {
      return await this.#carryOut(pass, fresh);
    } catch (error) {
      await this.#statusWriter.brokenOff(pass, error);
      throw error;
    }
  }

  async #carryOut(pass: Pass, fresh: boolean): Promise<ReconcileResult> {
    const run = await this.#identify(pass);
    if (run === undefined) return this.#finish(pass, this.#schedule.recoveryMs());
    const source = await this.#readSource(run);
    if (source === 'gone') return this.#finish(run, this.#schedule.nextLookMs(run));
    // A watch tells of changes of the source, not of the right to read it.
    if (source === 'denied') return this.#finish(run, this.#schedule.recoveryMs());
    return this.#synchronize(run, source, fresh);
  }

  #begin(sync: ConfigMapSync, signal: AbortSignal): Pass {
    const { namespace = '', name, uid } = sync.metadata;
    this.#memory.of(sync).names.add(copyName(sync.spec));
    return {
      key: objectKey(sync),
      sync,
      owner: { uid, namespace, name },
      account: accountOf(sync),
      source: sourceOf(sync.spec, namespace),
      selection: selectTargets(sync.spec, namespace, this.#options.namespaces.all()),
      before: new Map((sync.status?.targets ?? []).map((target) => [target.namespace, target])),
      draft: this.#statusWriter.draft(sync),
      audit: this.#options.audit.begin(sync),
      work: noWork(),
      signal,
    };
  }

  /** Whose rights count from here on. Undefined where there is no such identity: the draft says why. */
  async #identify(pass: Pass): Promise<SyncRun | undefined> {
    const { draft, selection, before } = pass;
    const look = [...new Set([...selection.wanted, ...before.keys()])];
    try {
      const run = await this.#openRun(pass, look);
      draft.pass('ValidServiceAccount', 'ServiceAccountValid');
      return run;
    } catch (error) {
      if (!(error instanceof IdentityError)) throw error;
      draft.fail('ValidServiceAccount', error.reason, error.message);
      pass.audit.identityRefused(error);
      const message = `spec.serviceAccount cannot be used: ${error.reason}`;
      const all = new Set([...selection.wanted, ...before.keys()]);
      keepTargets(pass, all, { state: 'Stale', reason: error.reason, message });
      return undefined;
    }
  }

  /** Opens the tenant's door and declares what will be looked at; `look` beyond the targets is not watched. */
  async #openRun(pass: Pass, look: readonly string[]): Promise<SyncRun> {
    const { sync, account, source, selection, audit } = pass;
    const opening = this.#options.tenancy.open(splitKey(pass.key), account, (decision) =>
      audit.decided(decision),
    );
    const session = await abortable(opening, pass.signal);
    const interests = new Map<string, Set<string>>(look.map((namespace) => [namespace, new Set()]));
    const care = (namespace: string, name: string): void => {
      interests.set(namespace, (interests.get(namespace) ?? new Set()).add(name));
    };
    if (sync.metadata.deletionTimestamp === undefined) {
      for (const namespace of selection.wanted) care(namespace, copyName(sync.spec));
      care(source.namespace, source.name);
    }
    session.setInterests(interests);
    // Its watch tells of changes also where the pass gets no further than to the source.
    if (interests.has(source.namespace)) session.namespace(source.namespace);
    return {
      ...pass,
      session,
      namespaces: this.#options.namespaces,
      isLiving: this.#isLiving,
      repairs: this.#repairs,
      onOperation: (operation, result) => this.#options.metrics.syncOperation(operation, result),
    };
  }

  /** Where there is nothing to copy, the draft says why, and what that means for the copies is done. */
  async #readSource(run: SyncRun): Promise<ConfigMap | 'denied' | 'gone'> {
    const { draft, source, session, signal } = run;
    const { names } = this.#memory.of(run.sync);
    try {
      const found = await session.configMaps.get<ConfigMap>(source.namespace, source.name, signal);
      draft.pass('SourceConfigMapFound', 'ConfigMapFound');
      return found;
    } catch (error) {
      if (isApiError(error, 403)) {
        await sourceDenied(run, names);
        return 'denied';
      }
      if (!isApiError(error, 404)) throw error;
      await sourceGone(run, names);
      return 'gone';
    }
  }

  async #synchronize(run: SyncRun, source: ConfigMap, fresh: boolean): Promise<ReconcileResult> {
    const { sync, account, draft, selection } = run;
    const resourceVersion = source.metadata.resourceVersion ?? '';
    const { content, missingKeys } = selectContent(source, sync.spec.keys);
    const template = new CopyTemplate({
      owner: run.owner,
      source: namespacedNameKey(run.source),
      sourceResourceVersion: resourceVersion,
      name: copyName(sync.spec),
      content,
      serviceAccount: account.name,
      labels: sync.spec.target?.labels,
      annotations: sync.spec.target?.annotations,
    });
    draft.source(resourceVersion, template.contentHash);
    const doubted = this.#doubtIsDue(run);
    const since = this.#memory.of(sync).changedAt ?? this.#options.clock.now();
    this.#memory.of(sync).changedAt = undefined;

    const lineage = new CycleDetector(sync, source.metadata, () => this.#options.syncs.list());
    const targets = new TargetSync(run, template, lineage);
    const outcomes = new Map<string, TargetOutcome>();
    const questionable: string[] = [];
    const visit = async (namespace: string): Promise<void> => {
      outcomes.set(namespace, await targets.bringInStep(namespace));
    };
    await inTurns(selection.wanted, async (namespace) => {
      if (doubted) run.session.namespace(namespace).doubt(template.name);
      if (await targets.isPlainlyAllowed(namespace)) await visit(namespace);
      else questionable.push(namespace);
    });
    // What is missing is asked last: a thousand denied targets keep no good one waiting.
    await inTurns(questionable, visit);
    const names = this.#memory.of(sync).names;
    const swept = await sweep(run, outcomes, names, fresh);
    if (isSettled(swept, outcomes)) keepOnly(names, template.name);
    judgeTargets(run, outcomes, missingKeys);

    this.#measure(run, outcomes, since, template.contentHash);
    const waits = [...outcomes.values()].flatMap(({ retryAfterMs }) => retryAfterMs ?? []);
    const result = await this.#finish(run, Math.min(this.#schedule.nextLookMs(run) ?? Infinity, ...waits));
    const retry = swept.retry || [...outcomes.values()].some((outcome) => outcome.retry === true);
    // The queue's own back-off: each attempt waits longer than the last. The source is looked at no less often for it.
    if (retry) throw new RetryError('some targets failed for reasons that may pass', result.requeueAfterMs);
    return result;
  }

  async #delete(pass: Pass): Promise<ReconcileResult> {
    const { sync, key, signal } = pass;
    if (!hasFinalizer(sync)) return {};
    const { names, orphaned } = this.#memory.of(sync);
    const keepMarks = orphaned || (sync.metadata.finalizers?.includes('orphan') ?? false);
    const verdict = await this.#deletion.carryOut(pass, keepMarks, names);
    if (verdict.state === 'blocked') {
      const result = await this.#finish(pass, Math.min(this.#schedule.recoveryMs(), verdict.givenUpInMs));
      const why = 'some copies could not be removed for reasons that may pass';
      if (verdict.retry) throw new RetryError(why, result.requeueAfterMs);
      return result;
    }
    try {
      this.#memory.of(sync).written = await this.#options.client.removeFinalizer(sync, signal);
    } catch (error) {
      if (!isApiError(error, 404)) throw error;
    }
    this.#options.tenancy.close(key);
    return {};
  }

  /** @returns milliseconds after which to look again; Infinity where nothing is left to do. */
  async #cleanUpLost(key: string, signal: AbortSignal): Promise<number> {
    let againMs = Infinity;
    for (const sync of this.#memory.lost(key)) {
      const pass = this.#begin(sync, signal);
      const verdict = await this.#deletion.carryOut(pass, false, this.#memory.of(sync).names);
      if (verdict.state === 'done') this.#memory.settle(sync);
      else againMs = Math.min(againMs, this.#schedule.recoveryMs(), verdict.givenUpInMs);
    }
    return againMs;
  }

  /** Touches nothing and watches nothing; what was last known stays in the status. */
  async #suspend(pass: Pass): Promise<ReconcileResult> {
    this.#options.tenancy.close(pass.key);
    pass.draft.keep();
    pass.draft.notReady('Suspended', 'spec.suspend is true: nothing is read, written or removed');
    return this.#finish(pass, undefined);
  }

  /** Writes the status where it differs, once, and tells what changed. */
  async #finish(pass: Pass, requeueAfterMs: number | undefined): Promise<ReconcileResult> {
    await this.#statusWriter.finish(pass);
    const resyncMs = this.#schedule.resyncMs();
    return { requeueAfterMs: Math.min(requeueAfterMs ?? resyncMs, resyncMs) };
  }

  async #addFinalizer(sync: ConfigMapSync, signal: AbortSignal): Promise<ConfigMapSync> {
    const written = await this.#options.client.addFinalizer(sync, signal);
    this.#memory.of(sync).written = written;
    return written;
  }

  #forget(key: string): ReconcileResult {
    const { namespace, name } = splitKey(key);
    this.#memory.forget(key);
    this.#options.tenancy.close(key);
    this.#options.audit.forget(namespace, name);
    return {};
  }

  /** Once in a resync interval everything is read, whatever watches make us believe. */
  #doubtIsDue({ sync }: SyncRun): boolean {
    const memory = this.#memory.of(sync);
    const now = this.#options.clock.now();
    if (now - memory.checkedAt < 0.8 * this.#options.intervals.resyncMs) return false;
    memory.checkedAt = now;
    return true;
  }

  #measure(run: SyncRun, outcomes: ReadonlyMap<string, TargetOutcome>, since: number, hash: string): void {
    const now = this.#options.clock.now();
    const contentIsNew = run.sync.status?.contentHash !== hash;
    const { created, updated } = run.work;
    if (contentIsNew && created + updated > 0) this.#options.metrics.propagated((now - since) / 1000);
    if ([...outcomes.values()].every(({ state }) => state === 'Synced')) run.audit.inStep(now);
  }

  readonly #isLiving: IsLiving = ({ uid, namespace }) =>
    !this.#options.watchesNamespace(namespace) ||
    this.#options.syncs.list().some(({ metadata }) => metadata.uid === uid);
}

function accountOf({ metadata, spec }: ConfigMapSync): ServiceAccount {
  return { namespace: metadata.namespace ?? '', name: spec.serviceAccount.name };
}

function hasFinalizer(sync: ConfigMapSync): boolean {
  return sync.metadata.finalizers?.includes(FINALIZER) ?? false;
}

/** True where no copy can be left under a name that copies had before. */
function isSettled({ leftovers }: Removal, outcomes: ReadonlyMap<string, TargetOutcome>): boolean {
  return leftovers.length === 0 && [...outcomes.values()].every(({ state }) => isClearable(state));
}

function keepOnly(names: Set<string>, name: string): void {
  names.clear();
  names.add(name);
}

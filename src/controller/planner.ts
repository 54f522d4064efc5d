import { namespacedNameKey, serviceAccountUsername } from '../api/kubernetes.js';
import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import { abortable, inSlices } from '../k8s/util/async.js';
import { selectContent, type ConfigMap } from '../sync/config-map.js';
import { CopyTemplate } from '../sync/copy-template.js';
import { ancestorsOf, CycleDetector, type SyncLookup } from '../sync/cycle-detector.js';
import type { Owner } from '../sync/ownership.js';
import { KEPT, STALE_SOURCE, leftoverOutcome, NOT_EVALUATED } from '../sync/outcomes.js';
import { failed, passed, removalMode, undecided, type SyncPlan, type TargetOutcome } from '../sync/result.js';
import { accountOf, copyName, selectTargets, sourceOf } from '../sync/targets.js';
import { IdentityError } from '../tenant/errors.js';
import type { AccessDecision } from '../tenant/tenant-config-maps.js';
import type { Session, Tenancy } from '../tenant/tenancy.js';
import type { NamespaceLister } from './namespace-lister.js';
import { readSource } from './source.js';
import type { SyncState } from './sync-state.js';
import { currentOutcome, unwantedWork } from './target-work.js';

/** A plan, and the means to carry it out. */
export interface Planned {
  plan: SyncPlan;
  /** Undefined where there is no identity. */
  session?: Session;
  cycles?: CycleDetector;
  /** With the whole content of the source: not to be kept for longer than it is needed. */
  template?: CopyTemplate;
  /** Why there is no identity. */
  refusal?: IdentityError;
}

export interface PlanRequest {
  sync: ConfigMapSync;
  /** What is known of its targets; not changed by planning. */
  known: SyncState;
  /** Namespaces where something is under way; asked when the plan is made, not before. */
  running: () => Iterable<string>;
  /** True: everything is read again, whatever watches say. */
  recheck: boolean;
  /** True at the very first plan: nothing can be left over from earlier ones. */
  fresh: boolean;
  /** Why no copy is to be written. */
  blocked?: string | undefined;
  since: number;
  signal: AbortSignal;
}

export interface PlannerOptions {
  tenancy: Pick<Tenancy, 'open'>;
  namespaces: Pick<NamespaceLister, 'state' | 'selectedBy'>;
  syncs: SyncLookup;
  /** False: sources and targets are looked at once and not watched. */
  watches: boolean;
  /** Called with each decision of the API server about a source. */
  onDecision: (sync: ConfigMapSync, decision: AccessDecision) => void;
}

/** Decides what is to be done for a ConfigMapSync: identity, source, targets. It waits for no target and writes nothing. */
export class Planner {
  readonly #options: PlannerOptions;

  constructor(options: PlannerOptions) {
    this.#options = options;
  }

  /** @throws ApiError and TokenRejectedError where something could not be found out. */
  async plan(request: PlanRequest): Promise<Planned> {
    const draft = await this.#look(request, 'sync');
    const session = await this.#identify(request, draft);
    if (session instanceof IdentityError) return this.#withoutIdentity(request, draft, session);
    const source = await readSource(request, draft, session, this.#options);
    const { sync, known, fresh } = request;
    const cycles = new CycleDetector(sync);
    const ancestors = typeof source === 'object' ? ancestorsOf(source.metadata, this.#options.syncs) : [];
    await inSlices(ancestors, (ancestor) => cycles.add(ancestor));
    // Nothing is awaited from here on: what is under way may have made a copy meanwhile.
    const held = known.namespacesWithCopies;
    const work = unwantedWork(request, draft, held);
    if (typeof source === 'object') return this.#sync(request, { ...draft, work }, source, session, cycles);
    const removes = source === 'gone' && sync.spec.sourceDeletionPolicy === 'Delete';
    const kept = source === 'gone' ? KEPT : STALE_SOURCE;
    const settled = new Map<string, TargetOutcome>();
    for (const namespace of draft.selection.wanted) {
      const isHeld = held.has(namespace);
      const isRemoved = removes && (isHeld || (!fresh && known.record(namespace).lost));
      if (isRemoved) work.set(namespace, 'delete');
      else settled.set(namespace, isHeld ? kept : NOT_EVALUATED);
    }
    return { plan: { ...draft, purpose: 'hold', work, settled }, session };
  }

  /** Removes all copies, as the policy says. */
  async finalize(request: PlanRequest): Promise<Planned> {
    const draft = await this.#look(request, 'finalize');
    const { sync, known } = request;
    const doubtful = request.fresh ? [] : draft.selection.wanted.filter((each) => known.record(each).lost);
    const candidates = (): Set<string> =>
      new Set([...known.namespacesWithCopies, ...doubtful, ...request.running()]);
    if (candidates().size === 0) return { plan: draft };
    const session = await this.#identify(request, draft, candidates());
    if (session instanceof IdentityError) {
      return { plan: this.#outOfReach(request, draft, session.reason), refusal: session };
    }
    const work = new Map([...candidates()].map((namespace) => [namespace, removalMode(sync)]));
    return { plan: { ...draft, work }, session };
  }

  /** The copies stay as they are, marks and all, for a successor of the same name to take over. */
  orphaned(request: PlanRequest): SyncPlan {
    return this.#begin(request, 'finalize');
  }

  /** Copies are to be removed, and for too long nothing could be found out. */
  unreachable(request: PlanRequest, why: string): SyncPlan {
    return this.#outOfReach(request, this.#begin(request, 'finalize'), why);
  }

  /** Touches nothing and watches nothing; what was last known stays in the status. */
  async suspended(request: PlanRequest): Promise<SyncPlan> {
    const Ready = failed('Suspended', 'spec.suspend is true: nothing is read, written or removed');
    return { ...(await this.#look(request, 'suspend')), conditions: { Ready } };
  }

  /** No plan could be made: all stays as it was last found. */
  unknown(request: PlanRequest, message: string): SyncPlan {
    return { ...this.#begin(request, 'unknown'), conditions: { Ready: undecided('SyncFailed', message) } };
  }

  /** Copies that cannot be removed for want of an identity; what is in a namespace that goes, goes with it. */
  #outOfReach({ known }: PlanRequest, draft: SyncPlan, why: string): SyncPlan {
    const message = `spec.serviceAccount cannot be used: ${why}`;
    const leftovers = [...known.namespacesWithCopies]
      .filter((namespace) => this.#options.namespaces.state(namespace) === 'active')
      .flatMap((namespace) =>
        known.record(namespace).copies.map(({ name }) => ({ namespace, name, message })),
      );
    const byNamespace = Map.groupBy(leftovers, ({ namespace }) => namespace);
    const settled = new Map([...byNamespace].map(([namespace, rest]) => [namespace, leftoverOutcome(rest)]));
    return { ...draft, leftovers, settled };
  }

  async #look(request: PlanRequest, purpose: SyncPlan['purpose']): Promise<SyncPlan> {
    return this.#begin(request, purpose, await this.#options.namespaces.selectedBy(request.sync.spec));
  }

  /** @param selected Names of namespaces; left out where nothing is to be done in any target. */
  #begin(
    { sync, since, blocked }: PlanRequest,
    purpose: SyncPlan['purpose'],
    selected: string[] = [],
  ): SyncPlan {
    const { namespace = '', name, uid, creationTimestamp } = sync.metadata;
    const owner: Owner = { uid, namespace, name, creationTimestamp };
    return {
      purpose,
      sync,
      owner,
      username: serviceAccountUsername(accountOf(sync)),
      source: sourceOf(sync.spec, namespace),
      selection: selectTargets(sync.spec, namespace, selected),
      conditions: blocked === undefined ? {} : { Ready: undecided('SyncFailed', blocked) },
      work: new Map(),
      settled: new Map(),
      since,
      ...(blocked !== undefined && { blocked }),
    };
  }

  /** Opens the tenant's door and declares what is watched; `only` is looked at and not watched. */
  async #identify(
    { sync, known, signal }: PlanRequest,
    { owner, selection, source, conditions }: SyncPlan,
    only?: Iterable<string>,
  ): Promise<Session | IdentityError> {
    const { tenancy, watches } = this.#options;
    const watched = watches && only === undefined;
    try {
      const session = await abortable(tenancy.open(owner, accountOf(sync)), signal);
      const looked = only ?? [...known.namespacesWithCopies, ...selection.wanted, source.namespace];
      const interests = new Map<string, Set<string>>([...looked].map((namespace) => [namespace, new Set()]));
      if (watched) {
        for (const namespace of selection.wanted) interests.get(namespace)?.add(copyName(sync.spec));
        interests.get(source.namespace)?.add(source.name);
      }
      session.setInterests(interests);
      // Its watch tells of changes also where the plan gets no further than to the source.
      if (watched) session.namespace(source.namespace);
      conditions.ValidServiceAccount = passed('ServiceAccountValid');
      return session;
    } catch (error) {
      if (!(error instanceof IdentityError)) throw error;
      conditions.ValidServiceAccount = failed(error.reason, error.message);
      return error;
    }
  }

  #withoutIdentity(request: PlanRequest, draft: SyncPlan, refusal: IdentityError): Planned {
    const { reason } = refusal;
    const message = `spec.serviceAccount cannot be used: ${reason}`;
    const stale: TargetOutcome = { state: 'Stale', reason, message };
    const settled = new Map(draft.selection.wanted.map((namespace) => [namespace, NOT_EVALUATED]));
    for (const namespace of request.known.namespacesWithCopies) settled.set(namespace, stale);
    return { plan: { ...draft, purpose: 'hold', settled }, refusal };
  }

  #sync(
    request: PlanRequest,
    draft: SyncPlan,
    source: ConfigMap,
    session: Session,
    cycles: CycleDetector,
  ): Planned {
    const { sync } = request;
    const { content, missingKeys } = selectContent(source, sync.spec.keys);
    const resourceVersion = source.metadata.resourceVersion ?? '';
    const template = new CopyTemplate({
      owner: draft.owner,
      source: namespacedNameKey(draft.source),
      sourceResourceVersion: resourceVersion,
      name: copyName(sync.spec),
      content,
      serviceAccount: sync.spec.serviceAccount.name,
      labels: sync.spec.target?.labels,
      annotations: sync.spec.target?.annotations,
    });
    const work = new Map(draft.work);
    const settled = new Map<string, TargetOutcome>();
    const running = new Set(request.running());
    for (const namespace of draft.selection.wanted) {
      if (request.recheck) session.opened(namespace)?.invalidate(template.name);
      const outcome =
        running.has(namespace) || cycles.mayCycle
          ? undefined
          : currentOutcome(request, session, this.#options.namespaces, namespace, template);
      if (outcome !== undefined) settled.set(namespace, outcome);
      else work.set(namespace, 'copy');
    }
    const read = { resourceVersion, hash: template.contentHash, missingKeys };
    return { plan: { ...draft, content: read, work, settled }, session, cycles, template };
  }
}

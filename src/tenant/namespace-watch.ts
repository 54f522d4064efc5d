import { MetadataWatcher, type MetadataWatcherHandlers } from '../k8s/cache/metadata-watcher.js';
import type { Clock } from '../k8s/util/clock.js';
import { isApiError } from '../k8s/client/errors.js';
import { apiPath } from '../k8s/client/api-path.js';
import { CopyCache, type Observation } from './copy-cache.js';
import { NamespaceAccess } from './namespace-access.js';
import type { ReviewPace } from '../k8s/util/review-pace.js';
import type { Tenant } from './tenant.js';

/** Why a ConfigMapSync should look again. */
export type Cause =
  /** A ConfigMap of a name it cares for changed. */
  | 'changed'
  /** The tenant's rights changed. */
  | 'access'
  /** A watch opened: what was seen before it may have changed unseen. */
  | 'covered';

export interface NamespaceWatchOptions {
  tenant: Tenant;
  namespace: string;
  clock: Clock;
  random: () => number;
  /** How often rights are re-checked while something is missing, and otherwise. */
  recheck: { deniedMs: number; allowedMs: number };
  pace: ReviewPace;
  notify: (sync: string, cause: Cause) => void;
  /** It has ended: with the tenant, or because nobody uses it any more. Called once. */
  onEnded?: () => void;
}

/** A watch and what it lets us rely on: of the whole namespace, or of one name where only that is allowed. */
interface Scope {
  feed: MetadataWatcher;
  copies: CopyCache;
  stop: AbortController;
}

/** The scope that covers every name. */
const ALL = '';

/** How long a watch that does not get going keeps its place among the requests, in milliseconds. */
const OPENING_MS = 10_000;

/**
 * One tenant's view of one namespace, shared by all ConfigMapSyncs that use the two: its rights, one watch, and which
 * copies are known to be in step. Ends with the tenant.
 */
export class NamespaceWatch {
  readonly access: NamespaceAccess;
  readonly #options: NamespaceWatchOptions;
  /** Names each ConfigMapSync cares for. */
  readonly #interests = new Map<string, ReadonlySet<string>>();
  readonly #scopes = new Map<string, Scope>();
  /**
   * Watches that were refused, or broke, although nothing said that they would, and when they may be tried again
   * (milliseconds since the epoch). A change of rights lets them be tried at once.
   */
  readonly #refused = new Map<string, number>();
  readonly #ended = new AbortController();
  readonly #onTenantEnded = (): void => this.#end(this.#options.tenant.ended.reason);
  #checkedAt: number;

  constructor(options: NamespaceWatchOptions) {
    this.#options = options;
    this.access = new NamespaceAccess(options.tenant, options.namespace, () => void this.#openScopes());
    // Taken off again when this ends first: a tenant sees namespaces come and go for as long as the operator runs.
    options.tenant.dependents.add(this.#onTenantEnded);
    this.#checkedAt = options.clock.now();
    void this.#recheckUntilClosed();
  }

  /** True while a watch tells of every change of this name. */
  covers(name: string): boolean {
    return this.#scope(name)?.copies.covered ?? false;
  }

  get watches(): number {
    return this.#scopes.size;
  }

  /** Milliseconds since the epoch of the watch that has been silent for longest; undefined without a watch. */
  get lastProgress(): number | undefined {
    const progress = [...this.#scopes.values()].filter(({ copies }) => copies.covered);
    return progress.length === 0 ? undefined : Math.min(...progress.map(({ feed }) => feed.lastProgress));
  }

  isCurrent(name: string, fingerprint: string): boolean {
    return this.#scope(name)?.copies.isCurrent(name, fingerprint) ?? false;
  }

  /** To be called before a read or write of `name`, whose answer is then confirmed; see {@link Observation}. */
  track(name: string, sync: string): Observation {
    return this.#scope(name)?.copies.track(name, sync) ?? { confirm: () => undefined, end: () => undefined };
  }

  /** Everything known of these names is looked at again. */
  invalidate(name: string): void {
    this.#scope(name)?.copies.invalidate(name);
  }

  /** Replaces what `sync` cares for here, and opens the watches that this takes and the rights allow. */
  setInterest(sync: string, names: ReadonlySet<string>): void {
    const before = this.#interests.get(sync) ?? names;
    // What is still there from its last user may be of no use to this one.
    const isUnused = this.#interests.size === 0;
    this.#interests.set(sync, names);
    if (isUnused || [...before].some((name) => !names.has(name))) this.#dropUnused();
    void this.#openScopes([sync]);
  }

  /** @param onUnused Called where nobody else uses it; it goes on until {@link close}. Default: that. */
  dropInterest(sync: string, onUnused = (): void => this.close()): void {
    this.#interests.delete(sync);
    if (this.#interests.size === 0) onUnused();
    else this.#dropUnused();
  }

  close(): void {
    this.#end(new Error('no ConfigMapSync uses this namespace any more'));
  }

  #end(reason: unknown): void {
    if (this.#ended.signal.aborted) return;
    this.#options.tenant.dependents.delete(this.#onTenantEnded);
    this.#ended.abort(reason);
    this.#closeScopes(() => true);
    this.#options.onEnded?.();
  }

  #scope(name: string): Scope | undefined {
    return this.#scopes.get(ALL) ?? this.#scopes.get(name);
  }

  #notify(cause: Cause, name?: string, except?: string): void {
    for (const [sync, names] of this.#interests) {
      if (sync !== except && (name === undefined || names.has(name))) this.#options.notify(sync, cause);
    }
  }

  async #openScopes(syncs: readonly string[] = [...this.#interests.keys()]): Promise<void> {
    const wanted = (): string[] => syncs.flatMap((sync) => [...(this.#interests.get(sync) ?? [])]);
    if (wanted().length === 0) return;
    try {
      const rules = await this.access.rules(this.#ended.signal);
      const mayWatch = (name?: string): boolean => rules.allows('list', name) && rules.allows('watch', name);
      // What cannot be read need not be watched: many such targets would cost memory that nobody accounts for.
      const readable = wanted().filter((name) => !rules.complete || rules.allows('get', name));
      if (readable.length === 0) return;
      if (mayWatch()) {
        this.#open(ALL);
        return;
      }
      // Only trying tells where an authorizer cannot list its rules.
      if (!rules.complete && this.#open(ALL)) return;
      for (const name of readable) if (mayWatch(name)) this.#open(name);
    } catch {
      // Without rules there is no watch; the reconcile that asks for rights reports why.
    }
  }

  /** Ends the watches and forgets the verdicts that nobody cares for any more. */
  #dropUnused(): void {
    const wanted = new Set([...this.#interests.values()].flatMap((names) => [...names]));
    this.access.keepOnly(wanted);
    this.#closeScopes((name) => (name === ALL ? wanted.size === 0 : !wanted.has(name)));
  }

  #closeScopes(isUnused: (name: string) => boolean): void {
    for (const name of [...this.#scopes.keys()]) if (isUnused(name)) this.#closeScope(name);
  }

  #closeScope(name: string): void {
    const scope = this.#scopes.get(name);
    this.#scopes.delete(name);
    scope?.copies.uncover();
    scope?.stop.abort(new Error('nobody needs this watch any more'));
  }

  /** False where there is no such watch now, nor any use in trying. */
  #open(name: string): boolean {
    if (this.#scopes.has(name)) return true;
    if (this.#ended.signal.aborted) return false;
    const { tenant, namespace, clock, random } = this.#options;
    if (clock.now() < (this.#refused.get(name) ?? 0)) return false;
    this.#refused.delete(name);
    const feed = new MetadataWatcher({
      client: tenant.client,
      path: apiPath({ group: '', version: 'v1', namespace, resource: 'configmaps' }),
      ...(name === ALL ? {} : { query: { fieldSelector: `metadata.name=${name}` } }),
      userAgent: tenant.userAgent,
      clock,
      random,
      seat: async (signal) => {
        const leave = await tenant.acquire('background', signal);
        void clock.sleep(OPENING_MS, signal).then(leave, leave);
        return leave;
      },
    });
    const copies = new CopyCache((changed, except) => this.#notify('changed', changed, except));
    const scope = { feed, copies, stop: new AbortController() };
    this.#scopes.set(name, scope);
    void this.#follow(name, scope);
    return true;
  }

  async #follow(name: string, { feed, copies, stop: { signal } }: Scope): Promise<void> {
    try {
      const handlers: MetadataWatcherHandlers = {
        onOpen: () => {
          copies.cover();
          if (name === ALL) this.#closeScopes((other) => other !== ALL);
          this.#notify('covered', name === ALL ? undefined : name);
        },
        onChange: ({ metadata }) => copies.changed(metadata.name, metadata.resourceVersion),
        onClosed: () => copies.uncover(),
      };
      await feed.run(handlers, signal);
    } catch (error) {
      if (!signal.aborted) this.#watchFailed(name, error);
    }
  }

  /** Those concerned look again: without a watch they have to poll, and other rights may be gone with that to watch. */
  #watchFailed(name: string, error: unknown): void {
    const { tenant, clock, recheck } = this.#options;
    if (isApiError(error, 401)) {
      tenant.end();
      return;
    }
    this.#closeScope(name);
    this.#refused.set(name, clock.now() + recheck.allowedMs);
    if (isApiError(error, 403)) this.access.invalidate();
    this.#notify('access');
  }

  /** Rights may change without a word to us: an open watch outlives a revocation, and a grant is no event at all. */
  async #recheckUntilClosed(): Promise<void> {
    const { clock, random, recheck, pace, tenant } = this.#options;
    const { signal } = this.#ended;
    // Of a thousand namespaces that come together, each is looked at in a moment of its own from the first time on.
    let leastOfInterval = 0.1;
    while (!signal.aborted) {
      try {
        const share = leastOfInterval + (1 - leastOfInterval) * random();
        leastOfInterval = 0.8;
        await clock.sleep(recheck.deniedMs * share, signal);
        const waited = clock.now() - this.#checkedAt;
        // A clock that was set back must not put it off for as long.
        if (!this.access.denied && waited >= 0 && waited < recheck.allowedMs) continue;
        await pace.turn(tenant.account.namespace, signal);
        this.#checkedAt = clock.now();
        const changed = await this.access.recheck(signal);
        if (!changed && this.#refused.size === 0) continue;
        if (changed) {
          this.#refused.clear();
          this.#notify('access');
        }
        void this.#openScopes();
      } catch {
        // Unreachable, or the tenant has ended: the next round, or the tenant's successor, asks again.
      }
    }
  }
}

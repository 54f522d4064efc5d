import { ChangeFeed } from '../kube/change-feed.js';
import type { Clock } from '../kube/clock.js';
import { isApiError } from '../kube/errors.js';
import { apiPath } from '../kube/rest-client.js';
import { KnownCopies, type Observation } from './known-copies.js';
import { NamespaceAccess } from './namespace-access.js';
import type { Tenant } from './tenant.js';

/** Why a ConfigMapSync should look again. */
export type Cause =
  /** A ConfigMap of a name it cares for changed. */
  | 'changed'
  /** The tenant's rights changed. */
  | 'access'
  /** A watch opened: what was seen before it may have changed unseen. */
  | 'covered';

export interface TenantNamespaceOptions {
  tenant: Tenant;
  namespace: string;
  clock: Clock;
  random: () => number;
  /** How often rights are re-checked while something is missing, and otherwise. */
  recheck: { deniedMs: number; allowedMs: number };
  notify: (sync: string, cause: Cause) => void;
}

/** A watch and what it lets us rely on: of the whole namespace, or of one name where only that is allowed. */
interface Scope {
  feed: ChangeFeed;
  copies: KnownCopies;
  stop: AbortController;
}

/** The scope that covers every name. */
const ALL = '';

/**
 * One tenant's view of one namespace, shared by all ConfigMapSyncs that use the two: its rights, one watch, and which
 * copies are known to be in step. Ends with the tenant.
 */
export class TenantNamespace {
  readonly access: NamespaceAccess;
  readonly #options: TenantNamespaceOptions;
  /** Names each ConfigMapSync cares for. */
  readonly #interests = new Map<string, ReadonlySet<string>>();
  readonly #scopes = new Map<string, Scope>();
  /** Watches that the API server refused although nothing said that it would: not tried again until rights change. */
  readonly #refused = new Set<string>();
  readonly #closed = new AbortController();
  readonly #ended: AbortSignal;
  #checkedAt: number;

  constructor(options: TenantNamespaceOptions) {
    this.#options = options;
    this.access = new NamespaceAccess(options.tenant, options.namespace);
    this.#ended = AbortSignal.any([this.#closed.signal, options.tenant.ended]);
    this.#checkedAt = options.clock.now();
    void this.#recheckUntilClosed();
  }

  get unused(): boolean {
    return this.#interests.size === 0;
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

  isKnown(name: string, fingerprint: string): boolean {
    return this.#scope(name)?.copies.isKnown(name, fingerprint) ?? false;
  }

  /** To be called before a read or write of `name`, whose answer is then confirmed; see {@link Observation}. */
  observe(name: string, sync: string): Observation {
    return (
      this.#scope(name)?.copies.observe(name, sync) ?? { confirm: () => undefined, end: () => undefined }
    );
  }

  /** Everything known of these names is looked at again. */
  doubt(name: string): void {
    this.#scope(name)?.copies.forget(name);
  }

  /** Replaces what `sync` cares for here, and opens the watches that this takes and the rights allow. */
  setInterest(sync: string, names: ReadonlySet<string>): void {
    this.#interests.set(sync, names);
    void this.#openScopes();
  }

  dropInterest(sync: string): void {
    this.#interests.delete(sync);
    if (this.unused) this.close();
    else this.#closeUnusedScopes();
  }

  close(): void {
    this.#closed.abort(new Error('no ConfigMapSync uses this namespace any more'));
  }

  #scope(name: string): Scope | undefined {
    return this.#scopes.get(ALL) ?? this.#scopes.get(name);
  }

  #notify(cause: Cause, name?: string, except?: string): void {
    for (const [sync, names] of this.#interests) {
      if (sync !== except && (name === undefined || names.has(name))) this.#options.notify(sync, cause);
    }
  }

  async #openScopes(): Promise<void> {
    if ([...this.#interests.values()].every((names) => names.size === 0)) return;
    try {
      const rules = await this.access.rules(this.#ended);
      const mayWatch = (name?: string): boolean => rules.allows('list', name) && rules.allows('watch', name);
      if (!rules.complete || mayWatch()) {
        this.#open(ALL);
        return;
      }
      for (const names of this.#interests.values()) {
        for (const name of names) if (mayWatch(name)) this.#open(name);
      }
    } catch {
      // Without rules there is no watch; the reconcile that asks for rights reports why.
    }
  }

  #closeUnusedScopes(): void {
    const wanted = new Set([...this.#interests.values()].flatMap((names) => [...names]));
    for (const [name, { stop }] of this.#scopes) if (name !== ALL && !wanted.has(name)) stop.abort();
  }

  #open(name: string): void {
    if (this.#scopes.has(name) || this.#refused.has(name) || this.#ended.aborted) return;
    const { tenant, namespace, clock, random } = this.#options;
    const feed = new ChangeFeed({
      client: tenant.client,
      path: apiPath({ group: '', version: 'v1', namespace, resource: 'configmaps' }),
      ...(name === ALL ? {} : { query: { fieldSelector: `metadata.name=${name}` } }),
      userAgent: tenant.userAgent,
      clock,
      random,
    });
    const copies = new KnownCopies((changed, except) => this.#notify('changed', changed, except));
    const scope = { feed, copies, stop: new AbortController() };
    this.#scopes.set(name, scope);
    void this.#follow(name, scope);
  }

  async #follow(name: string, { feed, copies, stop }: Scope): Promise<void> {
    const signal = AbortSignal.any([this.#ended, stop.signal]);
    try {
      const release = await this.#options.tenant.acquire(signal);
      try {
        await feed.run(
          {
            onOpen: () => {
              release();
              copies.cover();
              this.#notify('covered', name === ALL ? undefined : name);
            },
            onChange: ({ metadata }) => copies.changed(metadata.name, metadata.resourceVersion),
            onClosed: () => copies.uncover(),
          },
          signal,
        );
      } finally {
        release();
      }
    } catch (error) {
      if (isApiError(error, 401)) this.#options.tenant.end();
      // The right to watch is gone, and others may be gone with it: those concerned ask again.
      if (isApiError(error, 403) && !signal.aborted) {
        this.#refused.add(name);
        this.access.invalidate();
        this.#notify('access');
      }
    } finally {
      copies.uncover();
      this.#scopes.delete(name);
    }
  }

  /** Rights may change without a word to us: an open watch outlives a revocation, and a grant is no event at all. */
  async #recheckUntilClosed(): Promise<void> {
    const { clock, random, recheck } = this.#options;
    while (!this.#ended.aborted) {
      try {
        await clock.sleep(recheck.deniedMs * (0.8 + 0.2 * random()), this.#ended);
        const waited = clock.now() - this.#checkedAt;
        if (!this.access.denied && waited < recheck.allowedMs) continue;
        this.#checkedAt = clock.now();
        if (await this.access.recheck(this.#ended)) {
          this.#refused.clear();
          this.#notify('access');
          void this.#openScopes();
        }
      } catch {
        // Unreachable, or the tenant has ended: the next round, or the tenant's successor, asks again.
      }
    }
  }
}

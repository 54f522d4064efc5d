import { SessionClosedError } from './errors.js';
import { Lingering } from './lingering.js';
import { ReviewPace } from '../k8s/util/review-pace.js';
import { namespacedNameKey, type NamespacedName, type ServiceAccount } from '../api/kubernetes.js';
import { TenantConfigMaps, type AccessDecision } from './tenant-config-maps.js';
import { NamespaceWatch, type NamespaceWatchOptions } from './namespace-watch.js';
import { TenantPool, type TenantPoolOptions } from './tenant-pool.js';
import type { Tenant } from './tenant.js';

export interface TenancyOptions extends TenantPoolOptions, Pick<NamespaceWatchOptions, 'random' | 'notify'> {
  /** Nothing is kept of this ServiceAccount any more: the last ConfigMapSync that used it is gone, or has left it for a while. */
  onUnused?: (account: ServiceAccount) => void;
}

/** What a reconcile acts with: a proven identity and its door to ConfigMaps. */
export interface Session {
  readonly tenant: Tenant;
  /** The way to ConfigMaps; `onDecision` is called with each decision of the API server. */
  configMaps(onDecision: (decision: AccessDecision) => void, options?: { dryRun: boolean }): TenantConfigMaps;
  /**
   * The tenant's view of a namespace; the first call opens it. One that was not declared with {@link setInterests} is
   * looked at and not watched.
   * @throws TokenRejectedError where the tenant has ended meanwhile.
   */
  namespace(name: string): NamespaceWatch;
  /** As {@link namespace}, but only where it is open; undefined elsewhere. */
  opened(name: string): NamespaceWatch | undefined;
  /**
   * Declares which names in which namespaces this ConfigMapSync cares for from now on, and drops the namespaces that it
   * cared for before. A namespace without names is looked at but not watched.
   * @throws TokenRejectedError where the tenant has ended meanwhile.
   */
  setInterests(interests: ReadonlyMap<string, ReadonlySet<string>>): void;
}

/** Which ConfigMapSync uses which tenant and which of its namespaces; opens what is needed and closes what is not. */
export class Tenancy {
  readonly #options: TenancyOptions;
  readonly #tenants: TenantPool;
  readonly #pace: ReviewPace;
  /** What each ConfigMapSync uses: a ServiceAccount, and by key the namespaces that it holds an interest in. */
  readonly #uses = new Map<string, { account: ServiceAccount; held: Set<string> }>();
  /** Who uses a ServiceAccount, by key: ten thousand ConfigMapSyncs may come and go. */
  readonly #users = new Map<string, Set<string>>();
  readonly #namespaces = new Map<string, NamespaceWatch>();
  /** Namespaces and ServiceAccounts that ConfigMapSyncs have left: to come back to them costs no review anew. */
  readonly #left: Lingering;
  readonly #lifetime = new AbortController();

  constructor(options: TenancyOptions) {
    this.#options = options;
    this.#tenants = new TenantPool(options);
    this.#pace = new ReviewPace(options.clock);
    this.#left = new Lingering(options.clock, this.#lifetime.signal);
  }

  get cachedTokens(): number {
    return this.#tenants.cachedTokens;
  }

  get watches(): number {
    return [...this.#namespaces.values()].reduce((sum, { watches }) => sum + watches, 0);
  }

  /** Names each watch that has made no progress since `deadline` (milliseconds since the epoch). */
  stalled(deadline: number): string[] {
    return [...this.#namespaces]
      .filter(([, namespace]) => (namespace.lastProgress ?? deadline) < deadline)
      .map(([key]) => key);
  }

  /** ConfigMapSyncs, by key, that use this ServiceAccount. */
  usersOf(account: ServiceAccount): string[] {
    return [...(this.#users.get(namespacedNameKey(account)) ?? [])];
  }

  /** @throws IdentityError where the ServiceAccount or its grant is missing. */
  async open(sync: NamespacedName, account: ServiceAccount): Promise<Session> {
    const key = namespacedNameKey(sync);
    const used = namespacedNameKey(account);
    const users = this.#users.get(used) ?? new Set();
    const isNew = !users.has(key);
    if (isNew) {
      this.#release(key, 'left');
      this.#uses.set(key, { account, held: new Set() });
      this.#users.set(used, users.add(key));
      this.#left.delete(used);
    }
    let tenant: Tenant;
    try {
      tenant = await this.#tenants.open(account, isNew);
    } finally {
      // Its last user may have gone meanwhile: then nobody else would forget what came of it.
      this.#forgetIfUnused(account);
    }
    const { userAgentPrefix } = this.#options;
    return {
      tenant,
      configMaps: (onDecision, options) =>
        new TenantConfigMaps(tenant, { ...sync, ...options, userAgentPrefix, onDecision }),
      ...this.#interests(key, tenant),
    };
  }

  /** The ConfigMapSync is gone, or does nothing for now: nothing is watched or kept for it. */
  close(sync: string): void {
    this.#release(sync, 'closed');
  }

  closeAll(): void {
    this.#lifetime.abort(new Error('shutting down'));
    for (const namespace of [...this.#namespaces.values()]) namespace.close();
    this.#tenants.close();
  }

  /**
   * Views are opened one at a time, when they are needed: a thousand at once would keep every other tenant waiting. What
   * a pass does not come to look at stays as the last one left it.
   */
  #interests(sync: string, tenant: Tenant): Pick<Session, 'namespace' | 'opened' | 'setInterests'> {
    let declared: ReadonlyMap<string, ReadonlySet<string>> = new Map();
    const opened = new Map<string, NamespaceWatch>();
    const open = (name: string): NamespaceWatch => {
      const use = this.#uses.get(sync);
      // Nobody would end the interest again.
      if (use === undefined) throw new SessionClosedError(`nothing is done for ${sync} any more`);
      const key = namespaceKey(tenant, name);
      const view = this.#namespaces.get(key) ?? this.#watch(key, tenant, name);
      use.held.add(key);
      this.#left.delete(key);
      view.setInterest(sync, declared.get(name) ?? new Set());
      opened.set(name, view);
      return view;
    };
    return {
      namespace: (name) => {
        // The tenant may have ended, and its namespaces with it, while a reconcile was under way.
        tenant.ended.throwIfAborted();
        return opened.get(name) ?? open(name);
      },
      opened: (name) => opened.get(name) ?? this.#namespaces.get(namespaceKey(tenant, name)),
      setInterests: (interests) => {
        // An ended tenant's successor has the same keys: it must not find what the dead one left.
        tenant.ended.throwIfAborted();
        declared = interests;
        opened.clear();
        const wanted = new Map([...interests.keys()].map((name) => [namespaceKey(tenant, name), name]));
        const use = this.#uses.get(sync);
        if (use === undefined) return;
        for (const key of use.held) {
          if (wanted.has(key)) continue;
          use.held.delete(key);
          this.#leave(sync, key);
        }
        // What is known there is relied on from now on, without a further look.
        for (const [key, name] of wanted) if (this.#left.has(key)) open(name);
      },
    };
  }

  #watch(key: string, tenant: Tenant, namespace: string): NamespaceWatch {
    // Not the other options: the operator's own client has no business at a tenant's ConfigMaps.
    const { clock, random, recheck, notify } = this.#options;
    const shared = { clock, random, recheck, notify, pace: this.#pace };
    const onEnded = (): void => {
      this.#namespaces.delete(key);
      this.#left.delete(key);
    };
    const view = new NamespaceWatch({ ...shared, tenant, namespace, onEnded });
    this.#namespaces.set(key, view);
    return view;
  }

  #release(sync: string, how: 'left' | 'closed'): void {
    const use = this.#uses.get(sync);
    if (use === undefined) return;
    this.#uses.delete(sync);
    const { account, held } = use;
    for (const key of held) {
      if (how === 'left') this.#leave(sync, key);
      else this.#namespaces.get(key)?.dropInterest(sync);
    }
    const used = namespacedNameKey(account);
    const users = this.#users.get(used);
    users?.delete(sync);
    if (users?.size !== 0) return;
    this.#users.delete(used);
    if (how === 'left') this.#left.add(used, 1, () => this.#forgetIfUnused(account));
    else this.#forgetIfUnused(account);
  }

  #leave(sync: string, key: string): void {
    const view = this.#namespaces.get(key);
    // A watch takes 28 KiB of heap, 3.5 are enough for what was denied.
    view?.dropInterest(sync, () => this.#left.add(key, 1 + 7 * view.watches, () => view.close()));
  }

  #forgetIfUnused(account: ServiceAccount): void {
    const key = namespacedNameKey(account);
    if (this.#users.has(key) || this.#left.has(key)) return;
    this.#tenants.forget(account);
    this.#options.onUnused?.(account);
  }
}

function namespaceKey(tenant: Tenant, namespace: string): string {
  return `${tenant.key} (${tenant.uid}) in ${namespace}`;
}

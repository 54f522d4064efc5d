import { SessionClosedError } from './errors.js';
import { ReviewPace } from '../k8s/util/review-pace.js';
import { namespacedNameKey, type NamespacedName, type ServiceAccount } from '../api/kubernetes.js';
import { TenantConfigMaps, type AccessDecision } from './tenant-config-maps.js';
import { NamespaceWatch, type NamespaceWatchOptions } from './namespace-watch.js';
import { TenantPool, type TenantPoolOptions } from './tenant-pool.js';
import type { Tenant } from './tenant.js';

export interface TenancyOptions
  extends TenantPoolOptions, Pick<NamespaceWatchOptions, 'random' | 'recheck' | 'notify'> {
  /** The last ConfigMapSync that used this ServiceAccount does so no more. */
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

  constructor(options: TenancyOptions) {
    this.#options = options;
    this.#tenants = new TenantPool(options);
    this.#pace = new ReviewPace(options.clock);
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
    const users = this.#users.get(namespacedNameKey(account)) ?? new Set();
    if (!users.has(key)) {
      this.close(key);
      this.#uses.set(key, { account, held: new Set() });
      this.#users.set(namespacedNameKey(account), users.add(key));
    }
    const tenant = await this.#tenants.open(account);
    // Its last user may have gone meanwhile: then nobody else would forget the token.
    this.#forgetIfUnused(account);
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
    const use = this.#uses.get(sync);
    if (use === undefined) return;
    this.#uses.delete(sync);
    for (const key of use.held) this.#namespaces.get(key)?.dropInterest(sync);
    const account = namespacedNameKey(use.account);
    const users = this.#users.get(account);
    users?.delete(sync);
    if (users?.size === 0) this.#users.delete(account);
    this.#forgetIfUnused(use.account);
  }

  closeAll(): void {
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
        const wanted = new Set([...interests.keys()].map((name) => namespaceKey(tenant, name)));
        const held = this.#uses.get(sync)?.held ?? new Set();
        for (const key of held) {
          if (wanted.has(key)) continue;
          held.delete(key);
          this.#namespaces.get(key)?.dropInterest(sync);
        }
      },
    };
  }

  #watch(key: string, tenant: Tenant, namespace: string): NamespaceWatch {
    // Not the other options: the operator's own client has no business at a tenant's ConfigMaps.
    const { clock, random, recheck, notify } = this.#options;
    const shared = { clock, random, recheck, notify, pace: this.#pace };
    const onEnded = (): boolean => this.#namespaces.delete(key);
    const view = new NamespaceWatch({ ...shared, tenant, namespace, onEnded });
    this.#namespaces.set(key, view);
    return view;
  }

  #forgetIfUnused(account: ServiceAccount): void {
    if (this.#users.has(namespacedNameKey(account))) return;
    this.#tenants.forget(account);
    this.#options.onUnused?.(account);
  }
}

function namespaceKey(tenant: Tenant, namespace: string): string {
  return `${tenant.key} (${tenant.uid}) in ${namespace}`;
}

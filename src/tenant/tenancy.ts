import type { Clock } from '../k8s/util/clock.js';
import { SessionClosedError } from './errors.js';
import { ReviewPace } from './review-pace.js';
import { serviceAccountKey, type ServiceAccount } from '../api/kubernetes.js';
import { TenantConfigMaps, type AccessDecision } from './tenant-config-maps.js';
import { NamespaceWatch, type Cause } from './namespace-watch.js';
import type { TenantPool } from './tenant-pool.js';
import type { Tenant } from './tenant.js';

export interface TenancyOptions {
  tenants: TenantPool;
  /** `config-weaver/<version>`. */
  userAgentPrefix: string;
  clock: Clock;
  random: () => number;
  recheck: { deniedMs: number; allowedMs: number };
  notify: (sync: string, cause: Cause) => void;
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
  readonly #pace: ReviewPace;
  readonly #accounts = new Map<string, ServiceAccount>();
  /** The same the other way round, ServiceAccounts by key: ten thousand ConfigMapSyncs may come and go. */
  readonly #users = new Map<string, Set<string>>();
  readonly #namespaces = new Map<string, NamespaceWatch>();
  /** Namespaces, by key, that each ConfigMapSync holds an interest in. */
  readonly #held = new Map<string, Set<string>>();

  constructor(options: TenancyOptions) {
    this.#options = options;
    this.#pace = new ReviewPace(options.clock);
  }

  get watches(): number {
    return this.#all().reduce((sum, namespace) => sum + namespace.watches, 0);
  }

  /** Names each watch that has made no progress since `deadline` (milliseconds since the epoch). */
  stalled(deadline: number): string[] {
    return [...this.#namespaces]
      .filter(([, namespace]) => (namespace.lastProgress ?? deadline) < deadline)
      .map(([key]) => key);
  }

  /** ConfigMapSyncs, by key, that use this ServiceAccount. */
  usersOf(account: ServiceAccount): string[] {
    return [...(this.#users.get(serviceAccountKey(account)) ?? [])];
  }

  /**
   * @param sync `namespace/name` of the ConfigMapSync.
   * @throws IdentityError where the ServiceAccount or its grant is missing.
   */
  async open(sync: { namespace: string; name: string }, account: ServiceAccount): Promise<Session> {
    const key = `${sync.namespace}/${sync.name}`;
    const previous = this.#accounts.get(key);
    if (previous === undefined || serviceAccountKey(previous) !== serviceAccountKey(account)) {
      this.#release(key);
      if (previous !== undefined) this.#leave(key, previous);
      this.#join(key, account);
    }
    const tenant = await this.#options.tenants.open(account);
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
    const account = this.#accounts.get(sync);
    this.#release(sync);
    if (account !== undefined) this.#leave(sync, account);
  }

  closeAll(): void {
    for (const namespace of this.#all()) namespace.close();
    this.#options.tenants.close();
  }

  #all(): NamespaceWatch[] {
    return [...this.#namespaces.values()];
  }

  /**
   * Views are opened one at a time, when they are needed: a thousand at once would keep every other tenant waiting. What
   * a pass does not come to look at stays as the last one left it.
   */
  #interests(sync: string, tenant: Tenant): Pick<Session, 'namespace' | 'opened' | 'setInterests'> {
    let declared: ReadonlyMap<string, ReadonlySet<string>> = new Map();
    const opened = new Map<string, NamespaceWatch>();
    const open = (name: string): NamespaceWatch => {
      // Nobody would end the interest again.
      if (!this.#accounts.has(sync)) throw new SessionClosedError(`nothing is done for ${sync} any more`);
      const names = declared.get(name) ?? new Set();
      const view = this.#namespace(tenant, name);
      this.#heldBy(sync).add(namespaceKey(tenant, name));
      view.setInterest(sync, names);
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
        const held = this.#heldBy(sync);
        for (const key of held) {
          if (wanted.has(key)) continue;
          held.delete(key);
          this.#dropInterest(sync, key);
        }
      },
    };
  }

  #namespace(tenant: Tenant, name: string): NamespaceWatch {
    const key = namespaceKey(tenant, name);
    let namespace = this.#namespaces.get(key);
    if (namespace === undefined) {
      const { clock, random, recheck, notify } = this.#options;
      const onEnded = (): boolean => this.#namespaces.delete(key);
      namespace = new NamespaceWatch({
        tenant,
        namespace: name,
        clock,
        random,
        recheck,
        pace: this.#pace,
        notify,
        onEnded,
      });
      this.#namespaces.set(key, namespace);
    }
    return namespace;
  }

  #heldBy(sync: string): Set<string> {
    const held = this.#held.get(sync) ?? new Set();
    this.#held.set(sync, held);
    return held;
  }

  #release(sync: string): void {
    for (const key of this.#held.get(sync) ?? []) this.#dropInterest(sync, key);
    this.#held.delete(sync);
  }

  #dropInterest(sync: string, key: string): void {
    this.#namespaces.get(key)?.dropInterest(sync);
  }

  #join(sync: string, account: ServiceAccount): void {
    this.#accounts.set(sync, account);
    const key = serviceAccountKey(account);
    const users = this.#users.get(key) ?? new Set();
    this.#users.set(key, users.add(sync));
  }

  #leave(sync: string, account: ServiceAccount): void {
    this.#accounts.delete(sync);
    const key = serviceAccountKey(account);
    const users = this.#users.get(key);
    users?.delete(sync);
    if (users?.size === 0) this.#users.delete(key);
    this.#forgetIfUnused(account);
  }

  #forgetIfUnused(account: ServiceAccount): void {
    if (this.#users.has(serviceAccountKey(account))) return;
    this.#options.tenants.forget(account);
    this.#options.onUnused?.(account);
  }
}

function namespaceKey(tenant: Tenant, namespace: string): string {
  return `${tenant.key} (${tenant.uid}) in ${namespace}`;
}

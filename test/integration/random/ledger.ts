import { ALL_VERBS } from '../../../hack/rig/rbac.js';
import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import type { ServiceAccount } from '../../../src/api/kubernetes.js';
import type { ConfigMapObject } from '../../support/tenant.js';
import { copyNameOf, removalOf } from './meaning.js';
import type { Refusing } from './steps.js';

/** The operations of a ConfigMap that admission refuses. */
export type Refused = ReadonlySet<'CREATE' | 'UPDATE' | 'DELETE'>;

interface Dying {
  sync: ConfigMapSync;
  /** Asked for with `--cascade=orphan`, or its policy is to orphan: what stays is meant to. */
  orphans: boolean;
}

/** What the story arranged, written down as it is done: who may do what, and which clean-ups could not succeed. */
export class Ledger {
  readonly #rights = new Map<string, Set<string>>();
  readonly #accounts = new Set<string>();
  /** Accounts, there or not, whose token the operator may request. */
  readonly #tokenGrants = new Set<string>();
  readonly #everywhere = new Set<string>();
  readonly #dying = new Map<string, Dying>();
  /** `uid namespace` where a copy could not be removed at some time while its owner was being deleted. */
  readonly #blocked = new Set<string>();
  readonly #orphaned = new Set<string>();
  /** Copies of the dead that the story itself made, by uid. */
  readonly #forged = new Set<string>();
  /** Names that the copies of an owner had before the last one, by uid. */
  readonly #names = new Map<string, Set<string>>();
  /** What policies and quotas refuse, by namespace. */
  readonly #refused = new Map<string, Refused>();
  /** Namespaces where a quota does it. */
  readonly #quotas = new Set<string>();
  #operatorStarts = 0;
  releasedBefore = false;
  /** The API server answers otherwise than it would: no clean-up is sure to succeed. */
  isDisturbed = false;

  get namesForgotten(): boolean {
    return this.#operatorStarts > 1;
  }

  operatorStarted(): void {
    this.#operatorStarts += 1;
  }

  rights(account: ServiceAccount, namespace: string): ReadonlySet<string> {
    const granted = this.#rights.get(`${keyOf(account)} ${namespace}`) ?? new Set();
    return this.#everywhere.has(keyOf(account)) ? new Set<string>(ALL_VERBS) : granted;
  }

  granted(account: ServiceAccount, namespace: string, verbs: readonly string[]): void {
    this.#rights.set(`${keyOf(account)} ${namespace}`, new Set(verbs));
  }

  grantedEverywhere(account: ServiceAccount): void {
    this.#everywhere.add(keyOf(account));
  }

  /** Grants, accounts and quotas in it go with it. */
  namespaceGone(namespace: string): void {
    for (const key of this.#rights.keys()) if (key.endsWith(` ${namespace}`)) this.#rights.delete(key);
    for (const key of this.#tokenGrants) if (key.startsWith(`${namespace}/`)) this.#tokenGrants.delete(key);
    if (this.#quotas.has(namespace)) this.lifted(namespace);
    for (const key of this.#accounts) if (key.startsWith(`${namespace}/`)) this.#accounts.delete(key);
  }

  /** A namespace of that name is refused also when it comes anew, but for a quota, which goes with it. */
  refused(namespace: string): Refused {
    return this.#refused.get(namespace) ?? new Set();
  }

  refusing(namespace: string, by: Refusing): void {
    if (by === 'quota') this.#quotas.add(namespace);
    this.#refused.set(namespace, new Set([by === 'quota' ? 'CREATE' : by]));
  }

  lifted(namespace: string): void {
    this.#refused.delete(namespace);
    this.#quotas.delete(namespace);
  }

  accountExists(account: ServiceAccount): boolean {
    return this.#accounts.has(keyOf(account));
  }

  tokenGranted(account: ServiceAccount): boolean {
    return this.#tokenGrants.has(keyOf(account));
  }

  accountCreated(account: ServiceAccount): void {
    this.#accounts.add(keyOf(account));
    this.#tokenGrants.add(keyOf(account));
  }

  /** Its grant stays. */
  accountDeleted(account: ServiceAccount): void {
    this.#accounts.delete(keyOf(account));
  }

  specWritten(sync: ConfigMapSync): void {
    const names = this.#names.get(sync.metadata.uid) ?? new Set();
    this.#names.set(sync.metadata.uid, names.add(copyNameOf(sync)));
    if (sync.spec.deletionPolicy === 'Orphan') this.releasedBefore = true;
  }

  deletionAsked(sync: ConfigMapSync, orphans: boolean): void {
    if (orphans) this.#orphaned.add(sync.metadata.uid);
    this.#dying.set(sync.metadata.uid, { sync, orphans });
  }

  forged(configMap: ConfigMapObject): void {
    this.#forged.add(configMap.metadata.uid);
  }

  /** To be called after each step: notes what cannot be removed as things are now. */
  noteBlocked(namespaces: readonly string[]): void {
    for (const [uid, { sync }] of this.#dying) {
      const account = { namespace: sync.metadata.namespace ?? '', name: sync.spec.serviceAccount.name };
      for (const namespace of namespaces) {
        const rights = this.rights(account, namespace);
        const removing = sync.spec.deletionPolicy === 'Delete' ? ['get', 'delete'] : ['get', 'update'];
        const findable = rights.has('list') || !this.namesForgotten || this.#names.get(uid)?.size === 1;
        const allowed = removing.every((verb) => rights.has(verb)) && !this.isDisturbed;
        const refused = this.refused(namespace).has(removalOf(sync));
        const able = this.accountExists(account) && allowed && findable && !refused;
        if (!able) this.#blocked.add(`${uid} ${namespace}`);
      }
    }
  }

  /** The dead are dead: nothing blocks their clean-up any more. */
  syncsGone(living: readonly ConfigMapSync[]): void {
    for (const uid of this.#dying.keys()) {
      if (!living.some(({ metadata }) => metadata.uid === uid)) this.#dying.delete(uid);
    }
  }

  mayBeLeftBehind(uid: string, { metadata }: ConfigMapObject): boolean {
    return (
      this.#orphaned.has(uid) ||
      this.#forged.has(metadata.uid) ||
      this.#blocked.has(`${uid} ${metadata.namespace}`)
    );
  }
}

function keyOf({ namespace, name }: ServiceAccount): string {
  return `${namespace}/${name}`;
}

import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import type { ConfigMapObject } from '../../support/tenant.js';
import type { TestApi } from '../../support/test-api.js';
import type { Ledger } from './ledger.js';
import type { ContentId, Scribble } from './steps.js';
import type { Strangers } from './strangers.js';

/** Drift is put back five times at once and then once a minute: so much is left for it in each life of the operator. */
const MOST_DRIFT = 4;

const DEAD_UID = '00000000-dead-4000-8000-000000000000';

interface NamespacedName {
  namespace: string;
  name: string;
}

/** Writes ConfigMaps behind the operator's back: sources, strangers in the way, and drift in copies. */
export class Meddler {
  readonly #api: TestApi;
  readonly #ledger: Ledger;
  readonly #strangers: Strangers;
  /** By owner and namespace. */
  readonly #drift = new Map<string, number>();

  constructor(api: TestApi, ledger: Ledger, strangers: Strangers) {
    this.#api = api;
    this.#ledger = ledger;
    this.#strangers = strangers;
  }

  /** A new operator knows nothing of earlier drift. */
  operatorStarted(): void {
    this.#drift.clear();
  }

  /** @param known Those that may own ConfigMaps. */
  async create(
    { namespace, name }: NamespacedName,
    content: ContentId,
    forgedOwner: ConfigMapSync | undefined,
    known: readonly ConfigMapSync[],
  ): Promise<void> {
    const labels = forgedOwner && { 'configmapsync.io/owner-uid': forgedOwner.metadata.uid };
    const body = { ...content, metadata: { name, labels } };
    const created = await this.#api.create<ConfigMapObject>({ resource: 'configmaps', namespace }, body);
    this.#ledger.forged(created);
    this.#strangers.wrote(created, known);
  }

  /** @param patch A JSON merge patch. */
  async patch(
    { namespace, name }: NamespacedName,
    patch: object,
    known: readonly ConfigMapSync[],
  ): Promise<void> {
    if (!(await this.#mayDrift({ namespace, name }))) return;
    const place = { resource: 'configmaps', namespace, name } as const;
    const patched = await this.#api.patch<ConfigMapObject>(place, patch);
    // Where its owner is suspended, nobody puts it back.
    if (patched.metadata.labels?.['configmapsync.io/owner-uid'] === DEAD_UID) this.#ledger.forged(patched);
    this.#strangers.wrote(patched, known);
  }

  async scribble(place: NamespacedName, what: Scribble, known: readonly ConfigMapSync[]): Promise<void> {
    await this.patch(place, { metadata: this.#scribbled(what) }, known);
  }

  async delete({ namespace, name }: NamespacedName): Promise<void> {
    if (!(await this.#mayDrift({ namespace, name }))) return;
    // First, since a copy may be in its place again before the answer is here.
    this.#strangers.deleted(namespace, name);
    await this.#api.delete({ resource: 'configmaps', namespace, name });
  }

  /** False for a copy that has been changed so often already that it would no longer be put back at once. */
  async #mayDrift({ namespace, name }: NamespacedName): Promise<boolean> {
    const there = await this.#api.get<ConfigMapObject>({ resource: 'configmaps', namespace, name });
    const owner = there?.metadata.labels?.['configmapsync.io/owner-uid'];
    if (owner === undefined) return true;
    const key = `${owner} ${namespace}`;
    const drift = this.#drift.get(key) ?? 0;
    this.#drift.set(key, drift + 1);
    return drift < MOST_DRIFT;
  }

  #scribbled(what: Scribble): object {
    switch (what) {
      case 'add-label':
        return { labels: { app: 'theirs' } };
      case 'add-annotation':
        return { annotations: { note: 'theirs' } };
      case 'drop-owner-mark':
        this.#ledger.releasedBefore = true;
        return { labels: { 'configmapsync.io/owner-uid': null } };
      case 'drop-managed-by':
        return { labels: { 'app.kubernetes.io/managed-by': null } };
      case 'drop-owner-name':
        return { annotations: { 'configmapsync.io/owner-name': null } };
      case 'owner-mark-of-the-dead':
        this.#ledger.releasedBefore = true;
        return { labels: { 'configmapsync.io/owner-uid': DEAD_UID } };
    }
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfigMapSyncSpec } from '../../../src/api/v1alpha1/config-map-sync-spec.js';
import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import { API_VERSION, KIND } from '../../../src/api/v1alpha1/well-known.js';
import { isApiError } from '../../../src/k8s/client/errors.js';
import type { ServiceAccount } from '../../../src/api/kubernetes.js';
import { startOperator, type RunningOperator } from '../../support/operator.js';
import type { ConfigMapObject } from '../../support/tenant.js';
import type { TestApi } from '../../support/test-api.js';
import type { SlowProxy } from '../../support/slow-proxy.js';
import { EventJudge, type TimedEvent } from './event-judge.js';
import { Grants } from './grants.js';
import { Ledger } from './ledger.js';
import { Meddler } from './meddler.js';
import { Obstacles } from './obstacles.js';
import { problemsOf } from './problems.js';
import { SpecWriter } from './spec-of.js';
import {
  ALL,
  ROLES,
  TENANTS,
  type AccountId,
  type PlaceId,
  type Role,
  type Step,
  type SyncId,
} from './steps.js';
import { Strangers } from './strangers.js';
import type { WorldView } from './world-view.js';

/** Everything as often as the program allows, so that what no watch tells shows within seconds. */
export const HURRY = ['--poll-interval=1s', '--resync-interval=2s', '--cleanup-timeout=4s'];

/** Has a ClusterRoleBinding. */
const EVERYWHERE: AccountId = { home: 'home-b', name: 'two' };

/** Two tenants, their namespaces and a real operator; performs the steps of a story and looks at what became of it. */
export class World {
  readonly #api: TestApi;
  readonly #prefix: string;
  readonly #ledger = new Ledger();
  readonly #strangers = new Strangers();
  readonly #grants: Grants;
  readonly #meddler: Meddler;
  readonly #specs: SpecWriter;
  readonly #obstacles: Obstacles;
  readonly #proxy: SlowProxy | undefined;
  readonly #events = new EventJudge();
  /** Whatever may own ConfigMaps: what was there at the last settled look, and what was written since. */
  #syncs: ConfigMapSync[] = [];
  #operator: RunningOperator | undefined;

  private constructor(api: TestApi, prefix: string, proxy: SlowProxy | undefined) {
    this.#api = api;
    this.#proxy = proxy;
    this.#obstacles = new Obstacles(api, this.#ledger, prefix, proxy);
    this.#prefix = prefix;
    this.#grants = new Grants(api, this.#ledger);
    this.#meddler = new Meddler(api, this.#ledger, this.#strangers);
    this.#specs = new SpecWriter(prefix, (role) => this.namespaceOf(role));
  }

  /**
   * Namespaces, accounts, sources and grants as stories find them at first.
   * @param proxy Between the operator and the API server, for faults; without it there are none
   */
  static async create(api: TestApi, prefix: string, proxy?: SlowProxy): Promise<World> {
    const world = new World(api, prefix, proxy);
    await world.furnish();
    await world.#grants.grantEverywhere(world.#account(EVERYWHERE));
    return world;
  }

  /** Makes what stories find at first, as far as it is not there. */
  async furnish(): Promise<void> {
    for (const role of ROLES) {
      if (role === 'ghost') continue;
      await this.perform({ do: 'create-namespace', role });
    }
    await this.perform({ do: 'label-namespace', role: 't2', share: 'yes' });
    for (const home of TENANTS) {
      for (const name of ['one', 'two'] as const) {
        const account = { home, name };
        await this.perform({ do: 'create-account', account });
        for (const role of [home, 't1', 't2', 't3'] as const) {
          await this.perform({ do: 'grant', account, role, verbs: ALL });
        }
      }
      for (const name of ['s1', 's2'] as const) {
        const content = { data: { k1: home, k2: name }, binaryData: { b1: 'AAEC' } };
        await this.perform({ do: 'create-config-map', place: { role: home, name }, content });
      }
    }
  }

  namespaceOf(role: Role): string {
    return `${this.#prefix}-${role}`;
  }

  get operator(): RunningOperator | undefined {
    return this.#operator;
  }

  /** How many Events about permissions were held to what was granted. */
  get eventsJudged(): number {
    return this.#events.count;
  }

  /** Requests of the operator that met a fault. */
  get faults(): number {
    return this.#obstacles.faults;
  }

  /** Those of the last settled look. */
  get syncs(): readonly ConfigMapSync[] {
    return this.#syncs;
  }

  /** This operator, which runs already, is the world's. */
  adopt(operator: RunningOperator): void {
    this.#operator = operator;
    this.#ledger.operatorStarted();
    this.#meddler.operatorStarted();
  }

  /** Deletes all ConfigMapSyncs. */
  async clear(): Promise<void> {
    for (const home of TENANTS) {
      for (const name of ['x', 'y'] as const) {
        await this.perform({ do: 'delete-sync', sync: { home, name }, propagation: 'Background' });
      }
    }
  }

  /** Starts the operator where none runs. */
  async ensureOperator(): Promise<void> {
    if (this.#operator?.running === true) return;
    const { kubeconfig } = this.#proxy ?? {};
    this.adopt(await startOperator({ args: HURRY, ...(kubeconfig && { kubeconfig }) }));
  }

  /** What the API server refuses, because it is there already, gone, going or immutable, is as good as not asked for. */
  async perform(step: Step): Promise<void> {
    this.#note();
    try {
      await this.#carryOut(step);
    } catch (error) {
      if (!isApiError(error, 403, 404, 409, 422)) throw error;
    }
    this.#note();
  }

  /** The end of a batch: the API server answers again as it should. What refuses stays. */
  async recover(): Promise<void> {
    await this.#obstacles.recover();
  }

  /** Looks once. Empty, if everything is as it should be; `fingerprint` tells whether anything moves. */
  async look(): Promise<{ problems: string[]; fingerprint: string }> {
    const [view, going] = await this.#view();
    this.#note();
    const problems = [
      ...going.map((namespace) => `namespace ${namespace} is still terminating`),
      ...problemsOf(view),
      ...this.#strangers.problems(view.configMaps),
      ...this.#events.judge(await this.#eventsOfHomes()),
    ];
    const versions = [...view.configMaps, ...view.syncs].map(
      ({ metadata }) => `${metadata.uid}@${metadata.resourceVersion}`,
    );
    return { problems, fingerprint: versions.sort().join() };
  }

  /**
   * All is well: what is not the operator's must be from now on as it is now.
   * @returns the reasons for Ready and the states of targets, each as often as it occurs
   */
  async settled(): Promise<string[]> {
    const [view] = await this.#view();
    this.#syncs = [...view.syncs];
    this.#ledger.syncsGone(view.syncs);
    this.#strangers.settled(view.configMaps, view.syncs);
    return view.syncs.flatMap(({ status }) => [
      ...(status?.conditions ?? []).filter(({ type }) => type === 'Ready').map(({ reason }) => reason),
      ...(status?.targets ?? []).map(({ state, reason }) => `${state}/${reason ?? ''}`),
    ]);
  }

  /** What the operator's log and the world hold, for whoever has to find out why. */
  async describe(): Promise<string> {
    const [view] = await this.#view();
    const outline = {
      operatorRuns: this.#operator?.running,
      syncs: view.syncs.map(({ metadata, spec, status }) => ({
        ...metadata,
        managedFields: undefined,
        spec,
        status,
      })),
      configMaps: view.configMaps.map((configMap) => ({
        ...configMap,
        metadata: { ...configMap.metadata, managedFields: undefined },
      })),
      namespaces: Object.fromEntries(view.namespaces),
    };
    // A process that is stuck would never answer.
    const metrics = await Promise.race([
      this.#operator?.get('metrics', '/metrics').catch(String),
      sleep(3000, 'no answer', { ref: false }),
    ]);
    return `${JSON.stringify(outline, undefined, 1)}\n\n${JSON.stringify(metrics)}`;
  }

  /** Leaves nothing that a later operator would look at; namespaces go in their own time. */
  async remove(): Promise<void> {
    try {
      await this.#operator?.stop();
    } finally {
      for (const { metadata } of await this.#list()) {
        const place = {
          resource: 'configmapsyncs',
          namespace: metadata.namespace ?? '',
          name: metadata.name,
        } as const;
        await this.#api.patch(place, { metadata: { finalizers: null } }).catch(ignoreMissing);
        await this.#api.delete(place);
      }
      for (const namespace of this.#namespaces())
        await this.#api.delete({ resource: 'namespaces', name: namespace });
      await this.#grants.revokeEverywhere(this.#account(EVERYWHERE));
      await this.#obstacles.remove();
    }
  }

  /** Writes down how things are now. */
  #note(): void {
    const namespaces = this.#namespaces();
    this.#ledger.noteBlocked(namespaces);
    for (const home of TENANTS) {
      for (const name of ['one', 'two'] as const) {
        const account = this.#account({ home, name });
        const exists = this.#ledger.accountExists(account);
        for (const namespace of namespaces) {
          const rights = exists ? this.#ledger.rights(account, namespace) : new Set<string>();
          this.#events.noteRights(account, namespace, rights);
        }
      }
    }
  }

  async #eventsOfHomes(): Promise<TimedEvent[]> {
    const lists = TENANTS.map((home) =>
      this.#api.list<TimedEvent>({ resource: 'events', namespace: this.namespaceOf(home) }),
    );
    return (await Promise.all(lists)).flat();
  }

  #namespaces(): string[] {
    return ROLES.map((role) => this.namespaceOf(role));
  }

  async #list(): Promise<ConfigMapSync[]> {
    const syncs = await this.#api.list<ConfigMapSync>({ resource: 'configmapsyncs' });
    return syncs.filter(({ metadata }) => metadata.namespace?.startsWith(`${this.#prefix}-`));
  }

  async #view(): Promise<[WorldView, going: string[]]> {
    const ours = (namespace: string): boolean => namespace.startsWith(`${this.#prefix}-`);
    const [syncs, configMaps, namespaces] = await Promise.all([
      this.#list(),
      this.#api.list<ConfigMapObject>({ resource: 'configmaps' }),
      this.#api.list<{
        metadata: { name: string; labels?: Record<string, string>; deletionTimestamp?: string };
      }>({
        resource: 'namespaces',
      }),
    ]);
    const here = namespaces.filter(({ metadata }) => ours(metadata.name));
    const going = here.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    for (const namespace of this.#namespaces()) {
      if (!here.some(({ metadata }) => metadata.name === namespace)) this.#ledger.namespaceGone(namespace);
    }
    const view: WorldView = {
      syncs,
      configMaps: configMaps.filter(
        ({ metadata }) => ours(metadata.namespace) && metadata.name !== 'kube-root-ca.crt',
      ),
      namespaces: new Map(here.map(({ metadata }) => [metadata.name, metadata.labels ?? {}])),
      rights: (account, namespace) => this.#ledger.rights(account, namespace),
      refused: (namespace) => this.#ledger.refused(namespace),
      tokenGranted: (account) => this.#ledger.tokenGranted(account),
      accountExists: (account) => this.#ledger.accountExists(account),
      mayBeLeftBehind: (uid, configMap) => this.#ledger.mayBeLeftBehind(uid, configMap),
      namesForgotten: this.#ledger.namesForgotten,
      releasedBefore: this.#ledger.releasedBefore,
    };
    return [view, going.map(({ metadata }) => metadata.name)];
  }

  #account({ home, name }: AccountId): ServiceAccount {
    return { namespace: this.namespaceOf(home), name };
  }

  #place({ role, name }: PlaceId): { namespace: string; name: string } {
    return { namespace: this.namespaceOf(role), name };
  }

  async #carryOut(step: Step): Promise<void> {
    const known = this.#syncs;
    switch (step.do) {
      case 'put-sync':
        return this.#putSync(step.sync, () => this.#specs.write(step.spec));
      case 'change-sync':
        return this.#putSync(
          step.sync,
          (before) => before && this.#specs.change(before, step.spec, step.fields),
        );
      case 'delete-sync':
        return this.#deleteSync(step.sync, step.propagation);
      case 'create-config-map':
        return this.#meddler.create(
          this.#place(step.place),
          step.content,
          this.#last(step.forgeMarkOf),
          known,
        );
      case 'edit-config-map':
        return this.#meddler.patch(this.#place(step.place), step.content, known);
      case 'scribble':
        return this.#meddler.scribble(this.#place(step.place), step.what, known);
      case 'delete-config-map':
        return this.#meddler.delete(this.#place(step.place));
      case 'grant':
        return this.#grants.grant(this.#account(step.account), this.namespaceOf(step.role), step.verbs);
      case 'create-account':
        return this.#grants.createAccount(this.#account(step.account));
      case 'delete-account':
        return this.#grants.deleteAccount(this.#account(step.account));
      case 'create-namespace':
        return this.#createNamespace(this.namespaceOf(step.role));
      case 'delete-namespace':
        return this.#deleteNamespace(this.namespaceOf(step.role));
      case 'label-namespace': {
        const place = { resource: 'namespaces', name: this.namespaceOf(step.role) } as const;
        await this.#api.patch(place, { metadata: { labels: { share: step.share } } });
        return;
      }
      case 'refuse':
        return this.#obstacles.refuse(this.namespaceOf(step.role), step.by);
      case 'lift':
        return this.#obstacles.lift(this.namespaceOf(step.role));
      case 'slow-webhook':
        return this.#obstacles.slowDown(this.namespaceOf(step.role));
      case 'disturb':
        this.#obstacles.disturb(step.how);
        return;
      case 'end-operator':
        await (step.how === 'SIGTERM' ? this.#operator?.stop() : this.#operator?.kill());
        if (step.back) await this.ensureOperator();
        return;
    }
  }

  /** The last one of that name that was written. */
  #last(id: SyncId | undefined): ConfigMapSync | undefined {
    return this.#syncs.findLast(
      ({ metadata }) =>
        id !== undefined && metadata.namespace === this.namespaceOf(id.home) && metadata.name === id.name,
    );
  }

  /** @param specFrom Given the spec that is there: what shall be; undefined to leave it. */
  async #putSync(
    { home, name }: SyncId,
    specFrom: (before: ConfigMapSyncSpec | undefined) => ConfigMapSyncSpec | undefined,
  ): Promise<void> {
    const place = { resource: 'configmapsyncs', namespace: this.namespaceOf(home) } as const;
    for (;;) {
      const before = await this.#api.get<ConfigMapSync>({ ...place, name });
      // What is done to the dying is done in vain; which spec counts would be anybody's guess.
      if (before?.metadata.deletionTimestamp !== undefined) return;
      const spec = specFrom(before?.spec);
      if (spec === undefined) return;
      if (before === undefined) {
        const body = { apiVersion: API_VERSION, kind: KIND, metadata: { name }, spec };
        this.#specWritten(await this.#api.create<ConfigMapSync>(place, body));
        return;
      }
      try {
        this.#specWritten(await this.#api.replace<ConfigMapSync>({ ...place, name }, { ...before, spec }));
        return;
      } catch (error) {
        // The operator has written its status or finalizer meanwhile.
        if (!isApiError(error, 409)) throw error;
      }
    }
  }

  #specWritten(sync: ConfigMapSync): void {
    this.#syncs.push(sync);
    this.#ledger.specWritten(sync);
    this.#events.specWritten(sync);
    this.#strangers.specWritten(sync);
  }

  async #deleteSync({ home, name }: SyncId, propagationPolicy: string): Promise<void> {
    const place = { resource: 'configmapsyncs', namespace: this.namespaceOf(home), name } as const;
    const sync = await this.#api.get<ConfigMapSync>(place);
    if (sync === undefined || sync.metadata.deletionTimestamp !== undefined) return;
    this.#deletionAsked(sync, propagationPolicy === 'Orphan');
    await this.#api.delete(place, { propagationPolicy });
  }

  #deletionAsked(sync: ConfigMapSync, orphans: boolean): void {
    this.#strangers.specWritten({ ...sync, metadata: { ...sync.metadata, deletionTimestamp: 'now' } });
    this.#ledger.deletionAsked(sync, orphans);
  }

  async #createNamespace(name: string): Promise<void> {
    const labels = { world: this.#prefix, share: 'no' };
    await this.#api.create({ resource: 'namespaces' }, { metadata: { name, labels } });
    this.#ledger.namespaceGone(name);
  }

  async #deleteNamespace(name: string): Promise<void> {
    for (const sync of await this.#list()) {
      if (sync.metadata.namespace === name) this.#deletionAsked(sync, false);
    }
    this.#strangers.namespaceGone(name);
    this.#ledger.namespaceGone(name);
    await this.#api.delete({ resource: 'namespaces', name });
  }
}

function ignoreMissing(error: unknown): void {
  if (!isApiError(error, 404)) throw error;
}

import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import { API_VERSION, KIND } from '../../../src/api/v1alpha1/well-known.js';
import type { PlanRow } from '../../../src/cli/plan/plan-table.js';
import type { SyncFixture } from '../../support/sync-fixture.js';
import {
  ALL_VERBS,
  WATCH_VERBS,
  type ConfigMapObject,
  type SpecUnderTest,
  type TestTenant,
} from '../../support/tenant.js';
import { foretold, happened, type Effects } from './effects.js';
import type { SourceState, SpecStory, Story } from './stories.js';

const DATA = { k1: 'one', k2: 'two' };
const HOME_VERBS = ['get', ...WATCH_VERBS];

/** The namespaces, ConfigMaps and permissions of one story. */
export class PlanWorld {
  readonly story: Story;
  readonly tenant: TestTenant;
  /** The owner of copies that are in the way. */
  readonly #other: TestTenant;
  readonly #fixture: SyncFixture;
  readonly #namespaces: string[] = [];
  #before: ConfigMapObject[] = [];

  private constructor(
    fixture: SyncFixture,
    story: Story,
    tenants: { tenant: TestTenant; other: TestTenant },
  ) {
    this.#fixture = fixture;
    this.story = story;
    this.tenant = tenants.tenant;
    this.#other = tenants.other;
  }

  static async create(fixture: SyncFixture, story: Story): Promise<PlanWorld> {
    const [tenant, other] = [await fixture.tenant(), await fixture.tenant()];
    const world = new PlanWorld(fixture, story, { tenant, other });
    await world.#populate();
    return world;
  }

  get tenants(): TestTenant[] {
    return [this.tenant, this.#other];
  }

  /** Does nothing where the story has no such spec. */
  async apply(spec: SpecStory | undefined): Promise<void> {
    if (spec === undefined) return;
    const existing = await this.tenant.sync();
    if (existing === undefined) {
      await this.tenant.createSync(this.#specOf(spec));
      return;
    }
    await this.#fixture.api.replace(
      { resource: 'configmapsyncs', namespace: this.tenant.namespace, name: 'sync' },
      { ...existing, spec: { ...this.#specOf(spec), ...this.#fixed } },
    );
  }

  async change(): Promise<void> {
    const { change, isGrantedEverywhere, namespaces } = this.story;
    if (change === null) return;
    await this.#bringSource(change.source);
    if (isGrantedEverywhere) return;
    for (const [index, namespace] of this.#namespaces.entries()) {
      if (namespaces[index]?.isMissing === true) continue;
      await this.tenant.grant(namespace, change.verbs[index] ?? []);
    }
  }

  /** The file for `plan`; notes what is there before. */
  async manifest(): Promise<string> {
    this.#before = await this.#configMaps();
    return JSON.stringify({
      apiVersion: API_VERSION,
      kind: KIND,
      metadata: { name: 'sync', namespace: this.tenant.namespace },
      spec: { ...this.#specOf(this.story.planned), ...this.#fixed },
    });
  }

  /** What the plan says and what happened, with namespaces as in the story. */
  async outcome(rows: readonly PlanRow[]): Promise<{ foretold: Effects; happened: Effects }> {
    const own = rows.filter(({ namespace }) => namespace === this.tenant.namespace);
    const sync = (await this.tenant.sync())!;
    return {
      foretold: this.#inStory(foretold(own)),
      happened: this.#inStory(happened(this.#before, await this.#configMaps(), sync)),
    };
  }

  /** For the report of a failure. */
  async status(): Promise<ConfigMapSync['status']> {
    return this.tenant.status();
  }

  async #populate(): Promise<void> {
    const { namespaces, isGrantedEverywhere, source } = this.story;
    if (isGrantedEverywhere) await this.tenant.grantEverywhere(ALL_VERBS);
    await this.#other.createSource({ data: { holder: 'another tenant' } });
    for (const [index, { isMissing, verbs, occupant, occupantName }] of namespaces.entries()) {
      const namespace = isMissing
        ? `${this.tenant.namespace}-missing-${index}`
        : await this.tenant.target(isGrantedEverywhere ? [] : verbs);
      this.#namespaces.push(namespace);
      if (isMissing || occupant === 'nothing') continue;
      if (occupant === "another ConfigMapSync's") {
        await this.#other.grant(namespace, ALL_VERBS);
        const target = { name: occupantName };
        await this.#other.createSync({ syncToNamespaces: [namespace], target }, `holder-${index}`);
        await this.#other.ready(`holder-${index}`);
      } else {
        const immutable = occupant === 'foreign immutable';
        await this.tenant.createConfigMap(namespace, occupantName, { data: { k1: 'foreign' }, immutable });
      }
    }
    await this.#bringSource(source);
  }

  async #bringSource(state: SourceState): Promise<void> {
    const home = this.tenant.namespace;
    // A ClusterRoleBinding grants it as well.
    await this.tenant.grant(home, state === 'denied' && !this.story.isGrantedEverywhere ? [] : HOME_VERBS);
    const there = await this.tenant.copy(home);
    const isImmutable = state === 'immutable';
    if (there !== undefined && (state === 'missing' || (there.immutable === true) !== isImmutable)) {
      await this.tenant.deleteConfigMap(home);
    } else if (there !== undefined) {
      return;
    }
    if (state !== 'missing') await this.tenant.createSource({ data: DATA, immutable: isImmutable });
  }

  async #configMaps(): Promise<ConfigMapObject[]> {
    const lists = await Promise.all(
      this.#namespaces.map((namespace) =>
        this.#fixture.api.list<ConfigMapObject>({ resource: 'configmaps', namespace }),
      ),
    );
    return lists.flat().filter(({ metadata }) => metadata.name !== 'kube-root-ca.crt');
  }

  get #fixed(): Pick<ConfigMapSync['spec'], 'source' | 'serviceAccount'> {
    return { source: { name: 'source' }, serviceAccount: { name: this.tenant.serviceAccount } };
  }

  #specOf({ targets, name, keys, labels, ...policies }: SpecStory): SpecUnderTest {
    return {
      ...policies,
      syncToNamespaces: targets.map((index) => this.#namespaces[index] ?? ''),
      target: { name, labels },
      ...(keys.length > 0 && { keys: [...keys] }),
    };
  }

  #inStory(effects: Effects): Effects {
    const rename = (place: string): string => {
      const [namespace = '', name] = place.split('/');
      const index = this.#namespaces.indexOf(namespace);
      return [index < 0 ? namespace : String(index), ...(name === undefined ? [] : [name])].join('/');
    };
    return Object.fromEntries(
      Object.entries(effects).map(([kind, places]: [string, string[]]) => [kind, places.map(rename).sort()]),
    ) as unknown as Effects;
  }
}

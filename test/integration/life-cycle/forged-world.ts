import { expect } from 'chai';
import { eventually } from '../../support/eventually.js';
import type { SyncFixture } from '../../support/sync-fixture.js';
import { ALL_VERBS, type ConfigMapObject, type TestTenant } from '../../support/tenant.js';
import type { Forger } from './forger.js';

/** Where a marked ConfigMap is, as seen from the ConfigMapSync whose marks it has. */
const CASES = {
  older: "the copy's name, older than the ConfigMapSync, marked when in conflict",
  younger: "the copy's name, younger than the ConfigMapSync, marked when in conflict",
  otherName: 'another name in a target namespace',
  noTarget: "the copy's name in a namespace that is no target, older than the ConfigMapSync",
} as const;
export type ForgedCase = keyof typeof CASES;

/** Name of the marked ConfigMaps that do not have the copy's. */
export const OTHER_NAME = 'other';

/** A ConfigMap of another team with the marks of a copy. */
interface Forged {
  kind: ForgedCase;
  namespace: string;
  name: string;
  immutable: boolean;
  /** As it was when it had been marked. */
  marked?: ConfigMapObject;
}

/**
 * A tenant with one ConfigMapSync that has a genuine copy, and ConfigMaps of another team that somebody marked as further
 * copies of it: one mutable and one immutable in each of the {@link CASES}.
 */
export class ForgedWorld {
  readonly tenant: TestTenant;
  /** A target with a genuine copy and nothing else: it shows when the operator has acted. */
  readonly witness: string;
  readonly #forged: readonly Forged[];

  private constructor(tenant: TestTenant, witness: string, forged: readonly Forged[]) {
    this.tenant = tenant;
    this.witness = witness;
    this.#forged = forged;
  }

  static async create(fixture: SyncFixture, forger: Forger): Promise<ForgedWorld> {
    const tenant = await fixture.tenant();
    const witness = await tenant.target();
    await forger.allow(witness);
    const cases = (Object.keys(CASES) as ForgedCase[]).flatMap((kind) =>
      [false, true].map(async (immutable): Promise<Forged> => {
        const isOpen = kind !== 'younger';
        const namespace = await tenant.target(isOpen ? ALL_VERBS : []);
        await forger.allow(namespace);
        return { kind, namespace, name: kind === 'otherName' ? OTHER_NAME : 'source', immutable };
      }),
    );
    const world = new ForgedWorld(tenant, witness, await Promise.all(cases));
    await world.#populate(forger);
    return world;
  }

  /** All namespaces that are targets at first, the witness among them. */
  get targets(): string[] {
    return [this.witness, ...this.#namespaces('older', 'younger', 'otherName')];
  }

  get noTargets(): string[] {
    return this.#namespaces('noTarget');
  }

  /** The targets where a marked ConfigMap is in the copy's place. */
  get contested(): string[] {
    return this.#namespaces('older', 'younger');
  }

  /** What was done to the marked ConfigMaps since they were marked; empty where they were left alone. */
  async touched(kinds = Object.keys(CASES) as ForgedCase[]): Promise<string[]> {
    const answers = await Promise.all(
      this.#forged
        .filter(({ kind }) => kinds.includes(kind))
        .map(async ({ kind, namespace, name, immutable, marked }) => {
          const now = await this.tenant.copy(namespace, name);
          const change = changeBetween(marked, now);
          return change === undefined
            ? []
            : [`${change}: ${immutable ? 'immutable' : 'mutable'}, ${CASES[kind]}`];
        }),
    );
    return answers.flat();
  }

  async #populate(forger: Forger): Promise<void> {
    const { tenant } = this;
    await this.#createForged('older', 'noTarget');
    await this.#nextSecond();
    await tenant.createSource({ data: { key: 'value', more: 'value' } });
    await tenant.createSync({ syncToNamespaces: this.targets });
    await tenant.targetState(this.witness, 'Synced');
    await this.#createForged('younger', 'otherName');
    for (const namespace of this.#namespaces('younger')) await tenant.grant(namespace, ALL_VERBS);
    for (const namespace of this.contested) {
      await tenant.targetState(namespace, 'Conflict');
    }
    await this.#mark(forger, 'older', 'younger', 'otherName', 'noTarget');
  }

  async #createForged(...kinds: ForgedCase[]): Promise<void> {
    await Promise.all(
      this.#of(kinds).map(({ namespace, name, immutable }) =>
        this.tenant.createConfigMap(namespace, name, { data: { owner: 'another team' }, immutable }),
      ),
    );
  }

  async #mark(forger: Forger, ...kinds: ForgedCase[]): Promise<void> {
    for (const forged of this.#of(kinds)) {
      forged.marked = await forger.mark(forged, { namespace: this.witness, name: 'source' });
    }
  }

  /** The API server's creationTimestamp counts whole seconds. */
  async #nextSecond(): Promise<void> {
    const second = Math.floor(Date.now() / 1000);
    await eventually(() => expect(Math.floor(Date.now() / 1000)).to.be.above(second));
  }

  #namespaces(...kinds: ForgedCase[]): string[] {
    return this.#of(kinds).map(({ namespace }) => namespace);
  }

  #of(kinds: readonly ForgedCase[]): Forged[] {
    return this.#forged.filter(({ kind }) => kinds.includes(kind));
  }
}

function changeBetween(
  marked: ConfigMapObject | undefined,
  now: ConfigMapObject | undefined,
): string | undefined {
  if (now === undefined) return 'deleted';
  if (now.metadata.uid !== marked?.metadata.uid) return 'replaced';
  if (JSON.stringify(now.data) !== JSON.stringify(marked.data)) return 'overwritten';
  return now.metadata.resourceVersion === marked.metadata.resourceVersion ? undefined : 'updated';
}

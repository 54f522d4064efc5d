import { forEachOf } from '../../hack/bench/pool.js';
import { ALL_VERBS, createNamespace, type TestTenant } from './tenant.js';
import type { TestApi } from './test-api.js';

/** Requests in flight while a scene is set up. */
const CONCURRENCY = 16;

/** A new operator may have to wait for the Lease of the previous one. */
const SET_UP_MS = 60_000;

/** Far longer than an edit takes, and shorter than what hangs beside it. */
const EDIT_MS = 5000;

/** How often is looked for an edit: the precision of its latency. */
const ARRIVAL_INTERVAL_MS = 10;

export interface Targets {
  count: number;
  labels?: Record<string, string>;
}

/** Creates namespaces in which the tenant has all permissions for its copies. */
export async function createTargets(
  api: TestApi,
  tenant: TestTenant,
  { count, labels = {} }: Targets,
): Promise<string[]> {
  const namespaces: string[] = [];
  await forEachOf(Array.from({ length: count }), CONCURRENCY, async () => {
    const namespace = await createNamespace(api, 'fair', labels);
    await tenant.grant(namespace, ALL_VERBS);
    namespaces.push(namespace);
  });
  return namespaces.toSorted();
}

/** Creates ConfigMapSyncs that share the tenant's source and the targets; each has its own spec.target.name. */
export async function createSyncs(
  tenant: TestTenant,
  { count, targets }: { count: number; targets: readonly string[] },
): Promise<void> {
  const names = Array.from({ length: count }, (_, i) => `sync-${String(i).padStart(3, '0')}`);
  await forEachOf(names, CONCURRENCY, async (name) => {
    await tenant.createSync({ syncToNamespaces: targets, target: { name: `copy-of-${name}` } }, name);
  });
}

/** Names of namespaces that do not exist: they are denied like any other without permissions. */
export function absentNamespaces({ namespace }: TestTenant, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `absent-${namespace}-${String(i).padStart(3, '0')}`);
}

/** A tenant with a few healthy targets, whose edits must not wait for other tenants. */
export class Neighbour {
  #edits = 0;

  private constructor(
    readonly tenant: TestTenant,
    readonly targets: readonly string[],
  ) {}

  /** Resolves when all copies are there. */
  static async create(api: TestApi, tenant: TestTenant, count = 10): Promise<Neighbour> {
    const targets = await createTargets(api, tenant, { count });
    await tenant.createSource({ data: { edit: '0' } });
    await tenant.createSync({ syncToNamespaces: targets });
    await tenant.ready('sync', { timeoutMs: SET_UP_MS });
    return new Neighbour(tenant, targets);
  }

  /** Edits the source once more. @returns what the copies will hold */
  async edit(): Promise<Record<string, string>> {
    this.#edits += 1;
    const data = { edit: String(this.#edits) };
    await this.tenant.patchSource({ data });
    return data;
  }

  /**
   * Edits the source; resolves when all copies have it.
   * @returns how long that took, in milliseconds
   * @throws AssertionError where it takes longer than `timeoutMs`
   */
  async editAndArrive(timeoutMs = EDIT_MS): Promise<number> {
    const startedAt = performance.now();
    const data = await this.edit();
    const deadline = performance.now() + timeoutMs;
    for (const target of this.targets) {
      const options = {
        timeoutMs: Math.max(deadline - performance.now(), 0),
        intervalMs: ARRIVAL_INTERVAL_MS,
      };
      await this.tenant.copied(target, data, options);
    }
    return performance.now() - startedAt;
  }
}

import { expect } from 'chai';
import type { ConfigMapSync } from '../../src/api/v1alpha1/config-map-sync.js';
import { isApiError } from '../../src/k8s/client/errors.js';
import { AuditLog, type AuditEntry, type AuditFilter } from './audit-log.js';
import { eventually } from './eventually.js';
import { startOperator, type OperatorOptions, type RunningOperator } from './operator.js';
import { plane } from './plane.js';
import { TestTenant, type TenantOptions } from './tenant.js';
import { TestApi } from './test-api.js';

/** What the tests of one file share: the API, an operator, and the tenants that they made. */
export class SyncFixture {
  readonly #tenants: TestTenant[] = [];
  #auditLog: AuditLog | undefined;
  readonly #options: OperatorOptions;
  #operator: RunningOperator;

  private constructor(
    readonly api: TestApi,
    operator: RunningOperator,
    options: OperatorOptions,
  ) {
    this.#operator = operator;
    this.#options = options;
  }

  static async start(options: OperatorOptions = {}): Promise<SyncFixture> {
    const api = await TestApi.connect();
    return new SyncFixture(api, await startOperator(options), options);
  }

  /** The one that runs now. */
  get operator(): RunningOperator {
    return this.#operator;
  }

  /** Stops the operator and starts another one; `meanwhile` happens where there is none. */
  async restart(meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    await this.#operator.stop();
    await meanwhile();
    this.#operator = await startOperator(this.#options);
  }

  /** How many reconciles have ended since the operator's start. */
  async reconciles(): Promise<number> {
    const samples = await this.#operator.samples('controller_runtime_reconcile_total');
    return samples.reduce((sum, { value }) => sum + value, 0);
  }

  /** Waits until the operator has nothing to do: nothing queued, nothing under way, also a moment later. */
  async idle(timeoutMs?: number): Promise<void> {
    let last = -1;
    await eventually(
      async () => {
        const depth = await this.#operator.samples('workqueue_depth');
        const active = await this.#operator.samples('controller_runtime_active_workers');
        const before = last;
        last = await this.reconciles();
        expect([...depth, ...active].map(({ value }) => value)).to.deep.equal([0, 0]);
        expect(last, 'reconciles').to.equal(before);
      },
      // Longer than what a reconcile waits for watches to settle.
      { intervalMs: 600, ...(timeoutMs !== undefined && { timeoutMs }) },
    );
  }

  async tenant(options: TenantOptions = {}): Promise<TestTenant> {
    const tenant = await TestTenant.create(this.api, options);
    this.#tenants.push(tenant);
    return tenant;
  }

  /** The API server's audit lines so far of what an operator of ours sent, as itself or as a tenant. */
  async audit(filter: Omit<AuditFilter, 'userAgent'> = {}): Promise<AuditEntry[]> {
    const { auditLog } = await plane();
    if (auditLog === undefined) return [];
    this.#auditLog ??= AuditLog.fromStart(auditLog);
    return this.#auditLog.entries({ ...filter, userAgent: /^config-weaver\// });
  }

  /** Those that concern one tenant's ConfigMapSyncs, whoever did it. */
  async auditOf({ namespace, username }: TestTenant): Promise<AuditEntry[]> {
    return (await this.audit()).filter(
      ({ user, objectRef }) => user.username === username || objectRef?.namespace === namespace,
    );
  }

  /** Leaves nothing that the next file's operator would have to look at, then stops this one. */
  async end(): Promise<void> {
    try {
      await removeSyncs(this.api, this.#tenants);
    } finally {
      await this.operator.stop();
      await this.api.close();
    }
  }
}

/** Deletes the tenants' ConfigMapSyncs; what cannot be cleaned up within a few seconds loses its finalizers. */
export async function removeSyncs(api: TestApi, tenants: readonly TestTenant[]): Promise<void> {
  const left = async (): Promise<ConfigMapSync[]> => {
    const lists = await Promise.all(
      tenants.map(({ namespace }) => api.list<ConfigMapSync>({ resource: 'configmapsyncs', namespace })),
    );
    return lists.flat();
  };
  const place = ({ metadata: { namespace = '', name } }: ConfigMapSync) =>
    ({ resource: 'configmapsyncs', namespace, name }) as const;
  for (const sync of await left()) await api.delete(place(sync));
  await eventually(async () => expect(await left()).to.deep.equal([]), { timeoutMs: 2000 }).catch(
    () => undefined,
  );
  for (const sync of await left()) {
    try {
      await api.patch(place(sync), { metadata: { finalizers: null } });
    } catch (error) {
      // The operator may be through with it by now.
      if (!isApiError(error, 404)) throw error;
    }
  }
}

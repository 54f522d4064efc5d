import type { ConfigMapSyncSpec } from '../../../src/api/v1alpha1/config-map-sync-spec.js';
import type { ConfigMapSyncStatus } from '../../../src/api/v1alpha1/config-map-sync-status.js';
import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import { AuditTrail } from '../../../src/reporting/audit-trail.js';
import { DenialRegister } from '../../../src/reporting/denial-register.js';
import { ConfigMapSyncClient } from '../../../src/controller/config-map-sync-client.js';
import { ConfigMapSyncController } from '../../../src/controller/config-map-sync-controller.js';
import { type ReconcileResult } from '../../../src/k8s/controller/controller.js';
import { NamespaceLister } from '../../../src/controller/namespace-lister.js';
import { FairLimiter } from '../../../src/tenant/fair-limiter.js';
import { Tenancy } from '../../../src/tenant/tenancy.js';
import { TenantPool } from '../../../src/tenant/tenant-pool.js';
import { TokenBroker } from '../../../src/tenant/token-broker.js';
import { FakeClock, settle } from '../../support/fakes/fake-clock.js';
import { syncObject } from '../../support/sync-object.js';
import { FakeCluster } from './fake-cluster.js';

export const RESYNC_MS = 600_000;
export const POLL_MS = 30_000;
export const CLEAN_UP_MS = 600_000;

/** The whole of a controller on a {@link FakeCluster}: ConfigMapSync team-a/share copies team-a/shared. */
export class Rig {
  readonly clock = new FakeClock();
  readonly cluster = new FakeCluster();
  readonly controller: ConfigMapSyncController;
  readonly tenancy: Tenancy;
  /** `reason namespace`, in the order in which they were told. */
  readonly events: string[] = [];
  readonly notes: string[] = [];
  readonly operations: string[] = [];
  readonly stop = new AbortController();

  constructor() {
    const { cluster, clock } = this;
    for (const name of ['team-a', 'prod', 'dev']) cluster.addNamespace(name);
    this.tenancy = new Tenancy({
      registry: new TenantPool({
        broker: new TokenBroker({
          client: cluster.api.client(),
          operator: 'operator',
          expirationSeconds: 600,
          clock,
          observer: { tokenRequested: () => undefined },
        }),
        clientFor: (authorize) => cluster.api.client(authorize),
        limiter: new FairLimiter(32),
        userAgentPrefix: 'config-weaver/1',
        clock,
        onEnded: () => undefined,
      }),
      userAgentPrefix: 'config-weaver/1',
      clock,
      random: () => 0,
      recheck: { deniedMs: 7_500, allowedMs: 45_000 },
      notify: () => undefined,
    });
    this.controller = new ConfigMapSyncController({
      syncs: cluster.syncs,
      client: new ConfigMapSyncClient(cluster.api.client()),
      namespaces: new NamespaceLister(cluster.namespaces),
      tenancy: this.tenancy,
      audit: new AuditTrail({
        events: {
          record: ({ reason, related, note }) => {
            this.events.push(related === undefined ? reason : `${reason} ${related.name}`);
            this.notes.push(note);
          },
        },
        metrics: {
          setTargets: () => undefined,
          setLastSync: () => undefined,
          countDenial: () => undefined,
          cleanupAbandoned: () => undefined,
          forget: () => undefined,
        },
        log: { write: () => undefined },
        register: new DenialRegister(),
      }),
      metrics: {
        syncOperation: (operation, result) => this.operations.push(`${operation} ${result}`),
        propagated: () => undefined,
      },
      intervals: { pollMs: POLL_MS, resyncMs: RESYNC_MS, cleanUpTimeoutMs: CLEAN_UP_MS },
      watchesNamespace: () => true,
      clock,
      random: () => 0,
    });
  }

  /** Creates or changes the ConfigMapSync, as a user does: a new spec is a new generation. */
  apply(spec: Partial<ConfigMapSyncSpec>): void {
    const before = this.cluster.syncs.get('team-a/share');
    const sync = syncObject({
      spec: Object.assign({}, before?.spec, spec),
      metadata: { ...before?.metadata, generation: (before?.metadata.generation ?? 0) + 1 },
      ...(before?.status && { status: before.status }),
    });
    sync.metadata.resourceVersion = this.cluster.nextVersion();
    if (before === undefined) sync.metadata.finalizers = [];
    this.cluster.syncs.upsert(sync);
  }

  /** Asks for the deletion of the ConfigMapSync, now. */
  delete(...finalizers: string[]): void {
    const sync = structuredClone(this.sync);
    sync.metadata.deletionTimestamp = new Date(this.clock.now()).toISOString();
    sync.metadata.resourceVersion = this.cluster.nextVersion();
    sync.metadata.finalizers?.push(...finalizers);
    this.cluster.syncs.upsert(sync);
  }

  get sync(): ConfigMapSync {
    const sync = this.cluster.syncs.get('team-a/share');
    if (sync === undefined) throw new Error('there is no ConfigMapSync');
    return sync;
  }

  get gone(): boolean {
    return this.cluster.syncs.get('team-a/share') === undefined;
  }

  get status(): ConfigMapSyncStatus {
    return this.sync.status ?? {};
  }

  /** `state` or `state/reason` of a target. */
  state(namespace: string): string | undefined {
    const target = this.status.targets?.find((candidate) => candidate.namespace === namespace);
    if (target === undefined) return undefined;
    return target.state === 'Synced' ? 'Synced' : `${target.state}/${target.reason ?? ''}`;
  }

  /** `status/reason` of a condition. */
  condition(type: string): string | undefined {
    const found = this.status.conditions?.find((candidate) => candidate.type === type);
    return found && `${found.status}/${found.reason}`;
  }

  /** One visit, and then whatever the watches that it opened have to tell. */
  async reconcile(): Promise<ReconcileResult> {
    const result = await this.controller.reconcile('team-a/share', this.stop.signal);
    await settle();
    return result;
  }

  /** What a visit failed with. */
  async failure(): Promise<unknown> {
    return this.reconcile().then(
      () => undefined,
      (error: unknown) => error,
    );
  }

  close(): void {
    this.tenancy.closeAll();
  }
}

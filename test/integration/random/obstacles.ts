import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { isApiError } from '../../../src/k8s/client/errors.js';
import { AdmissionPolicy } from '../../support/admission-policy.js';
import { eventually } from '../../support/eventually.js';
import { plane } from '../../support/plane.js';
import type { Fault, ProxiedRequest, SlowProxy } from '../../support/slow-proxy.js';
import { SlowWebhook } from '../../support/slow-webhook.js';
import type { TestApi } from '../../support/test-api.js';
import type { Ledger } from './ledger.js';
import type { FaultKind, Refusing } from './steps.js';

const QUOTA = 'full';
/** What a look without consequences would be called; nothing of this name is ever stored. */
const PROBE = 'probe';
/** So slow is a write where the webhook has its say, and a request where the API server is slow. */
const SLOW_MS = 600;
/** At least so long does a fault last: several tries of the operator meet it. */
const LEAST_FAULT_MS = 1_000;

const isReview = ({ path }: ProxiedRequest): boolean => /selfsubject(access|rules)reviews$/.test(path);
const isWrite = ({ method, path }: ProxiedRequest): boolean =>
  method !== 'GET' && path.startsWith('/api/v1/namespaces/') && path.includes('/configmaps');
const isTenants = ({ userAgent }: ProxiedRequest): boolean => userAgent.includes(' ');

/** What each kind does to a request; undefined lets it pass. */
const FAULTS: Record<FaultKind, (request: ProxiedRequest, count: number) => Fault | undefined> = {
  'reviews-503': (request) => (isReview(request) ? { status: 503 } : undefined),
  'writes-500': (request) => (isWrite(request) ? { status: 500 } : undefined),
  throttled: (request, count) =>
    isTenants(request) && count % 2 === 0 ? { status: 429, retryAfterSeconds: 1 } : undefined,
  slow: () => ({ delayMs: SLOW_MS }),
  reset: (_, count) => (count % 4 === 0 ? { dropAfterMs: 0 } : undefined),
};

/**
 * Everything that gets in the way of the operator and is about no permission: policies, quotas and webhooks in a target
 * namespace, and faults of the API server.
 */
export class Obstacles {
  readonly #api: TestApi;
  readonly #ledger: Ledger;
  readonly #proxy: SlowProxy | undefined;
  /** Only requests of ServiceAccounts of these namespaces are refused by policies. */
  readonly #prefix: string;
  readonly #policies = new Map<string, AdmissionPolicy>();
  #webhook: SlowWebhook | undefined;
  #faultSince: number | undefined;
  /** Requests that met a fault. */
  faults = 0;

  constructor(api: TestApi, ledger: Ledger, prefix: string, proxy: SlowProxy | undefined) {
    this.#api = api;
    this.#ledger = ledger;
    this.#prefix = prefix;
    this.#proxy = proxy;
  }

  /** One at a time in each namespace, which has to be there. */
  async refuse(namespace: string, by: Refusing): Promise<void> {
    if (this.#ledger.refused(namespace).size > 0 || !(await this.#isActive(namespace))) return;
    this.#ledger.refusing(namespace, by);
    if (by === 'quota') {
      const spec = { hard: { 'count/configmaps': '0' } };
      await this.#api.create({ resource: 'resourcequotas', namespace }, { metadata: { name: QUOTA }, spec });
    } else this.#policies.set(namespace, await this.#policy(namespace, by));
    await this.#probe(namespace, true);
  }

  async lift(namespace: string): Promise<void> {
    if (this.#ledger.refused(namespace).size === 0) return;
    await this.#policies.get(namespace)?.remove();
    this.#policies.delete(namespace);
    await this.#api.delete({ resource: 'resourcequotas', namespace, name: QUOTA });
    await this.#probe(namespace, false);
    this.#ledger.lifted(namespace);
  }

  /** Writes of ConfigMaps there take long from now on. It needs an API server that reaches this process. */
  async slowDown(namespace: string): Promise<void> {
    const { controlPlane, kubectl } = await plane();
    if (controlPlane === undefined) return;
    this.#webhook ??= await SlowWebhook.start(kubectl, SLOW_MS);
    const { labels } = this.#webhook;
    await this.#api.patch({ resource: 'namespaces', name: namespace }, { metadata: { labels } });
  }

  /** From now on, until {@link recover}. */
  disturb(kind: FaultKind): void {
    if (this.#proxy === undefined) return;
    let count = 0;
    this.#faultSince ??= performance.now();
    this.#ledger.isDisturbed = true;
    this.#proxy.fault = (request) => {
      count += 1;
      const fault = FAULTS[kind](request, count);
      if (fault !== undefined) this.faults += 1;
      return fault;
    };
  }

  /** The API server is well again, after a moment in which it was not. */
  async recover(): Promise<void> {
    if (this.#faultSince === undefined) return;
    await sleep(Math.max(0, this.#faultSince + LEAST_FAULT_MS - performance.now()));
    this.#faultSince = undefined;
    this.#proxy?.release();
    this.#ledger.isDisturbed = false;
  }

  async remove(): Promise<void> {
    this.#proxy?.release();
    for (const policy of this.#policies.values()) await policy.remove();
    await this.#webhook?.close();
  }

  /** It refuses the tenants alone: who deletes a namespace deletes what is in it. The probe is everybody's. */
  async #policy(namespace: string, operation: Exclude<Refusing, 'quota'>): Promise<AdmissionPolicy> {
    const isTenant = `request.userInfo.username.startsWith("system:serviceaccount:${this.#prefix}-")`;
    const isProbe = `request.operation == "CREATE" && object.metadata.name == "${PROBE}"`;
    const condition = `request.namespace == "${namespace}" && ((${isTenant} && request.operation == "${operation}") || (${isProbe}))`;
    const operations = [...new Set(['CREATE' as const, operation])];
    const refusal = { reason: 'Forbidden', message: 'not today' } as const;
    return AdmissionPolicy.refuse(this.#api, { operations, condition }, refusal);
  }

  /** Waits until the API server heeds what was set up or lifted, unless the namespace is about to go. */
  async #probe(namespace: string, refused: boolean): Promise<void> {
    await eventually(
      async () => {
        if (await this.#isActive(namespace)) expect(await this.#isRefused(namespace)).to.equal(refused);
      },
      { timeoutMs: 30_000, intervalMs: 100 },
    );
  }

  async #isRefused(namespace: string): Promise<boolean> {
    const place = { resource: 'configmaps', namespace } as const;
    try {
      await this.#api.create(place, { metadata: { name: PROBE } }, { dryRun: 'All' });
      return false;
    } catch (error) {
      return isApiError(error, 403) && /not today|exceeded quota/.test(error.message);
    }
  }

  async #isActive(name: string): Promise<boolean> {
    const namespace = await this.#api.get<{ metadata: { deletionTimestamp?: string } }>({
      resource: 'namespaces',
      name,
    });
    return namespace !== undefined && namespace.metadata.deletionTimestamp === undefined;
  }
}

import { apply, type Kubectl } from './kubectl.js';
import { createTargets } from './neighbour.js';
import type { TestPlane } from './plane.js';
import { SlowWebhook } from './slow-webhook.js';
import type { TestTenant } from './tenant.js';
import { TestApi } from './test-api.js';

export interface ThrottleOptions {
  /** Of requests for ConfigMaps, `create` among them; other requests are not throttled. Default: all. */
  verbs?: readonly string[];
}

/** Before the FlowSchema of ServiceAccounts in general, after those of the system itself. */
const MATCHING_PRECEDENCE = 1000;

/** The API server gives up after 30 s. */
const OCCUPIED_MS = 25_000;

/**
 * API Priority and Fairness of the API server, for one tenant's ServiceAccount. It gets a single seat, which
 * a second client under the same identity occupies with a write that hangs. The operator's requests are answered with 429
 * and `Retry-After: 1`, but for a few each time that the second client starts its next write.
 */
export class Throttle {
  readonly #kubectl: Kubectl;
  readonly #name: string;
  #webhook: SlowWebhook | undefined;
  #client: TestApi | undefined;
  #occupying: Promise<void> = Promise.resolve();

  private constructor(kubectl: Kubectl, name: string) {
    this.#kubectl = kubectl;
    this.#name = name;
  }

  /** Resolves when the seat is taken. */
  static async start(
    api: TestApi,
    plane: Pick<TestPlane, 'kubectl' | 'serviceAccountKubeconfig'>,
    tenant: TestTenant,
    options: ThrottleOptions = {},
  ): Promise<Throttle> {
    const { kubectl } = plane;
    const throttle = new Throttle(kubectl, `throttle-${tenant.namespace}`);
    try {
      const webhook = (throttle.#webhook = await SlowWebhook.start(kubectl, OCCUPIED_MS));
      webhook.refusal = { code: 403, message: 'the seat is free again' };
      const [namespace = ''] = await createTargets(api, tenant, { count: 1, labels: webhook.labels });
      await webhook.inForce(namespace);
      await apply(kubectl, throttle.#priorityLevel(), throttle.#flowSchema(tenant, options));
      const kubeconfig = await plane.serviceAccountKubeconfig(tenant.namespace, tenant.serviceAccount);
      throttle.#client = await TestApi.connect(kubeconfig);
      throttle.#occupying = throttle.#occupy(throttle.#client, namespace);
      await webhook.busy();
      return throttle;
    } catch (error) {
      await throttle.close();
      throw error;
    }
  }

  /** Removes it from the API server. */
  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await this.#webhook?.close();
    await this.#kubectl(['delete', `flowschema/${this.#name}`, '--ignore-not-found']);
    await this.#kubectl(['delete', `prioritylevelconfiguration/${this.#name}`, '--ignore-not-found']);
    await this.#occupying;
    await client?.close();
  }

  async #occupy(client: TestApi, namespace: string): Promise<void> {
    while (this.#client !== undefined) {
      const seat = { metadata: { generateName: 'seat-' } };
      // It ends with 403, or with 429 when the operator got the seat first.
      await client.create({ resource: 'configmaps', namespace }, seat).catch(() => undefined);
    }
  }

  #priorityLevel(): object {
    return {
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
      kind: 'PriorityLevelConfiguration',
      metadata: { name: this.#name },
      spec: {
        type: 'Limited',
        limited: {
          // One seat: there are no priority levels with less.
          nominalConcurrencyShares: 0,
          lendablePercent: 0,
          borrowingLimitPercent: 0,
          limitResponse: { type: 'Reject' },
        },
      },
    };
  }

  #flowSchema({ namespace, serviceAccount }: TestTenant, { verbs = ['*'] }: ThrottleOptions): object {
    return {
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
      kind: 'FlowSchema',
      metadata: { name: this.#name },
      spec: {
        priorityLevelConfiguration: { name: this.#name },
        matchingPrecedence: MATCHING_PRECEDENCE,
        rules: [
          {
            subjects: [{ kind: 'ServiceAccount', serviceAccount: { namespace, name: serviceAccount } }],
            resourceRules: [{ apiGroups: [''], resources: ['configmaps'], verbs, namespaces: ['*'] }],
          },
        ],
      },
    };
  }
}

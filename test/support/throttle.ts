import { apply, type Kubectl } from './kubectl.js';
import { createTargets } from './neighbour.js';
import type { TestPlane } from './plane.js';
import { SlowWebhook } from './slow-webhook.js';
import type { TestTenant } from './tenant.js';
import { TestApi } from './test-api.js';

export interface ThrottleOptions {
  /** Of requests for ConfigMaps, `create` among them; others are served as ever. Default: all. */
  verbs?: readonly string[];
}

/** Before those of ServiceAccounts in general, and after all that the system needs for itself. */
const MATCHING_PRECEDENCE = 1000;

/** The API server gives up after 30 s. */
const OCCUPIED_MS = 25_000;

/**
 * API Priority and Fairness of the API server, for one tenant's ServiceAccount. It gets a single seat, and a client of its
 * own that is always about to create a ConfigMap has taken it: the operator's requests are answered with 429 and
 * `Retry-After: 1`. Now and then, where that client begins anew, one of them is served.
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
      webhook.refusal = { code: 403, message: 'it was only to take time' };
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

  /** Removes it from the API server: the tenant is served like any other again. */
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
      // Refused when its time is over, or by 429 where the operator was faster.
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

import { randomUUID } from 'node:crypto';
import { eventually } from './eventually.js';
import type { TestApi } from './test-api.js';

/** What of the requests to the API server a policy is about. */
export interface PolicyScope {
  /** Default: configmaps. */
  resource?: { group: string; version: string; name: string };
  operations: readonly ('CREATE' | 'UPDATE' | 'DELETE')[];
  /** A CEL expression: only requests for which it is true. Default: all in `namespace`. */
  condition?: string;
  namespace?: string;
}

export interface Refusal {
  /** Default: what the API server takes, `Invalid`, which is answered with 422. */
  reason?: 'Forbidden' | 'Invalid' | 'RequestEntityTooLarge' | 'Unauthorized';
  message: string;
}

/** A ValidatingAdmissionPolicy or a MutatingAdmissionPolicy with its binding, of one test. */
export class AdmissionPolicy {
  readonly #api: TestApi;
  readonly #kind: 'validating' | 'mutating';
  readonly #name = `test-${randomUUID().slice(0, 8)}`;

  private constructor(api: TestApi, kind: 'validating' | 'mutating') {
    this.#api = api;
    this.#kind = kind;
  }

  /** Refuses all of that scope. */
  static async refuse(api: TestApi, scope: PolicyScope, refusal: Refusal): Promise<AdmissionPolicy> {
    const { message, reason } = refusal;
    const validations = [{ expression: 'false', message, ...(reason && { reason }) }];
    return new AdmissionPolicy(api, 'validating').#create(scope, { validations });
  }

  /** @param patch A CEL expression that makes a list of JSONPatch, such as `[JSONPatch{op: "remove", path: "/data/k"}]`. */
  static async mutate(api: TestApi, scope: PolicyScope, patch: string): Promise<AdmissionPolicy> {
    const mutations = [{ patchType: 'JSONPatch', jsonPatch: { expression: patch } }];
    return new AdmissionPolicy(api, 'mutating').#create(scope, { mutations, reinvocationPolicy: 'Never' });
  }

  /** Waits until the API server heeds it. @param probe Resolves to whether it does; errors of it count as no. */
  async inForce(probe: () => Promise<boolean>): Promise<this> {
    await eventually(
      async () => {
        if (!(await probe().catch(() => false))) throw new Error(`policy ${this.#name} is not in force`);
      },
      { timeoutMs: 30_000, intervalMs: 100 },
    );
    return this;
  }

  async remove(): Promise<void> {
    await this.#api.delete({ resource: `${this.#kind}admissionpolicybindings`, name: this.#name });
    await this.#api.delete({ resource: `${this.#kind}admissionpolicies`, name: this.#name });
  }

  async #create(scope: PolicyScope, rest: object): Promise<this> {
    const { resource = { group: '', version: 'v1', name: 'configmaps' }, operations } = scope;
    const { condition = `request.namespace == "${scope.namespace ?? ''}"` } = scope;
    const rule = {
      apiGroups: [resource.group],
      apiVersions: [resource.version],
      resources: [resource.name],
      operations,
    };
    const name = this.#name;
    await this.#api.create(
      { resource: `${this.#kind}admissionpolicies` },
      {
        metadata: { name },
        spec: {
          failurePolicy: 'Fail',
          matchConstraints: { resourceRules: [rule] },
          matchConditions: [{ name: 'scope', expression: condition }],
          ...rest,
        },
      },
    );
    const actions = this.#kind === 'validating' ? { validationActions: ['Deny'] } : {};
    await this.#api.create(
      { resource: `${this.#kind}admissionpolicybindings` },
      { metadata: { name }, spec: { policyName: name, ...actions } },
    );
    return this;
  }
}

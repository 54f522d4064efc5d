import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { expect } from 'chai';
import { generateCredentials } from '../../hack/control-plane/credentials.js';
import { eventually } from './eventually.js';
import { apply, type Kubectl } from './kubectl.js';

/** The answer to writes that are not allowed. */
export interface Refusal {
  code: number;
  message: string;
  /** The API server passes it on as `Retry-After`. */
  retryAfterSeconds?: number;
}

/** A write that the API server asked about. */
export interface AdmissionCall {
  readonly namespace: string;
  readonly name: string;
  readonly username: string;
  /** True while the API server waits for the answer. */
  pending: boolean;
}

interface AdmissionReview {
  request: {
    uid: string;
    namespace: string;
    name: string;
    dryRun?: boolean;
    userInfo: { username: string };
  };
}

const LABEL = 'test.weaver.example.com/slow-webhook';

/** The longest that the API server waits for a webhook. */
const TIMEOUT_SECONDS = 30;

/**
 * A validating admission webhook, registered with the API server, that answers late where a ConfigMap is created or
 * updated in a namespace with its {@link labels}. It sees no other namespace. It listens on 127.0.0.1, so it needs a local
 * API server.
 */
export class SlowWebhook {
  /** How long an answer takes; counts for calls from now on. */
  answerAfterMs: number;
  /** Left out: every write is allowed. */
  refusal: Refusal | undefined;
  /** Every write so far, oldest first. */
  readonly calls: AdmissionCall[] = [];
  /** Namespaces with these labels are its own. */
  readonly labels: Readonly<Record<string, string>>;
  readonly #name: string;
  readonly #kubectl: Kubectl;
  readonly #server: Server;
  /** What answers each pending call. */
  readonly #answers = new Set<() => void>();
  #probed = false;

  private constructor(kubectl: Kubectl, server: Server, answerAfterMs: number) {
    const id = randomUUID().slice(0, 8);
    this.#name = `slow-webhook-${id}`;
    this.labels = { [LABEL]: id };
    this.#kubectl = kubectl;
    this.#server = server;
    this.answerAfterMs = answerAfterMs;
  }

  static async start(kubectl: Kubectl, answerAfterMs = 0): Promise<SlowWebhook> {
    const { authority, serving } = await generateCredentials();
    const server = createServer({ cert: serving.certificate, key: serving.privateKey });
    const webhook = new SlowWebhook(kubectl, server, answerAfterMs);
    server.on('request', (request, response) => {
      void json(request).then(
        (review) => webhook.#review(review as AdmissionReview, response),
        () => response.destroy(),
      );
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await apply(kubectl, webhook.#configuration(authority));
    return webhook;
  }

  /** Those that the API server waits for. */
  get pending(): AdmissionCall[] {
    return this.calls.filter(({ pending }) => pending);
  }

  /** Waits until the API server asks about writes in this namespace, which has the {@link labels}. */
  async inForce(namespace: string): Promise<void> {
    await eventually(async () => {
      await this.#kubectl(['create', 'configmap', 'probe', '-n', namespace, '--dry-run=server']);
      expect(this.#probed, `calls of the webhook for namespace ${namespace}`).to.equal(true);
    });
  }

  /** Waits until writes are pending and their number is stable. @returns them */
  async busy(timeoutMs = 15_000): Promise<AdmissionCall[]> {
    let before = -1;
    return eventually(
      () => {
        const { pending } = this;
        const count = this.calls.length;
        const isStable = count === before;
        before = count;
        expect(pending, 'pending writes').to.not.deep.equal([]);
        expect(isStable, 'no other write within a moment').to.equal(true);
        return pending;
      },
      { timeoutMs, intervalMs: 300 },
    );
  }

  /** Answers all pending calls, and later ones at once. */
  release(): void {
    this.answerAfterMs = 0;
    for (const answer of this.#answers) answer();
  }

  /** Removes it from the API server and allows the writes that it held. */
  async close(): Promise<void> {
    this.refusal = undefined;
    this.release();
    await this.#kubectl(['delete', 'validatingwebhookconfiguration', this.#name, '--ignore-not-found']);
    // The API server may still call for a moment.
    this.release();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #review({ request }: AdmissionReview, response: ServerResponse): void {
    const { refusal } = this;
    const answer = (): void => this.#answer(request.uid, response, refusal);
    if (request.dryRun === true) {
      this.#probed = true;
      this.#answer(request.uid, response, undefined);
      return;
    }
    const { namespace, name, userInfo } = request;
    const call: AdmissionCall = { namespace, name, username: userInfo.username, pending: true };
    this.calls.push(call);
    const settle = (): void => {
      clearTimeout(timer);
      this.#answers.delete(settle);
      if (!call.pending) return;
      call.pending = false;
      answer();
    };
    const timer = setTimeout(settle, this.answerAfterMs);
    this.#answers.add(settle);
    // The API server gave up.
    response.once('close', settle);
  }

  #answer(uid: string, response: ServerResponse, refusal: Refusal | undefined): void {
    const denial = refusal && {
      code: refusal.code,
      message: refusal.message,
      ...(refusal.retryAfterSeconds !== undefined && {
        details: { retryAfterSeconds: refusal.retryAfterSeconds },
      }),
    };
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        response: { uid, allowed: denial === undefined, ...(denial && { status: denial }) },
      }),
    );
  }

  #configuration(authority: string): object {
    const { port } = this.#server.address() as AddressInfo;
    return {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: this.#name },
      webhooks: [
        {
          name: 'slow-webhook.test.weaver.example.com',
          clientConfig: {
            url: `https://127.0.0.1:${port}/`,
            caBundle: Buffer.from(authority).toString('base64'),
          },
          rules: [
            {
              apiGroups: [''],
              apiVersions: ['v1'],
              resources: ['configmaps'],
              operations: ['CREATE', 'UPDATE'],
            },
          ],
          namespaceSelector: { matchLabels: this.labels },
          // kube-controller-manager publishes this one into every new namespace.
          matchConditions: [{ name: 'no-root-ca', expression: "object.metadata.name != 'kube-root-ca.crt'" }],
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          timeoutSeconds: TIMEOUT_SECONDS,
          failurePolicy: 'Fail',
        },
      ],
    };
  }
}

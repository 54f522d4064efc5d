import { type Clock, microTime } from '../util/clock.js';
import { isApiError, undefinedAt } from '../client/errors.js';
import type { ObjectMeta } from '../../api/kubernetes.js';
import { apiPath } from '../client/api-path.js';
import type { Requester } from '../client/rest-client.js';

/** coordination.k8s.io/v1 LeaseSpec. */
interface LeaseSpec {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

interface Lease {
  metadata: Partial<ObjectMeta>;
  spec?: LeaseSpec;
}

export interface LeaseOptions {
  client: Requester;
  namespace: string;
  name: string;
  /** Tells this process from all others, also from an earlier one in the same pod. */
  identity: string;
}

/**
 * One Lease as a lock. Every write carries the resourceVersion it was decided on, so that of two who try only one succeeds.
 * Needs the rights to get, create and update leases.
 */
export class LeaseLock {
  readonly #options: LeaseOptions & { leaseDurationMs: number; clock: Clock };
  #lease: Lease | undefined;
  /** When {@link #lease} was first seen as it is. */
  #observedAt = 0;
  /** When the last write that succeeded was sent; -Infinity before the first. */
  renewedAt = -Infinity;

  constructor(options: LeaseOptions & { leaseDurationMs: number; clock: Clock }) {
    this.#options = options;
  }

  /** The last holder seen, '' for nobody. */
  get holder(): string {
    return this.#lease?.spec?.holderIdentity ?? '';
  }

  get isOurs(): boolean {
    return this.holder === this.#options.identity;
  }

  /**
   * Takes the Lease when it is free, ours, or has stood still for its whole duration: {@link isOurs} says whether it did.
   * @throws ApiError, 409 when somebody else was quicker.
   */
  async acquireOrRenew(signal: AbortSignal): Promise<void> {
    if (this.#lease !== undefined && this.isOurs) {
      try {
        // Whoever leads knows what stands there, and saves a read at each renewal.
        await this.#write(this.#lease, this.#renewed(this.#lease.spec), signal);
        return;
      } catch (error) {
        if (!isApiError(error, 404, 409)) throw error;
      }
    }
    const found = await this.#read(signal);
    if (found !== undefined) this.#observe(found);
    if (found === undefined || this.isOurs || !this.#isHeld(found.spec)) {
      await this.#write(found, this.#renewed(found?.spec), signal);
    }
  }

  /** Lets the next one start at once; does nothing when the Lease is not ours. */
  async release(signal: AbortSignal): Promise<void> {
    if (this.#lease === undefined || !this.isOurs) return;
    const now = microTime(this.#options.clock.now());
    const free = { holderIdentity: '', leaseDurationSeconds: 1, renewTime: now, acquireTime: now };
    await this.#write(this.#lease, { ...this.#lease.spec, ...free }, signal);
  }

  /** By our own clock: the times in the Lease are those of another machine. */
  #isHeld(spec: LeaseSpec | undefined): boolean {
    const seconds = spec?.leaseDurationSeconds;
    const durationMs = seconds === undefined ? this.#options.leaseDurationMs : seconds * 1000;
    return (spec?.holderIdentity ?? '') !== '' && this.#options.clock.now() < this.#observedAt + durationMs;
  }

  #renewed(spec: LeaseSpec | undefined): LeaseSpec {
    const now = microTime(this.#options.clock.now());
    const ours = spec?.holderIdentity === this.#options.identity;
    return {
      ...spec,
      holderIdentity: this.#options.identity,
      leaseDurationSeconds: Math.ceil(this.#options.leaseDurationMs / 1000),
      renewTime: now,
      acquireTime: ours ? (spec.acquireTime ?? now) : now,
      leaseTransitions: (spec?.leaseTransitions ?? 0) + (ours || spec === undefined ? 0 : 1),
    };
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    const request = { method: 'GET', path: this.#path(this.#options.name), signal } as const;
    return (await this.#options.client.request<Lease>(request).catch(undefinedAt(404)))?.body;
  }

  /** Creates it where there is no `lease` yet. */
  async #write(lease: Lease | undefined, spec: LeaseSpec, signal: AbortSignal): Promise<void> {
    const { client, clock, namespace, name } = this.#options;
    const created = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace } };
    const sentAt = clock.now();
    const { body } = await client.request<Lease>({
      method: lease === undefined ? 'POST' : 'PUT',
      path: this.#path(lease && name),
      body: { ...(lease ?? created), spec },
      signal,
    });
    this.#observe(body);
    this.renewedAt = sentAt;
  }

  #observe(lease: Lease): void {
    if (this.#lease === undefined || JSON.stringify(this.#lease.spec) !== JSON.stringify(lease.spec)) {
      this.#observedAt = this.#options.clock.now();
    }
    this.#lease = lease;
  }

  #path(name: string | undefined): string {
    const { namespace } = this.#options;
    return apiPath({ group: 'coordination.k8s.io', version: 'v1', namespace, resource: 'leases', name });
  }
}

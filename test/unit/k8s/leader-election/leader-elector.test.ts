import { expect } from 'chai';

import { ApiError } from '../../../../src/k8s/client/errors.js';
import { LeaderElector } from '../../../../src/k8s/leader-election/leader-elector.js';
import type { ApiRequest, ApiResponse } from '../../../../src/k8s/client/rest-types.js';
import type { Requester } from '../../../../src/k8s/client/rest-client.js';
import { FakeClock } from '../../../support/fakes/fake-clock.js';
import { recordingLog } from '../../../support/fakes/recording-log.js';

interface Lease {
  metadata: { resourceVersion?: string };
  spec: Record<string, unknown>;
}

/** One Lease, with the API server's rules for concurrent writes. */
class FakeLeases {
  lease: Lease | undefined;
  writes = 0;
  #version = 0;

  /** What one process sees of it; `fault` may cut it off. */
  client(fault: { error?: Error; hang?: boolean } = {}): Requester {
    return {
      request: async <T>({ method, body, signal }: ApiRequest): Promise<ApiResponse<T>> => {
        if (fault.hang) {
          await new Promise((_resolve, reject) =>
            signal?.addEventListener('abort', () => reject(signal.reason as Error)),
          );
        }
        if (fault.error !== undefined) throw fault.error;
        return { body: this.#answer(method, body as Lease) as T, code: 200, auditID: undefined };
      },
    };
  }

  #answer(method: string, body: Lease): Lease {
    if (method === 'GET') {
      if (this.lease === undefined)
        throw new ApiError({ code: 404, reason: 'NotFound', message: 'no lease' });
      return this.lease;
    }
    const conflict =
      method === 'POST'
        ? this.lease !== undefined
        : body.metadata.resourceVersion !== this.lease?.metadata.resourceVersion;
    if (conflict) throw new ApiError({ code: 409, reason: 'Conflict', message: 'changed meanwhile' });
    this.writes++;
    this.lease = { ...body, metadata: { ...body.metadata, resourceVersion: String(++this.#version) } };
    return this.lease;
  }
}

const unreachable = new ApiError({ code: 0, reason: '', message: 'cannot reach it' });

describe('the leader elector', () => {
  let clock: FakeClock;
  let leases: FakeLeases;
  let stop: AbortController;

  beforeEach(() => {
    clock = new FakeClock();
    leases = new FakeLeases();
    stop = new AbortController();
  });

  function elector(
    identity: string,
    fault: { error?: Error; hang?: boolean } = {},
    more: { log?: ReturnType<typeof recordingLog>; observed?: boolean[] } = {},
  ): LeaderElector {
    return new LeaderElector({
      client: leases.client(fault),
      namespace: 'operators',
      name: 'lease',
      identity,
      clock,
      random: () => 0,
      log: more.log ?? recordingLog(),
      onLeading: (leads) => more.observed?.push(leads),
    });
  }

  /** Leads until told to stop, and remembers when that was. */
  function leader(): {
    lead: (leading: AbortSignal) => Promise<void>;
    startedAt?: number;
    stoppedAt?: number;
  } {
    const state: ReturnType<typeof leader> = {
      lead: (leading) => {
        state.startedAt = clock.now();
        return new Promise((_resolve, reject) => {
          const onAbort = (): void => {
            state.stoppedAt = clock.now();
            reject(leading.reason as Error);
          };
          if (leading.aborted) onAbort();
          leading.addEventListener('abort', onAbort);
        });
      },
    };
    return state;
  }

  it('creates the Lease, renews it every two seconds, and gives it back at the end', async () => {
    const observed: boolean[] = [];
    const { lead } = leader();
    const running = elector('a', {}, { observed }).run(stop.signal, lead);
    await clock.advance(10_000);
    const held = leases.lease?.spec;
    const { writes } = leases;

    stop.abort();

    expect(await running).to.equal('released');
    expect(held).to.include({ holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 0 });
    expect(held?.renewTime).to.match(/^2026-01-02T03:04:\d\d\.\d{6}Z$/);
    expect(writes).to.equal(6);
    expect(leases.lease?.spec).to.include({ holderIdentity: '', leaseDurationSeconds: 1 });
    expect(observed).to.deep.equal([false, true, false]);
  });

  it('never lets two lead at once, however the network fails', async () => {
    const fault: { error?: Error } = {};
    const [first, second] = [leader(), leader()];
    const firstEnds = elector('a', fault).run(stop.signal, first.lead);
    await clock.advance(1000);
    const secondEnds = elector('b').run(stop.signal, second.lead);
    await clock.advance(9000);

    fault.error = unreachable;
    await clock.advance(60_000);
    stop.abort();
    await clock.advance(0);

    expect(await firstEnds).to.equal('lost');
    expect(await secondEnds).to.equal('released');
    expect(first.stoppedAt).to.be.below(second.startedAt!);
  });

  it('leads on when one renewal hangs, as on a connection that has gone silent, and the next does not', async () => {
    const fault: { hang?: boolean } = {};
    const state = leader();
    const running = elector('a', fault).run(stop.signal, state.lead);
    await clock.advance(1000);

    fault.hang = true;
    await clock.advance(2000);
    fault.hang = false;
    await clock.advance(20_000);
    const stoppedAt = state.stoppedAt;
    stop.abort();

    expect(await running).to.equal('released');
    expect(stoppedAt).to.equal(undefined);
  });

  it('stops leading ten seconds after its last renewal, also when requests hang', async () => {
    const fault: { hang?: boolean } = {};
    const state = leader();
    const running = elector('a', fault).run(stop.signal, state.lead);
    await clock.advance(2000);
    const lastRenewal = clock.now();

    fault.hang = true;
    await clock.advance(9999);
    const early = state.stoppedAt;
    await clock.advance(1);

    expect(early).to.equal(undefined);
    expect(state.stoppedAt).to.equal(lastRenewal + 10_000);
    expect(await running).to.equal('lost');
  });

  it('survives an outage that is shorter than its renew deadline', async () => {
    const fault: { error?: Error } = {};
    const log = recordingLog();
    const state = leader();
    const running = elector('a', fault, { log }).run(stop.signal, state.lead);
    await clock.advance(2000);

    fault.error = unreachable;
    await clock.advance(7000);
    delete fault.error;
    await clock.advance(30_000);
    const stoppedAt = state.stoppedAt;
    stop.abort();

    expect(await running).to.equal('released');
    expect(stoppedAt).to.equal(undefined);
    expect(log.lines.filter((line) => line.startsWith('warn'))).to.deep.equal([
      'warn: leader election: cannot reach it; trying again',
    ]);
  });

  it('stops at once when somebody else holds the Lease', async () => {
    const state = leader();
    const running = elector('a').run(stop.signal, state.lead);
    await clock.advance(1000);

    leases.lease = {
      metadata: { resourceVersion: 'other' },
      spec: { holderIdentity: 'thief', leaseDurationSeconds: 15 },
    };
    await clock.advance(2000);

    expect(await running).to.equal('lost');
    expect(leases.lease.spec.holderIdentity).to.equal('thief');
  });

  it("waits for a Lease to stand still by its own clock, whatever time the holder's clock says", async () => {
    leases.lease = {
      metadata: { resourceVersion: '0' },
      spec: {
        holderIdentity: 'dead',
        leaseDurationSeconds: 15,
        renewTime: '1999-01-01T00:00:00.000000Z',
        leaseTransitions: 4,
      },
    };
    const state = leader();
    const startedAt = clock.now();
    const running = elector('b').run(stop.signal, state.lead);

    await clock.advance(14_999);
    const early = state.startedAt;
    await clock.advance(3000);
    stop.abort();
    await running;

    expect(early).to.equal(undefined);
    expect(state.startedAt! - startedAt).to.be.within(15_000, 17_000);
    expect(leases.lease.spec.leaseTransitions).to.equal(5);
  });

  it('takes a Lease that was given back at once', async () => {
    leases.lease = {
      metadata: { resourceVersion: '0' },
      spec: { holderIdentity: '', leaseDurationSeconds: 1 },
    };
    const state = leader();
    const running = elector('b').run(stop.signal, state.lead);

    await clock.advance(0);
    const startedAt = state.startedAt;
    stop.abort();
    await running;

    expect(startedAt).to.equal(clock.now());
  });

  it('keeps the Lease until what it leads is over, so that nobody else starts meanwhile', async () => {
    const gate = Promise.withResolvers<undefined>();
    const running = elector('a').run(stop.signal, async () => {
      await gate.promise;
    });
    await clock.advance(1000);

    stop.abort();
    await clock.advance(20_000);
    const whileFinishing = leases.lease?.spec.holderIdentity;
    gate.resolve(undefined);

    expect(await running).to.equal('released');
    expect(whileFinishing).to.equal('a');
    expect(leases.lease?.spec.holderIdentity).to.equal('');
  });

  it('throws what the leader throws, and gives the Lease back', async () => {
    const failure = new Error('a bug');

    const error: unknown = await elector('a')
      .run(stop.signal, () => Promise.reject(failure))
      .catch((reason: unknown) => reason);

    expect(error).to.equal(failure);
    expect(leases.lease?.spec.holderIdentity).to.equal('');
  });

  it('refuses times by which two could lead at once', () => {
    expect(
      () =>
        new LeaderElector({
          client: leases.client(),
          namespace: 'n',
          name: 'l',
          identity: 'a',
          leaseDurationMs: 10_000,
          renewDeadlineMs: 10_000,
          log: recordingLog(),
        }),
    ).to.throw(RangeError);
  });
});

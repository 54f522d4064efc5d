import { once } from 'node:events';

import { expect } from 'chai';

import { LeaderElector, type LeaderElectorOptions } from '../../../src/k8s/leader-election/leader-elector.js';
import { apiPath } from '../../../src/k8s/client/api-path.js';
import { eventually } from '../../support/eventually.js';
import { recordingLog } from '../../support/fakes/recording-log.js';
import { createNamespace } from '../../support/tenant.js';
import { TestApi } from '../../support/test-api.js';

interface LeaseSpec {
  holderIdentity: string;
  leaseDurationSeconds: number;
  leaseTransitions: number;
}

describe('the leader elector, against a real API server', () => {
  let admin: TestApi;
  let namespace: string;

  before(async () => {
    admin = await TestApi.connect();
  });

  beforeEach(async () => {
    namespace = await createNamespace(admin, 'leader');
  });

  after(() => admin.close());

  /** Keeps in `leading` the identities that lead. */
  function elector(
    identity: string,
    leading: Set<string>,
    options: Partial<LeaderElectorOptions> = {},
  ): LeaderElector {
    return new LeaderElector({
      client: admin.client,
      namespace,
      name: 'test-lease',
      identity,
      leaseDurationMs: 3000,
      renewDeadlineMs: 2000,
      retryPeriodMs: 200,
      log: recordingLog(),
      onLeading: (leads) => (leads ? leading.add(identity) : leading.delete(identity)),
      ...options,
    });
  }

  async function lease(): Promise<LeaseSpec> {
    const { body } = await admin.client.request<{ spec: LeaseSpec }>({
      method: 'GET',
      path: apiPath({
        group: 'coordination.k8s.io',
        version: 'v1',
        namespace,
        resource: 'leases',
        name: 'test-lease',
      }),
    });
    return body.spec;
  }

  async function untilAborted(leading: AbortSignal): Promise<void> {
    if (!leading.aborted) await once(leading, 'abort');
  }

  it('lets one of two lead, and hands over at once when that one ends', async () => {
    const leading = new Set<string>();
    const [first, second] = [elector('first', leading), elector('second', leading)];
    const [stopFirst, stopSecond] = [new AbortController(), new AbortController()];
    const firstEnds = first.run(stopFirst.signal, untilAborted);
    await eventually(() => expect([...leading]).to.deep.equal(['first']));
    const secondEnds = second.run(stopSecond.signal, untilAborted);

    const whileBoth = [...leading];
    const held = await lease();
    stopFirst.abort();
    const outcome = await firstEnds;
    const releasedAt = Date.now();
    await eventually(() => expect([...leading]).to.deep.equal(['second']));
    const handover = Date.now() - releasedAt;
    const taken = await lease();
    stopSecond.abort();

    expect(whileBoth).to.deep.equal(['first']);
    expect(held).to.include({ holderIdentity: 'first', leaseDurationSeconds: 3, leaseTransitions: 0 });
    expect(outcome).to.equal('released');
    expect(handover).to.be.below(2500);
    expect(taken).to.include({ holderIdentity: 'second', leaseTransitions: 1 });
    expect(await secondEnds).to.equal('released');
    expect(await lease()).to.include({ holderIdentity: '', leaseDurationSeconds: 1 });
  });

  it('takes over from a leader that has died, after its lease duration and not before', async function () {
    this.timeout(30_000);
    // From one moment on nothing of its requests arrives: as if its machine had lost the network.
    let alive = true;
    const leading = new Set<string>();
    const dying = elector('dying', leading, {
      client: {
        request: (request) => (alive ? admin.client.request(request) : new Promise(() => undefined)),
      },
    });
    const stopDying = new AbortController();
    const dyingEnds = dying.run(stopDying.signal, untilAborted);
    await eventually(() => expect([...leading]).to.deep.equal(['dying']));
    alive = false;
    const diedAt = Date.now();

    const heir = elector('heir', leading);
    const stopHeir = new AbortController();
    const heirEnds = heir.run(stopHeir.signal, untilAborted);
    await eventually(() => expect([...leading]).to.include('heir'));
    const took = Date.now() - diedAt;
    const outcome = await dyingEnds;
    stopHeir.abort();
    await heirEnds;

    expect(took).to.be.within(2500, 6000);
    expect(outcome).to.equal('lost');
  });
});

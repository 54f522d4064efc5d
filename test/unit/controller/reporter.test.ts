import { expect } from 'chai';
import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import { ConfigMapSyncClient } from '../../../src/controller/config-map-sync-client.js';
import { Finalizer } from '../../../src/controller/finalizer.js';
import { Reporter } from '../../../src/controller/reporter.js';
import { SyncStates } from '../../../src/controller/sync-states.js';
import { type SyncState } from '../../../src/controller/sync-state.js';
import { Store } from '../../../src/k8s/cache/store.js';
import { Controller } from '../../../src/k8s/controller/controller.js';
import { WorkQueue } from '../../../src/k8s/controller/work-queue.js';
import { Notifier } from '../../../src/reporting/notifier.js';
import { NO_WORK, type Desired, type SyncPlan } from '../../../src/sync/result.js';
import { SYNCED } from '../../../src/sync/outcomes.js';
import { FakeClock, settle } from '../../support/fakes/fake-clock.js';
import { planOf, targetResult } from '../sync/results.js';
import { syncObject } from '../../support/sync-object.js';
import { FakeApi, refusal } from '../../support/fakes/fake-api.js';

const absent: Desired = 'delete';

function planFor(...namespaces: string[]): SyncPlan {
  const work = new Map(namespaces.map((namespace) => [namespace, absent]));
  return planOf({ syncToNamespaces: namespaces }, { work });
}

describe('the reporter', () => {
  let clock: FakeClock;
  let states: SyncStates;
  let state: SyncState;
  let reporter: Reporter;
  let reports: Controller;
  let stop: AbortController;
  /** Milliseconds from the start at which a status was written, and its summary. */
  let written: [number, string | undefined][];
  let notes: string[];
  let refuses: false | 500 | 403;
  let hasQuick: boolean;
  let startedAt: number;

  beforeEach(() => {
    clock = new FakeClock();
    startedAt = clock.now();
    const syncs = new Store<ConfigMapSync>();
    syncs.upsert(syncObject());
    states = new SyncStates(syncs, () => clock.now());
    state = states.of(syncObject());
    written = [];
    notes = [];
    refuses = false;
    hasQuick = true;
    const api = new FakeApi(({ body }) => {
      const { status } = body as Pick<ConfigMapSync, 'status'>;
      if (refuses !== false) throw refusal(refuses);
      written.push([clock.now() - startedAt, status?.summary]);
      const stored = syncObject({ metadata: { resourceVersion: String(100 + written.length) } });
      return Object.assign(stored, { status });
    });
    const queue = new WorkQueue({ clock, random: () => 0 });
    reporter = new Reporter({
      states,
      client: new ConfigMapSyncClient(api.client()),
      notifier: new Notifier({
        events: { record: ({ note }) => notes.push(note) > 0 },
        metrics: {
          setTargets: () => undefined,
          setDenied: () => undefined,
          setLastSync: () => undefined,
          countDenial: () => undefined,
          cleanupAbandoned: () => undefined,
          eventsDropped: () => undefined,
          propagated: () => undefined,
          forget: () => undefined,
        },
        log: { write: () => undefined },
      }),
      finalizer: new Finalizer({ namespaces: { state: () => 'active' }, timeoutMs: 600_000, clock }),
      queue,
      hasQuick: () => hasQuick,
      replan: () => undefined,
      recoveryMs: () => 12_000,
      onFinalized: () => undefined,
      clock,
    });
    stop = new AbortController();
    reports = new Controller({
      queue,
      workers: 1,
      reconcile: (uid) => reporter.report(uid, stop.signal),
      onError: () => undefined,
    });
    void reports.run(stop.signal);
  });

  afterEach(() => stop.abort());

  function adopt(plan: SyncPlan): void {
    state.adopt(plan);
    reporter.changed(state);
  }

  async function end(plan: SyncPlan, namespace: string): Promise<void> {
    state.settle(plan, namespace, targetResult(SYNCED, { work: { ...NO_WORK, created: 1 } }));
    reporter.changed(state);
    await settle();
  }

  it('writes once, and at once, when all have come to an end', async () => {
    const plan = planFor('a', 'b', 'c');
    adopt(plan);
    for (const namespace of ['a', 'b', 'c']) await end(plan, namespace);
    await clock.advance(60_000);

    expect(written).to.deep.equal([[0, '3/3']]);
    expect(notes).to.deep.equal(['copies: 3 created, 0 updated, 0 removed']);
  });

  it('tells what is known once all that is missing are stragglers', async () => {
    const plan = planFor('a', 'b', 'c');
    adopt(plan);
    await end(plan, 'a');
    await clock.advance(5_000);
    await end(plan, 'b');
    expect(written).to.deep.equal([]);
    hasQuick = false;
    await clock.advance(60_000);

    expect(written).to.deep.equal([[5_500, '2/3']]);
  });

  it('tells it after half a minute, however much comes in', async () => {
    const namespaces = Array.from({ length: 200 }, (_, n) => `ns-${n}`);
    const plan = planFor(...namespaces);
    adopt(plan);
    for (const namespace of namespaces.slice(0, 160)) {
      await clock.advance(200);
      await end(plan, namespace);
    }

    expect(written[0]?.[0]).to.be.within(30_000, 30_500);
  });

  it('tells of stragglers once a second, and of the last one at once', async () => {
    hasQuick = false;
    const plan = planFor('a', 'b', 'c', 'd');
    adopt(plan);
    await end(plan, 'a');
    await clock.advance(600);
    expect(written).to.deep.equal([[500, '1/4']]);
    await end(plan, 'b');
    await clock.advance(100);
    await end(plan, 'c');
    await clock.advance(5_000);
    expect(written.slice(1)).to.deep.equal([[1_500, '3/4']]);
    await end(plan, 'd');

    expect(written.at(-1)).to.deep.equal([5_700, '4/4']);
  });

  it('waits for no more where all that is missing are stragglers, however often plans change', async () => {
    hasQuick = false;
    for (let n = 0; n < 8; n += 1) {
      const plan = planFor('a', 'hanging');
      adopt(plan);
      await end(plan, 'a');
      await clock.advance(300);
    }

    expect(written).to.deep.equal([[500, '1/2']]);
  });

  it('writes nothing where nothing is new', async () => {
    const plan = planFor('a');
    adopt(plan);
    await end(plan, 'a');
    state.adopt(planOf({ syncToNamespaces: ['a'] }, { settled: new Map([['a', SYNCED]]) }));
    reporter.changed(state);
    await clock.advance(60_000);

    expect(written).to.have.length(1);
  });

  it('tells by an Event, once, that the status is refused, and writes it when that ends', async () => {
    refuses = 403;
    const plan = planFor('a');
    adopt(plan);
    await end(plan, 'a');
    await clock.advance(60_000);
    expect(notes).to.deep.equal([
      'copies: 1 created, 0 updated, 0 removed',
      'the status cannot be written: refused with 403',
    ]);
    refuses = false;
    await clock.advance(12_000);

    expect(written.map(([, summary]) => summary)).to.deep.equal(['1/1']);
    expect(notes).to.have.length(2);
  });

  it('writes what it could not, later and later, and tells nothing twice', async () => {
    refuses = 500;
    const plan = planFor('a');
    adopt(plan);
    await end(plan, 'a');
    await clock.advance(1_000);
    refuses = false;
    await clock.advance(10_000);

    expect(written.map(([, summary]) => summary)).to.deep.equal(['1/1']);
    expect(notes).to.deep.equal(['copies: 1 created, 0 updated, 0 removed']);
  });

  it('tells all that is known when the process ends, also what could not be written before', async () => {
    const plan = planFor('a', 'b');
    adopt(plan);
    refuses = 500;
    await end(plan, 'a');
    await clock.advance(500);
    refuses = false;
    expect(written).to.deep.equal([]);

    await reporter.flush(stop.signal);

    expect(written.at(-1)?.[1]).to.equal('1/2');
    expect(notes).to.have.length(1);
  });

  it('tells nothing of what is forgotten, whatever still ends', async () => {
    const plan = planFor('a');
    adopt(plan);
    await clock.advance(500);
    written.length = 0;
    states.forget(state);
    await end(plan, 'a');
    await clock.advance(60_000);
    await reporter.flush(stop.signal);

    expect(written).to.deep.equal([]);
  });
});

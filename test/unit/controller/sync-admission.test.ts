import { expect } from 'chai';
import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import { FINALIZER } from '../../../src/api/v1alpha1/well-known.js';
import { SyncAdmission } from '../../../src/controller/sync-admission.js';
import { MemoryBudget } from '../../../src/k8s/cache/memory-budget.js';
import { Store } from '../../../src/k8s/cache/store.js';
import { policyReport } from '../../../src/reporting/policy-report.js';
import { isWithheld } from '../../../src/sync/stored.js';
import { FakeApi } from '../../support/fakes/fake-api.js';
import { FakeClock, settle } from '../../support/fakes/fake-clock.js';
import { syncObject } from '../../support/sync-object.js';

/** One of 100 KiB. */
function large(
  name: string,
  resourceVersion = '1',
  metadata: Partial<ConfigMapSync['metadata']> = {},
): ConfigMapSync {
  const values = Array.from({ length: 1000 }, (_, i) => `${'v'.repeat(76)}${i}`);
  return syncObject({
    metadata: { name, uid: `uid-${name}`, resourceVersion, generation: 1, ...metadata },
    spec: { namespaceSelector: { matchExpressions: [{ key: 'a', operator: 'In', values }] } },
  });
}

describe('SyncAdmission', () => {
  let store: Store<ConfigMapSync>;
  let admission: SyncAdmission;
  let clock: FakeClock;
  let served: Map<string, ConfigMapSync>;
  let requests: string[];
  let stop: AbortController;
  let changes: string[];

  beforeEach(() => {
    store = new Store();
    clock = new FakeClock();
    served = new Map();
    requests = [];
    stop = new AbortController();
    changes = [];
    const api = new FakeApi(({ path }) => {
      requests.push(path);
      return served.get(path.split('/').at(-1) ?? '');
    });
    // Two of the large ones.
    const budget = new MemoryBudget(300 * 1024, (key) => admission.withhold(key));
    admission = new SyncAdmission({ store, budget, client: api.client(), clock });
    store.subscribe(({ type, object }) => changes.push(`${type} ${object.metadata.name}`));
    void admission.run(stop.signal).catch(() => undefined);
  });

  afterEach(() => stop.abort());

  function watched(sync: ConfigMapSync): ConfigMapSync {
    served.set(sync.metadata.name, sync);
    store.upsert(admission.admit(sync, false));
    return store.get(`team-a/${sync.metadata.name}`)!;
  }

  function removed(sync: ConfigMapSync): void {
    served.delete(sync.metadata.name);
    store.remove(admission.admit(sync, true));
  }

  it('stores no managed fields, and of the rest what the size of the object depends on', () => {
    const metadata = { managedFields: [{}], labels: { a: 'b' }, annotations: { long: 'x' } };
    const stored = watched(large('one', '1', metadata));

    expect(stored.metadata).to.not.have.property('managedFields');
    expect(stored.metadata).to.deep.include({ labels: { a: 'b' }, annotations: { long: 'x' } });
  });

  it('keeps one object for what has not changed, and one spec as long as its generation is the same', () => {
    const stored = watched(large('one'));

    expect(admission.admit(large('one'), false)).to.equal(stored);
    expect(watched(large('one', '2')).spec).to.equal(stored.spec);
    expect(watched(large('one', '3', { generation: 2 })).spec).to.not.equal(stored.spec);
  });

  it('withholds what does not fit, with nothing in it that anything could be done by', async () => {
    watched(large('one'));
    watched(large('two'));
    const annotations = { long: 'x'.repeat(1000) };
    const sync = watched(large('three', '1', { finalizers: [FINALIZER, 'other'], annotations }));

    expect(isWithheld(sync)).to.equal(true);
    expect(sync.metadata).to.include({ uid: 'uid-three', resourceVersion: '1', generation: 1 });
    expect(sync.metadata.finalizers).to.deep.equal([FINALIZER]);
    expect(sync.spec.namespaceSelector).to.equal(undefined);
    expect(JSON.stringify(sync)).to.have.length.below(1000);
    expect(admission.message('team-a')).to.match(/namespace "team-a" use 0\.\d MiB of the 0\.3 MiB/);
    const { results } = await policyReport([sync]);
    expect(results.map(({ result, properties }) => [result, properties?.reason])).to.deep.equal([
      ['error', 'TooManyObjects'],
    ]);
  });

  it('reads again what is withheld, whole, when there is room', async () => {
    watched(large('one'));
    watched(large('two'));
    watched(large('three', '1', { finalizers: [FINALIZER, 'other'] }));
    await clock.advance(1000);
    expect(requests).to.deep.equal([]);

    removed(large('one', '2'));
    await clock.advance(1000);
    await settle();

    const sync = store.get('team-a/three')!;
    expect(isWithheld(sync)).to.equal(false);
    expect(sync.metadata.finalizers).to.deep.equal([FINALIZER, 'other']);
    expect(changes.at(-1)).to.equal('updated three');
    expect(requests).to.have.length(1);
  });

  it('does not bring back what has gone or changed while it was read', async () => {
    watched(large('one'));
    watched(large('two'));
    watched(large('three'));
    served.set('three', large('three', '2'));
    removed(large('one', '2'));

    await clock.advance(1000);
    expect(isWithheld(store.get('team-a/three')!)).to.equal(true);
    removed(large('three', '3'));
    await clock.advance(5000);

    expect(store.get('team-a/three')).to.equal(undefined);
  });

  it('withholds one that has too many targets, and does not read it again for that', async () => {
    const sync = watched(large('one'));

    expect(admission.hasRoomFor(sync, 10)).to.equal(true);
    expect(admission.hasRoomFor(sync, 100)).to.equal(false);

    expect(isWithheld(store.get('team-a/one')!)).to.equal(true);
    expect(changes).to.deep.equal(['added one', 'updated one']);
    expect(admission.hasRoomFor(sync, 1)).to.equal(false);
    watched(large('one', '2'));
    await clock.advance(5000);
    expect(requests).to.deep.equal([]);
    expect(isWithheld(watched(large('one', '3', { generation: 2 })))).to.equal(false);
  });

  it('lets in one after the other of those that are being deleted and hold copies', async () => {
    const deletionTimestamp = '2026-01-01T00:00:00Z';
    for (const name of ['one', 'two', 'three', 'four', 'five'])
      watched(large(name, '1', { finalizers: [FINALIZER] }));
    const leave = (name: string): boolean =>
      !isWithheld(watched(large(name, '2', { generation: 2, finalizers: [FINALIZER], deletionTimestamp })));

    expect(leave('three')).to.equal(true);
    expect(leave('four')).to.equal(false);
    expect(isWithheld(watched(large('five', '2', { deletionTimestamp, finalizers: [] })))).to.equal(true);
    removed(large('three', '3'));
    await clock.advance(1000);
    await settle();

    expect(isWithheld(store.get('team-a/four')!)).to.equal(false);
  });
});

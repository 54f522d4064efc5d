import { expect } from 'chai';
import type { ConfigMapSync } from '../../../src/api/v1alpha1/config-map-sync.js';
import { FINALIZER } from '../../../src/api/v1alpha1/well-known.js';
import { EventHandlers } from '../../../src/controller/event-handlers.js';
import { SyncIndex } from '../../../src/controller/sync-index.js';
import { SyncStates } from '../../../src/controller/sync-states.js';
import type { KubernetesObject } from '../../../src/k8s/client/objects.js';
import { Store } from '../../../src/k8s/cache/store.js';
import { WorkQueue } from '../../../src/k8s/controller/work-queue.js';
import { condition, statusOf, target } from '../reporting/statuses.js';
import { eventually } from '../../support/eventually.js';
import { FakeClock, settle } from '../../support/fakes/fake-clock.js';
import { syncObject } from '../../support/sync-object.js';

function namespace(name: string, resourceVersion: string, extra: object = {}): KubernetesObject {
  return { metadata: { name, uid: `uid-${name}`, resourceVersion, ...extra } };
}

describe('the event handlers', () => {
  let clock: FakeClock;
  let syncs: Store<ConfigMapSync>;
  let namespaces: Store<KubernetesObject>;
  let states: SyncStates;
  let queue: WorkQueue;
  let handlers: EventHandlers;

  beforeEach(() => {
    clock = new FakeClock();
    syncs = new Store();
    namespaces = new Store();
    states = new SyncStates(syncs, () => clock.now());
    queue = new WorkQueue({ clock, random: () => 0 });
    handlers = new EventHandlers({
      syncs,
      namespaces,
      index: new SyncIndex(syncs),
      queue,
      states,
      now: () => clock.now(),
    });
    handlers.start();
  });

  /** Keys that wait to be reconciled; takes them off. */
  async function queued(): Promise<string[]> {
    // What is looked through in slices may need some turns of the event loop.
    for (let turn = 0; turn < 50; turn += 1) await settle();
    const keys: string[] = [];
    while (queue.length > 0) {
      const key = await queue.get(new AbortController().signal);
      if (key === undefined) break;
      keys.push(key);
      queue.done(key);
    }
    return keys.sort();
  }

  describe('of a ConfigMapSync', () => {
    const sync = syncObject({ status: statusOf([target('prod', 'Synced')]) });
    const changed = (change: Parameters<typeof syncObject>[0]): ConfigMapSync =>
      syncObject({
        ...change,
        status: change?.status ?? statusOf([target('prod', 'Synced')]),
        metadata: { resourceVersion: '11', ...change?.metadata },
      });

    beforeEach(async () => {
      syncs.upsert(sync);
      await queued();
      states.of(sync).sent = statusOf([target('prod', 'Synced')]);
    });

    it('are its appearance and its end', async () => {
      syncs.upsert(syncObject({ metadata: { name: 'other', uid: 'uid-other' } }));
      expect(await queued()).to.deep.equal(['team-a/other']);

      syncs.remove(sync);
      expect(await queued()).to.deep.equal(['team-a/share']);
    });

    it('are a new spec, a deletion, a lost finalizer and a new object of the same name', async () => {
      for (const metadata of [
        { generation: 2 },
        { deletionTimestamp: '2026-01-02T03:04:05Z' },
        { finalizers: [] },
        { uid: 'uid-again' },
      ]) {
        syncs.replace([sync]);
        await queued();
        syncs.upsert(changed({ metadata }));
        expect(await queued(), JSON.stringify(metadata)).to.deep.equal(['team-a/share']);
      }
    });

    it('are not the echo of our own status, nor labels that somebody puts on it', async () => {
      syncs.upsert(changed({ metadata: { resourceVersion: '11' } }));
      syncs.upsert(changed({ metadata: { resourceVersion: '12', labels: { any: 'label' } } }));

      expect(await queued()).to.deep.equal([]);
    });

    it('are a status that somebody else wrote', async () => {
      syncs.upsert(changed({ status: statusOf([]) }));

      expect(await queued()).to.deep.equal(['team-a/share']);
    });

    it('remember one that went with its finalizer on, but none that was on its way', () => {
      syncs.remove(changed({ metadata: { finalizers: [FINALIZER] } }));
      expect(states.lost('team-a/share').map(({ metadata }) => metadata.deletionTimestamp)).to.deep.equal([
        new Date(clock.now()).toISOString(),
      ]);
      states.forget(states.of(sync));

      syncs.upsert(sync);
      syncs.remove(
        changed({ metadata: { finalizers: [FINALIZER], deletionTimestamp: '2026-01-02T03:04:05Z' } }),
      );
      expect(states.lost('team-a/share')).to.deep.equal([]);
    });

    it('remember that its copies are to stay, for the finalizer that says so is soon gone', () => {
      syncs.upsert(
        changed({ metadata: { deletionTimestamp: '2026-01-02T03:04:05Z', finalizers: ['orphan'] } }),
      );

      expect(states.of(sync).orphaned).to.equal(true);
    });
  });

  describe('of those that wait for a place', () => {
    const rival = syncObject({
      metadata: { name: 'rival', uid: 'uid-rival' },
      status: statusOf([target('prod', 'Conflict')]),
    });
    const copies = [{ name: 'shared', uid: 'uid-copy' }];
    const holder = syncObject({ status: statusOf([target('prod', 'Synced', { copies })]) });

    beforeEach(async () => {
      syncs.upsert(rival);
      syncs.upsert(holder);
      await queued();
    });

    it('are the end of who held it', async () => {
      syncs.remove(holder);

      expect(await queued()).to.include('team-a/rival');
    });

    it('are that its holder took the namespace off', async () => {
      syncs.upsert(syncObject({ metadata: { resourceVersion: '11' }, status: statusOf([]) }));

      expect(await queued()).to.include('team-a/rival');
    });

    it('are not what frees other places', async () => {
      syncs.upsert(
        syncObject({
          metadata: { name: 'else', uid: 'uid-else' },
          status: statusOf([target('dev', 'Synced')]),
        }),
      );
      await queued();
      syncs.remove(syncObject({ metadata: { name: 'else', uid: 'uid-else' } }));

      expect(await queued()).not.to.include('team-a/rival');
    });
  });

  describe('of a namespace', () => {
    const bySelector = syncObject({
      metadata: { name: 'by-selector', uid: 'uid-1' },
      spec: { namespaceSelector: { matchLabels: { share: 'ca' } } },
    });
    const byName = syncObject({
      metadata: { name: 'by-name', uid: 'uid-2' },
      spec: { syncToNamespaces: ['prod'] },
    });
    const bySource = syncObject({
      metadata: { name: 'by-source', uid: 'uid-3' },
      spec: { syncToNamespaces: ['dev'], source: { name: 'shared', namespace: 'prod' } },
    });
    const byStatus = syncObject({
      metadata: { name: 'by-status', uid: 'uid-4' },
      spec: { syncToNamespaces: ['dev'] },
      status: statusOf([target('prod', 'Stale')]),
    });
    beforeEach(async () => {
      for (const sync of [bySelector, byName, bySource, byStatus]) syncs.upsert(sync);
      await queued();
    });

    it('are its appearance and its end, for all whom it concerns and nobody else', async () => {
      namespaces.upsert(namespace('prod', '1'));
      expect(await queued()).to.deep.equal(['team-a/by-name', 'team-a/by-source', 'team-a/by-status']);

      namespaces.remove(namespace('prod', '2'));
      expect(await queued()).to.deep.equal(['team-a/by-name', 'team-a/by-source', 'team-a/by-status']);
    });

    it('are nothing to who is denied there, or denied its source there', async () => {
      syncs.upsert(syncObject({ ...byName, status: statusOf([target('prod', 'Denied')]) }));
      const conditions = [condition('SourceConfigMapFound', 'False', 'SourceDenied')];
      syncs.upsert(syncObject({ ...bySource, status: statusOf([], conditions) }));
      await queued();

      namespaces.upsert(namespace('prod', '1'));
      expect(await queued()).to.deep.equal(['team-a/by-status']);

      namespaces.remove(namespace('prod', '2'));
      expect(await queued()).to.deep.equal(['team-a/by-status']);
    });

    it('are looked at once each where many change at the same time, and none is left out', async () => {
      const chosen = Array.from({ length: 300 }, (_, i) =>
        syncObject({
          metadata: { name: `chosen-${i}`, uid: `chosen-${i}` },
          spec: { namespaceSelector: { matchLabels: { [`key-${i}`]: 'yes' } } },
        }),
      );
      for (const sync of chosen) syncs.upsert(sync);
      await queued();
      for (let i = 0; i < 300; i += 1) {
        namespaces.upsert(namespace(`lab-${i}`, '1'));
        namespaces.upsert(namespace(`lab-${i}`, '2', { labels: { [`key-${i}`]: 'yes' } }));
      }

      const keys = new Set<string>();
      await eventually(async () => {
        for (const key of await queued()) keys.add(key);
        expect(keys.size).to.equal(300);
      });
    });

    it('are the beginning of its end', async () => {
      namespaces.upsert(namespace('prod', '1'));
      await queued();
      namespaces.upsert(namespace('prod', '2', { deletionTimestamp: '2026-01-02T03:04:05Z' }));

      expect(await queued()).to.include('team-a/by-name');
    });

    it('are labels that begin or cease to match a selector', async () => {
      namespaces.upsert(namespace('lab', '1'));
      expect(await queued()).to.deep.equal([]);

      namespaces.upsert(namespace('lab', '2', { labels: { share: 'ca' } }));
      expect(await queued()).to.deep.equal(['team-a/by-selector']);
      namespaces.upsert(namespace('lab', '3', { labels: { share: 'ca', more: 'x' } }));
      expect(await queued()).to.deep.equal([]);
      namespaces.upsert(namespace('lab', '4'));
      expect(await queued()).to.deep.equal(['team-a/by-selector']);
    });
  });

  describe('of what the tenant sees', () => {
    beforeEach(async () => {
      syncs.upsert(syncObject());
      await queued();
    });

    it('are changes, and since when the first of them waits', async () => {
      handlers.notify('team-a/share', 'changed');
      const first = clock.now();
      await clock.advance(1_000);
      handlers.notify('team-a/share', 'changed');

      expect(await queued()).to.deep.equal(['team-a/share']);
      expect(states.of(syncObject()).changedAt).to.equal(first);
    });

    it('are rights', async () => {
      handlers.notify('team-a/share', 'access');

      expect(await queued()).to.deep.equal(['team-a/share']);
    });

    it('are watches that open, many of them as one, a moment later', async () => {
      for (let watch = 0; watch < 100; watch += 1) handlers.notify('team-a/share', 'covered');
      await settle();
      expect(await queued()).to.deep.equal([]);

      await clock.advance(250);

      expect(await queued()).to.deep.equal(['team-a/share']);
    });
  });
});

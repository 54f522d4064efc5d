import { once } from 'node:events';

import { expect } from 'chai';

import { Store } from '../../../../src/k8s/cache/store.js';
import { object } from '../../../support/fakes/scripted-watcher.js';

describe('the store', () => {
  it('tells of additions, updates with what was before, and deletions', () => {
    const store = new Store();
    const changes: unknown[] = [];
    store.subscribe((change) => changes.push(change));
    const [first, second, last] = [object('a', '1'), object('a', '2'), object('a', '3')];

    store.upsert(first);
    store.upsert(second);
    store.remove(last);
    store.remove(last);

    expect(changes).to.deep.equal([
      { type: 'added', object: first },
      { type: 'updated', object: second, previous: first },
      { type: 'deleted', object: last, previous: second },
    ]);
    expect(store.list()).to.deep.equal([]);
  });

  it('takes a state that is known for no change, but a re-created object for one', () => {
    const store = new Store();
    store.upsert(object('a', '1'));
    const changes: string[] = [];
    store.subscribe((change) => changes.push(change.type));

    store.upsert(object('a', '1'));
    store.upsert({ metadata: { ...object('a', '1').metadata, uid: 'another' } });

    expect(changes).to.deep.equal(['updated']);
  });

  it('deletes first what a new list lacks, then tells what is new in it', () => {
    const store = new Store();
    store.replace([object('gone', '1'), object('same', '1'), object('changed', '1')]);
    const changes: string[] = [];
    store.subscribe((change) => changes.push(`${change.type} ${change.object.metadata.name}`));

    store.replace([object('new', '2'), object('same', '1'), object('changed', '2')]);

    expect(changes).to.deep.equal(['deleted gone', 'added new', 'updated changed']);
    expect(store.get('ns/changed')?.metadata.resourceVersion).to.equal('2');
    expect(store.get('ns/gone')).to.equal(undefined);
  });

  it('warns of what a listener throws and goes on with the others', async () => {
    const reported = once(process, 'warning');
    const store = new Store();
    const seen: string[] = [];
    const failure = new Error('a bug');
    store.subscribe(() => {
      throw failure;
    });
    store.subscribe((change) => seen.push(change.type));

    store.upsert(object('a', '1'));

    expect(await reported).to.deep.equal([failure]);
    expect(seen).to.deep.equal(['added']);
  });

  it('deletes what a new list of one namespace lacks in that namespace only', () => {
    const store = new Store();
    const elsewhere = { metadata: { ...object('elsewhere', '1').metadata, namespace: 'other' } };
    store.replace([elsewhere], 'other');
    store.replace([object('gone', '1')], 'ns');

    store.replace([object('new', '2')], 'ns');

    expect(store.list().map(({ metadata }) => metadata.name)).to.deep.equal(['elsewhere', 'new']);
  });

  it('tells nothing to whoever has unsubscribed', () => {
    const store = new Store();
    const seen: string[] = [];
    const unsubscribe = store.subscribe((change) => seen.push(change.type));

    unsubscribe();
    store.upsert(object('a', '1'));

    expect(seen).to.deep.equal([]);
  });
});

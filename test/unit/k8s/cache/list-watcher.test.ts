import { expect } from 'chai';

import { ApiError } from '../../../../src/k8s/client/errors.js';
import { ListWatcher, type ListWatcherOptions } from '../../../../src/k8s/cache/list-watcher.js';
import { Store } from '../../../../src/k8s/cache/store.js';
import { FakeClock } from '../../../support/fakes/fake-clock.js';
import { recordingLog } from '../../../support/fakes/recording-log.js';
import { event, initialEnd, object, ScriptedWatcher } from '../../../support/fakes/scripted-watcher.js';
import type { KubernetesObject } from '../../../../src/k8s/client/objects.js';

const expired = new ApiError({ code: 410, reason: 'Expired', message: 'too old' });
const away = new ApiError({ code: 0, reason: '', message: 'cannot reach it' });

describe('the reflector', () => {
  let clock: FakeClock;
  let store: Store<KubernetesObject>;
  let stop: AbortController;
  let log: ReturnType<typeof recordingLog>;

  beforeEach(() => {
    clock = new FakeClock();
    store = new Store();
    stop = new AbortController();
    log = recordingLog();
  });

  async function run(
    client: ScriptedWatcher,
    milliseconds: number,
    options: Partial<ListWatcherOptions<KubernetesObject>> = {},
  ): Promise<ListWatcher<KubernetesObject>> {
    const reflector = new ListWatcher({
      client,
      path: '/things',
      store,
      name: 'things',
      log,
      clock,
      random: () => 0,
      ...options,
    });
    const running = reflector.run(stop.signal);
    await clock.advance(milliseconds);
    stop.abort();
    await running;
    return reflector;
  }

  const names = (): string[] => store.list().map(({ metadata }) => metadata.name);

  it('fills the store with a streamed list at once when it is whole, and goes on with the same watch', async () => {
    const seen: number[] = [];
    store.subscribe(() => seen.push(store.list().length));
    const client = new ScriptedWatcher({
      watches: [
        [
          event('ADDED', 'a', '1'),
          event('ADDED', 'b', '2'),
          event('DELETED', 'b', '3'),
          initialEnd('9'),
          event('ADDED', 'c', '10'),
          'open',
        ],
      ],
    });

    const reflector = await run(client, 0);

    expect(names()).to.deep.equal(['a', 'c']);
    expect(seen).to.deep.equal([1, 2]);
    expect(reflector.synced).to.equal(true);
    expect(reflector.lastProgress).to.equal(clock.now());
    expect(client.watches).to.have.length(1);
    expect(client.watches[0]!.query).to.deep.equal({
      sendInitialEvents: true,
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: true,
      timeoutSeconds: 240,
    });
  });

  it('leaves alone what the store has of other namespaces', async () => {
    store.upsert({ metadata: { ...object('elsewhere', '1').metadata, namespace: 'other' } });
    store.upsert(object('gone', '1'));
    const client = new ScriptedWatcher({ watches: [[event('ADDED', 'a', '2'), initialEnd('3'), 'open']] });

    await run(client, 0, { namespace: 'ns' });

    expect(names()).to.deep.equal(['elsewhere', 'a']);
  });

  it('reads pages where the server does not stream lists', async () => {
    const refused = new ApiError({ code: 422, reason: 'Invalid', message: 'sendInitialEvents is forbidden' });
    const client = new ScriptedWatcher({
      watches: [refused, ['open']],
      answers: [
        { metadata: { resourceVersion: '7', continue: 'token' }, items: [object('a', '1')] },
        { metadata: { resourceVersion: '7' }, items: [object('b', '2')] },
      ],
    });

    await run(client, 0);

    expect(names()).to.deep.equal(['a', 'b']);
    expect(client.requests.map(({ query }) => query)).to.deep.equal([
      { limit: 500, continue: undefined },
      { limit: 500, continue: 'token' },
    ]);
    expect(client.watches[1]!.query).to.include({ resourceVersion: '7', allowWatchBookmarks: true });
  });

  it('reads all pages anew when a page token has expired', async () => {
    const client = new ScriptedWatcher({
      answers: [
        { metadata: { resourceVersion: '7', continue: 'token' }, items: [object('old', '1')] },
        expired,
        { metadata: { resourceVersion: '9' }, items: [object('new', '8')] },
      ],
    });

    await run(client, 0, { streamingList: false });

    expect(names()).to.deep.equal(['new']);
    expect(client.watches[0]!.query).to.include({ resourceVersion: '9' });
  });

  it('resumes from the last bookmark after the end of a watch', async () => {
    const client = new ScriptedWatcher({
      watches: [
        [initialEnd('5'), event('ADDED', 'a', '6'), event('BOOKMARK', '', '8')],
        [event('MODIFIED', 'a', '9')],
        ['open'],
      ],
    });

    await run(client, 0);

    expect(client.watches.map(({ query }) => query?.resourceVersion)).to.deep.equal([undefined, '8', '9']);
    expect(log.lines.filter((line) => line.startsWith('warn'))).to.deep.equal([]);
  });

  it('resumes from the last event also when a watch breaks off', async () => {
    const client = new ScriptedWatcher({
      watches: [[initialEnd('5'), event('ADDED', 'a', '6'), away], ['open']],
    });

    await run(client, 1000);

    expect(client.watches.map(({ query }) => query?.resourceVersion)).to.deep.equal([undefined, '6']);
  });

  it('lists anew when the server has forgotten where it was, and deletes what is gone', async () => {
    const client = new ScriptedWatcher({
      watches: [
        [event('ADDED', 'gone', '1'), initialEnd('5'), expired],
        [event('ADDED', 'new', '11'), initialEnd('12'), 'open'],
      ],
    });

    await run(client, 1000);

    expect(names()).to.deep.equal(['new']);
    expect(log.lines.filter((line) => line.startsWith('warn'))).to.deep.equal([]);
  });

  it('waits longer and longer while the server is away, says so once, and once that it is back', async () => {
    const client = new ScriptedWatcher({
      watches: [away, away, away, away, [initialEnd('1'), 'open']],
    });

    await run(client, 800 + 1600 + 3200 + 6400);

    expect(store.list()).to.deep.equal([]);
    expect(client.watches).to.have.length(5);
    expect(log.lines.filter((line) => !line.startsWith('debug'))).to.deep.equal([
      'warn: things: cannot reach it; trying again until it works',
      'info: things: watching again',
    ]);
  });

  it('waits no longer than the server asks, and no shorter', async () => {
    const busy = new ApiError({
      code: 429,
      reason: 'TooManyRequests',
      message: 'busy',
      retryAfterSeconds: 10,
    });
    const client = new ScriptedWatcher({ watches: [busy, [initialEnd('1'), 'open']] });

    await run(client, 9_999);
    const early = client.watches.length;

    expect(early).to.equal(1);
  });

  it('does not spin when the server ends every watch at once', async () => {
    const client = new ScriptedWatcher({
      watches: [[initialEnd('1')], ...Array.from({ length: 100 }, () => [])],
    });

    await run(client, 60_000);

    expect(client.watches).to.have.length.below(12);
    expect(log.lines[0]).to.include('debug: things: synced');
    expect(log.lines).to.include(
      'warn: things: the API server ends watches of /things as soon as they begin; trying again until it works',
    );
  });

  it('gives up a watch that is silent for too long', async () => {
    const client = new ScriptedWatcher({ watches: [[initialEnd('5'), 'open'], ['open']] });
    const reflector = new ListWatcher({ client, path: '/things', store, name: 'things', log, silenceMs: 20 });
    const running = reflector.run(stop.signal);

    await waitUntil(() => client.watches.length === 2);
    stop.abort();
    await running;

    expect(client.watches[1]!.query).to.include({ resourceVersion: '5' });
  });

  it('transforms what it stores', async () => {
    const client = new ScriptedWatcher({
      watches: [[event('ADDED', 'a', '1'), initialEnd('5'), event('ADDED', 'b', '6'), 'open']],
    });

    await run(client, 0, {
      transform: ({ metadata }) => ({ metadata: { ...metadata, labels: { seen: 'yes' } } }),
    });

    expect(store.list().map(({ metadata }) => metadata.labels)).to.deep.equal([
      { seen: 'yes' },
      { seen: 'yes' },
    ]);
  });

  it('lets go whoever waits for the first sync and aborts', async () => {
    const reflector = new ListWatcher({
      client: new ScriptedWatcher({}),
      path: '/things',
      store,
      name: 'things',
      log,
    });

    const error: unknown = await reflector
      .waitForSync(AbortSignal.abort(new Error('enough')))
      .catch((reason: unknown) => reason);

    expect(error).to.have.property('message', 'enough');
  });
});

async function waitUntil(condition: () => boolean): Promise<void> {
  const until = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > until) throw new Error('it never came to be');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

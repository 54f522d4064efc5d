import { expect } from 'chai';

import { MetadataWatcher, type MetadataWatcherOptions } from '../../../../src/k8s/cache/metadata-watcher.js';
import { ApiError } from '../../../../src/k8s/client/errors.js';
import { FakeClock, settle } from '../../../support/fakes/fake-clock.js';
import { event, ScriptedWatcher } from '../../../support/fakes/scripted-watcher.js';

const expired = new ApiError({ code: 410, reason: 'Expired', message: 'too old' });
const away = new ApiError({ code: 0, reason: '', message: 'cannot reach it' });
const forbidden = new ApiError({ code: 403, reason: 'Forbidden', message: 'you may not watch' });

function list(resourceVersion: string): object {
  return { metadata: { resourceVersion }, items: [] };
}

describe('the change feed', () => {
  let clock: FakeClock;
  let stop: AbortController;
  let story: string[];

  beforeEach(() => {
    clock = new FakeClock();
    stop = new AbortController();
    story = [];
  });

  /** Runs it for so long; gives what it rejected with. */
  async function run(
    client: ScriptedWatcher,
    milliseconds: number,
    options: Partial<MetadataWatcherOptions> = {},
  ): Promise<unknown> {
    const shared = { client, path: '/things', userAgent: 'me', clock, random: () => 0 };
    const feed = new MetadataWatcher({ ...shared, ...options });
    const running = feed
      .run(
        {
          onOpen: () => story.push('open'),
          onClosed: () => story.push('closed'),
          onChange: ({ type, metadata }) => story.push(`${type} ${metadata.name}`),
        },
        stop.signal,
      )
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    await clock.advance(milliseconds);
    stop.abort();
    return running;
  }

  it('asks for one object to learn the place to watch from, and for metadata only', async () => {
    const client = new ScriptedWatcher({
      answers: [list('7')],
      watches: [[event('ADDED', 'a', '8'), 'open']],
    });

    await run(client, 0);

    expect(client.requests[0]).to.deep.include({ path: '/things', query: { limit: 1 }, userAgent: 'me' });
    expect(client.requests[0]!.accept).to.include('PartialObjectMetadataList');
    expect(client.watches[0]).to.deep.include({ path: '/things', userAgent: 'me' });
    expect(client.watches[0]!.query).to.include({ resourceVersion: '7', allowWatchBookmarks: true });
    expect(client.watches[0]!.accept).to.include('PartialObjectMetadata');
    expect(story).to.deep.equal(['open', 'ADDED a', 'closed']);
  });

  it('says nothing when a watch ends or breaks off and the next one opens at once', async () => {
    const client = new ScriptedWatcher({
      answers: [list('7')],
      watches: [
        [event('ADDED', 'a', '8')],
        [event('BOOKMARK', '', '12'), away],
        [event('MODIFIED', 'a', '13'), 'open'],
      ],
    });

    await run(client, 1000);

    expect(story).to.deep.equal(['open', 'ADDED a', 'MODIFIED a', 'closed']);
    expect(client.watches.map(({ query }) => query?.resourceVersion)).to.deep.equal(['7', '8', '12']);
    expect(client.requests).to.have.length(1);
  });

  it('is closed while the server is away, and open again when it is back', async () => {
    const client = new ScriptedWatcher({
      answers: [list('7')],
      watches: [[event('ADDED', 'a', '8'), away], away, away, ['open']],
    });

    await run(client, 10_000);

    expect(story).to.deep.equal(['open', 'ADDED a', 'closed', 'open', 'closed']);
  });

  it('closes and opens anew when changes are lost', async () => {
    const client = new ScriptedWatcher({
      answers: [list('7'), list('20')],
      watches: [[event('ADDED', 'a', '8'), expired], ['open']],
    });

    await run(client, 1000);

    expect(story).to.deep.equal(['open', 'ADDED a', 'closed', 'open', 'closed']);
    expect(client.watches[1]!.query).to.include({ resourceVersion: '20' });
  });

  it('lists at once when changes are lost, but not again and again', async () => {
    const client = new ScriptedWatcher({
      answers: [list('7'), list('20'), list('21')],
      watches: [[event('ADDED', 'a', '8'), expired], expired, ['open']],
    });

    await run(client, 0);
    expect(client.requests).to.have.length(2);
    expect(client.watches).to.have.length(2);
  });

  it('tries at once, as if for the first time, when the API server answers again', async () => {
    const client = new ScriptedWatcher({
      answers: [list('7')],
      watches: [...Array.from({ length: 10 }, () => away), ['open']],
    });
    client.now = () => clock.now();
    client.reachability.observe(0);
    const feed = new MetadataWatcher({ client, path: '/things', clock, random: () => 0 });
    const nothing = (): void => undefined;
    const running = feed.run({ onOpen: nothing, onChange: nothing, onClosed: nothing }, stop.signal);
    await clock.advance(60_000);
    const before = client.watches.length;

    client.reachability.observe(410);
    await settle();
    const atOnce = client.watches.length;
    stop.abort();
    await running;

    expect(atOnce).to.equal(before + 1);
  });

  it('takes a seat for the first try and after each failure, none where a watch ends in order', async () => {
    let taken = 0;
    let held = 0;
    const seats: number[] = [];
    const client = new ScriptedWatcher({
      answers: [list('7'), list('20')],
      watches: [
        [event('ADDED', 'a', '8')],
        [event('ADDED', 'a', '9'), expired],
        [event('ADDED', 'a', '21')],
        away,
        ['open'],
      ],
    });
    const seat = (): Promise<() => void> => {
      taken += 1;
      held = 1;
      return Promise.resolve(() => (held = 0));
    };
    const watch = client.watch.bind(client);
    client.watch = (request) => {
      seats.push(held);
      return watch(request);
    };

    await run(client, 5000, { seat });

    expect(seats).to.deep.equal([1, 0, 1, 0, 1]);
    expect(taken).to.equal(3);
    expect(held).to.equal(0);
  });

  it('ends with a refusal of the list, without having been open', async () => {
    const client = new ScriptedWatcher({ answers: [forbidden] });

    expect(await run(client, 0)).to.equal(forbidden);
    expect(story).to.deep.equal([]);
  });

  it('ends with a refusal of a later watch, closed by then', async () => {
    const client = new ScriptedWatcher({
      answers: [list('7')],
      watches: [[event('ADDED', 'a', '8')], forbidden],
    });

    expect(await run(client, 0)).to.equal(forbidden);
    expect(story).to.deep.equal(['open', 'ADDED a', 'closed']);
  });

  it('ends with what is no fault of the server, such as an identity that is not to be had', async () => {
    const failure = new Error('there is no such ServiceAccount');
    const client = new ScriptedWatcher({ answers: [failure] });

    expect(await run(client, 0)).to.equal(failure);
  });
});

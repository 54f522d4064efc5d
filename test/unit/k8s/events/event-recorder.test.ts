import { expect } from 'chai';

import { ApiError } from '../../../../src/k8s/client/errors.js';
import { EventRecorder, type EventRecorderOptions } from '../../../../src/k8s/events/event-recorder.js';
import { type RecordedEvent, eventName } from '../../../../src/k8s/events/event-series.js';
import { microTime } from '../../../../src/k8s/util/clock.js';
import type { ApiRequest, ApiResponse } from '../../../../src/k8s/client/rest-types.js';
import { FakeClock } from '../../../support/fakes/fake-clock.js';
import { recordingLog } from '../../../support/fakes/recording-log.js';

interface SentEvent {
  note?: string;
  series?: { count: number };
  metadata?: { name: string };
}

const event: RecordedEvent = {
  regarding: { apiVersion: 'v1', kind: 'Thing', namespace: 'team-a', name: 'thing', uid: 'uid-1' },
  type: 'Warning',
  reason: 'Denied',
  action: 'Sync',
  note: 'not allowed',
};

describe('the event recorder', () => {
  let clock: FakeClock;
  let sent: { method: string; path: string; body: SentEvent }[];
  let failures: Error[];
  let stop: AbortController;
  let log: ReturnType<typeof recordingLog>;

  beforeEach(() => {
    clock = new FakeClock();
    sent = [];
    failures = [];
    stop = new AbortController();
    log = recordingLog();
  });

  function recorder(options: Partial<EventRecorderOptions> = {}): EventRecorder {
    return new EventRecorder({
      client: {
        request: <T>({ method, path, body }: ApiRequest): Promise<ApiResponse<T>> => {
          sent.push({ method, path, body: body as SentEvent });
          const failure = failures.shift();
          return failure === undefined
            ? Promise.resolve({ body: {} as T, code: 201, auditID: undefined })
            : Promise.reject(failure);
        },
      },
      reportingController: 'example.com/test',
      reportingInstance: 'pod-1',
      clock,
      random: () => 0,
      log,
      ...options,
    });
  }

  /** Runs it for so long. */
  async function run(recording: EventRecorder, milliseconds: number): Promise<void> {
    const running = recording.run(stop.signal);
    await clock.advance(milliseconds);
    stop.abort();
    await running;
  }

  const summary = (): unknown[] => sent.map(({ method, body }) => [method, body.note, body.series?.count]);

  it('sends one Event and then its count, no more often than every ten seconds', async () => {
    const recording = recorder();
    const running = recording.run(stop.signal);

    recording.record(event);
    await clock.advance(0);
    for (let second = 0; second < 20; second++) {
      recording.record(event);
      await clock.advance(1000);
    }
    stop.abort();
    await running;

    expect(summary()).to.deep.equal([
      ['POST', 'not allowed', undefined],
      ['PATCH', undefined, 11],
      ['PATCH', undefined, 21],
    ]);
  });

  it('begins a new Event when the last one was silent for six minutes', async () => {
    const recording = recorder();
    const running = recording.run(stop.signal);
    recording.record(event);
    await clock.advance(6 * 60_000);

    recording.record(event);
    await clock.advance(0);
    stop.abort();
    await running;

    expect(summary()).to.deep.equal([
      ['POST', 'not allowed', undefined],
      ['POST', 'not allowed', undefined],
    ]);
  });

  it('takes another object, reason, related object or note for another subject', async () => {
    const recording = recorder();
    const prod = { apiVersion: 'v1', kind: 'Namespace', name: 'prod' };
    for (const other of [
      event,
      { ...event, regarding: { ...event.regarding, uid: 'uid-2' } },
      { ...event, reason: 'Other' },
      { ...event, related: prod },
      { ...event, note: 'other' },
    ]) {
      recording.record(other);
      recording.record(other);
    }

    await run(recording, 0);

    expect(sent.map(({ method, body }) => [method, body.series?.count])).to.deep.equal(
      Array.from({ length: 5 }, () => ['POST', 2]),
    );
  });

  it('takes a subject that is named for the same whatever its note', async () => {
    const recording = recorder();

    recording.record({ ...event, series: 'copies', note: '1 copy' });
    recording.record({ ...event, series: 'copies', note: '2 copies' });
    await run(recording, 0);

    expect(summary()).to.deep.equal([['POST', '1 copy', 2]]);
  });

  it('lets a burst of one object wait without holding up another', async () => {
    const recording = recorder({ limits: { object: { burst: 2, periodMs: 5000, waiting: 100 } } });
    for (let index = 0; index < 5; index++) recording.record({ ...event, note: `a${index}` });
    recording.record({ ...event, regarding: { ...event.regarding, uid: 'uid-2' }, note: 'b' });
    const running = recording.run(stop.signal);

    await clock.advance(0);
    const atOnce = sent.map(({ body }) => body.note);
    await clock.advance(15_000);
    stop.abort();
    await running;

    expect(atOnce).to.have.members(['a0', 'a1', 'b']);
    expect(sent.map(({ body }) => body.note)).to.deep.equal([...atOnce, 'a2', 'a3', 'a4']);
  });

  it('refuses what exceeds the bound of an object, with one line in the log a minute', async () => {
    const recording = recorder({ limits: { object: { burst: 25, periodMs: 5000, waiting: 3 } } });
    const record = (note: string): boolean =>
      recording.record({ ...event, related: { apiVersion: 'v1', kind: 'Namespace', name: note }, note });

    const accepted = ['n0', 'n1', 'n2', 'n3', 'n4'].map(record);
    await run(recording, 60_000);
    for (const note of ['m0', 'm1', 'm2', 'm3', 'm4']) record(note);

    expect(accepted).to.deep.equal([true, true, true, false, false]);
    expect(sent.map(({ body }) => body.note)).to.deep.equal(['n0', 'n1', 'n2']);
    const line = 'warn: events are not written: too many wait';
    expect(log.lines).to.deep.equal([line, line]);
  });

  it('takes what it refused when it comes again and there is room', async () => {
    const recording = recorder({ limits: { object: { burst: 25, periodMs: 5000, waiting: 1 } } });
    const related = { apiVersion: 'v1', kind: 'Namespace', name: 'prod' };
    recording.record({ ...event, related, note: 'first' });
    recording.record({ ...event, related, note: 'second' });
    const running = recording.run(stop.signal);
    await clock.advance(0);

    expect(recording.record({ ...event, related, note: 'second' })).to.equal(true);
    await clock.advance(0);
    stop.abort();
    await running;

    expect(summary()).to.deep.equal([
      ['POST', 'first', undefined],
      ['POST', 'second', undefined],
    ]);
  });

  it('counts on in the same Event what comes again while it waits for longer than a series lasts', async () => {
    const recording = recorder({ limits: { namespace: { burst: 1, periodMs: 10 * 60_000, waiting: 9 } } });
    recording.record({ ...event, note: 'first' });
    recording.record({ ...event, note: 'waits' });
    const running = recording.run(stop.signal);
    await clock.advance(7 * 60_000);

    recording.record({ ...event, note: 'waits' });
    await clock.advance(5 * 60_000);
    stop.abort();
    await running;

    expect(summary()).to.deep.equal([
      ['POST', 'first', undefined],
      ['POST', 'waits', 2],
    ]);
  });

  it('holds up no namespace by another one that does not answer', async () => {
    const hanging = Promise.withResolvers<ApiResponse<never>>();
    const notes: string[] = [];
    const recording = recorder({
      client: {
        request: <T>({ path, body }: ApiRequest): Promise<ApiResponse<T>> => {
          notes.push((body as SentEvent).note ?? '');
          if (path.includes('hangs')) return hanging.promise;
          return Promise.resolve({ body: {} as T, code: 201, auditID: undefined });
        },
      },
    });
    const running = recording.run(stop.signal);
    for (const [namespace, uid] of [
      ['hangs', 'uid-2'],
      ['team-a', 'uid-1'],
    ] as const) {
      const regarding = { ...event.regarding, namespace, uid };
      for (const turn of [1, 2]) recording.record({ ...event, regarding, note: `${namespace} ${turn}` });
    }

    await clock.advance(1000);

    expect(notes).to.have.members(['hangs 1', 'team-a 1', 'team-a 2']);
    stop.abort();
    hanging.reject(new Error('stopped'));
    await running;
  });

  it('says which namespace lost an Event that the API server does not take', async () => {
    failures.push(new ApiError({ code: 403, reason: 'Forbidden', message: 'quota' }));
    const failed: string[] = [];
    const recording = recorder({ onFailed: (namespace) => failed.push(namespace) });
    recording.record(event);

    await run(recording, 0);

    expect(failed).to.deep.equal(['team-a']);
  });

  it('flushes namespaces in turns, and says how many Events are lost when there is no more time', async () => {
    const regarding = { ...event.regarding, namespace: 'team-b', uid: 'uid-2' };
    const recording = recorder({
      client: {
        request: <T>({ method, path, body }: ApiRequest): Promise<ApiResponse<T>> => {
          sent.push({ method, path, body: body as SentEvent });
          if (sent.length === 2) stop.abort();
          return Promise.resolve({ body: {} as T, code: 201, auditID: undefined });
        },
      },
    });
    for (let index = 0; index < 30; index++) recording.record({ ...event, note: `n${index}` });
    recording.record({ ...event, regarding, note: 'mine' });

    await recording.flush(stop.signal);

    expect(sent.map(({ body }) => body.note)).to.have.members(['n0', 'mine']);
    expect(log.lines).to.deep.equal(['warn: events are lost: the process ends']);
  });

  it('tries again for a while what the server could not do, then gives up', async () => {
    const away = new ApiError({ code: 0, reason: '', message: 'cannot reach it' });
    failures.push(away, away, away, away, away);
    const recording = recorder();
    recording.record(event);

    await run(recording, 60_000);

    expect(sent).to.have.length(5);
    expect(log.lines.filter((line) => line.startsWith('warn'))).to.deep.equal([
      'warn: events cannot be written: cannot reach it',
    ]);
  });

  for (const [what, error] of [
    ['is gone', new ApiError({ code: 404, reason: 'NotFound', message: 'namespaces "x" not found' })],
    [
      'is going',
      new ApiError({
        code: 403,
        reason: 'Forbidden',
        message: 'being terminated',
        causes: [{ reason: 'NamespaceTerminating' }],
      }),
    ],
  ] as const) {
    it(`says nothing about Events in a namespace that ${what}`, async () => {
      failures.push(error);
      const recording = recorder();
      recording.record(event);

      await run(recording, 60_000);

      expect(sent).to.have.length(1);
      expect(log.lines.every((line) => line.startsWith('debug'))).to.equal(true);
    });
  }

  it('warns where it lacks the right to write Events, and does not insist', async () => {
    failures.push(new ApiError({ code: 403, reason: 'Forbidden', message: 'you may not' }));
    const recording = recorder();
    recording.record(event);

    await run(recording, 60_000);

    expect(sent).to.have.length(1);
    expect(log.lines).to.deep.equal(['warn: events cannot be written: you may not']);
  });

  it('writes all that waits when it is flushed, beyond any rate', async () => {
    const recording = recorder({ limits: { object: { burst: 1, periodMs: 60_000, waiting: 100 } } });
    for (let index = 0; index < 30; index++) recording.record({ ...event, note: `n${index}` });

    await recording.flush(stop.signal);

    expect(sent).to.have.length(30);
  });
});

describe('the parts of an Event', () => {
  it('have names that the API server takes, whatever the name of the object', () => {
    expect(eventName({ apiVersion: 'v1', kind: 'Thing', name: 'thing' }, 'x1')).to.equal('thing.x1');
    const long = eventName({ apiVersion: 'v1', kind: 'Thing', name: `${'a'.repeat(219)}.b` }, 'x1');
    expect(long).to.equal(`${'a'.repeat(219)}.x1`);
  });

  it('have times of six digits', () => {
    expect(microTime(Date.UTC(2026, 0, 2, 3, 4, 5, 6))).to.equal('2026-01-02T03:04:05.006000Z');
  });
});

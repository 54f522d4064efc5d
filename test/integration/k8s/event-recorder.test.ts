import { expect } from 'chai';

import { EventRecorder, type EventRecorderOptions } from '../../../src/k8s/events/event-recorder.js';
import type { KubernetesObject, ObjectList, ObjectReference } from '../../../src/k8s/client/objects.js';
import { apiPath } from '../../../src/k8s/client/api-path.js';
import { eventually } from '../../support/eventually.js';
import { recordingLog } from '../../support/fakes/recording-log.js';
import { plane } from '../../support/plane.js';
import { createNamespace } from '../../support/tenant.js';
import { TestApi } from '../../support/test-api.js';
import { createConfigMap } from './config-maps.js';

interface Event extends KubernetesObject {
  eventTime: string;
  note: string;
  reason: string;
  type: string;
  action: string;
  regarding: ObjectReference;
  related?: ObjectReference;
  reportingController: string;
  reportingInstance: string;
  series?: { count: number; lastObservedTime: string };
}

describe('the event recorder, against a real API server', () => {
  let admin: TestApi;
  let namespace: string;
  let regarding: ObjectReference;
  let stop: AbortController;

  before(async () => {
    admin = await TestApi.connect();
    namespace = await createNamespace(admin, 'events');
    const { metadata } = await createConfigMap(admin.client, namespace, 'subject');
    regarding = { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'subject', uid: metadata.uid };
  });

  beforeEach(() => {
    stop = new AbortController();
  });

  after(() => admin.close());

  function recorder(options: Partial<EventRecorderOptions> = {}): EventRecorder {
    return new EventRecorder({
      client: admin.client,
      reportingController: 'test.example.com/recorder',
      reportingInstance: 'recorder-1',
      log: recordingLog(),
      ...options,
    });
  }

  async function events(reason: string): Promise<Event[]> {
    const { body } = await admin.client.request<ObjectList<Event>>({
      method: 'GET',
      path: apiPath({ group: 'events.k8s.io', version: 'v1', namespace, resource: 'events' }),
    });
    return (body.items ?? []).filter((event) => event.reason === reason);
  }

  it('writes an Event that kubectl shows, with all that the API knows of it', async () => {
    const recording = recorder();
    const running = recording.run(stop.signal);

    recording.record({
      regarding,
      related: { apiVersion: 'v1', kind: 'Namespace', name: 'prod' },
      type: 'Warning',
      reason: 'Described',
      action: 'Sync',
      note: 'ü'.repeat(600),
    });

    const [event] = await eventually(async () => {
      const found = await events('Described');
      expect(found).to.have.length(1);
      return found;
    });
    expect(event).to.deep.include({
      type: 'Warning',
      action: 'Sync',
      regarding,
      related: { apiVersion: 'v1', kind: 'Namespace', name: 'prod' },
      reportingController: 'test.example.com/recorder',
      reportingInstance: 'recorder-1',
    });
    expect(event!.eventTime).to.match(/\.\d{6}Z$/);
    expect(event!.note).to.equal(`${'ü'.repeat(510)}…`);
    const { kubectl } = await plane();
    expect(await kubectl(['get', 'events', '-n', namespace])).to.include('Described');
    stop.abort();
    await running;
  });

  it('counts what comes again in one Event', async () => {
    const repeated = recorder();
    const event = { regarding, type: 'Normal', reason: 'Repeated', action: 'Sync', note: 'again' } as const;
    repeated.record(event);
    await repeated.flush(AbortSignal.timeout(10_000));

    repeated.record(event);
    repeated.record(event);
    repeated.record({ ...event, note: 'something else' });
    await repeated.flush(AbortSignal.timeout(10_000));

    const found = await events('Repeated');
    expect(found.map(({ note, series }) => [note, series?.count])).to.have.deep.members([
      ['again', 3],
      ['something else', undefined],
    ]);
  });

  it('tells anew what somebody has deleted', async () => {
    const recreated = recorder();
    const event = { regarding, type: 'Normal', reason: 'Deleted', action: 'Sync', note: 'again' } as const;
    recreated.record(event);
    await recreated.flush(AbortSignal.timeout(10_000));
    const { kubectl } = await plane();
    await kubectl(['delete', 'events', '-n', namespace, '--all']);

    recreated.record(event);
    await recreated.flush(AbortSignal.timeout(10_000));

    expect((await events('Deleted')).map(({ series }) => series?.count)).to.deep.equal([2]);
  });

  it('writes a burst at once and the rest at its rate, losing none', async () => {
    const limited = recorder({ limits: { object: { burst: 5, periodMs: 100, waiting: 100 } } });
    const startedAt = Date.now();
    const running = limited.run(stop.signal);

    for (let index = 0; index < 20; index++) {
      limited.record({ regarding, type: 'Normal', reason: 'Burst', action: 'Sync', note: `event ${index}` });
    }

    await eventually(async () => expect(await events('Burst')).to.have.length(20));
    expect(Date.now() - startedAt).to.be.at.least(1400);
    stop.abort();
    await running;
  });

  it('drops Events of a namespace that is gone, without a warning', async () => {
    const log = recordingLog();
    const gone = recorder({ log });

    gone.record({
      regarding: { ...regarding, namespace: 'never-was' },
      type: 'Normal',
      reason: 'Gone',
      action: 'Sync',
      note: 'nobody reads this',
    });
    await gone.flush(AbortSignal.timeout(10_000));

    expect(log.lines).to.deep.equal([
      'debug: an event in namespace never-was is dropped: the namespace is gone or going',
    ]);
  });
});

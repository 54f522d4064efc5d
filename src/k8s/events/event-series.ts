import { microTime } from '../util/clock.js';
import type { ObjectReference } from '../client/objects.js';
import { truncate } from '../util/text.js';

/** One thing to tell about an object. */
export interface RecordedEvent {
  regarding: ObjectReference;
  related?: ObjectReference | undefined;
  type: 'Normal' | 'Warning';
  /** Why, in CamelCase. */
  reason: string;
  /** What was being done, in CamelCase. */
  action: string;
  /** For people; cut at 1,024 bytes. */
  note: string;
  /** What makes two events of one reason the same subject. Default: the related object and the note. */
  series?: string | undefined;
}

/** The server's limits (validation of events.k8s.io/v1). */
const MAX_NOTE_BYTES = 1024;
const MAX_WORD_BYTES = 128;
/** An Event's name is that of its object, a dot, and what makes it unique; 253 in all. */
const MAX_NAME_PREFIX = 220;

/** One Event object: its first occurrence, and how often it has come again. */
export class EventSeries {
  readonly event: RecordedEvent;
  readonly firstObserved: number;
  /** Milliseconds since the epoch. */
  lastObserved: number;
  count = 1;
  /** The name of the Event in the API server; undefined until it is there. */
  name: string | undefined;
  /** Failed tries to send what is unsent. */
  failures = 0;
  /** No try before, in milliseconds since the epoch. */
  notBefore = 0;

  constructor(event: RecordedEvent, now: number) {
    this.event = event;
    this.firstObserved = now;
    this.lastObserved = now;
  }

  get namespace(): string {
    return this.event.regarding.namespace ?? 'default';
  }

  repeat(now: number): void {
    this.count++;
    this.lastObserved = now;
  }

  /** An events.k8s.io/v1 Event for POST. */
  body(options: { name: string; reportingController: string; reportingInstance: string }): object {
    const { regarding, related, type, reason, action, note } = this.event;
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: options.name, namespace: this.namespace },
      eventTime: microTime(this.firstObserved),
      type,
      reason: truncate(reason, MAX_WORD_BYTES),
      action: truncate(action, MAX_WORD_BYTES),
      note: truncate(note, MAX_NOTE_BYTES),
      regarding,
      related,
      reportingController: options.reportingController,
      reportingInstance: truncate(options.reportingInstance, MAX_WORD_BYTES),
      ...(this.count > 1 ? this.seriesPatch() : {}),
    };
  }

  /** A merge patch; also the part of a body, where an Event comes again before it was first sent. */
  seriesPatch(): object {
    return { series: { count: this.count, lastObservedTime: microTime(this.lastObserved) } };
  }
}

/** Equal for events that are one subject. */
export function seriesKey({ regarding, related, type, reason, action, note, series }: RecordedEvent): string {
  return JSON.stringify([
    objectId(regarding),
    type,
    reason,
    action,
    series ?? [related === undefined ? null : objectId(related), note],
  ]);
}

/** Tells objects apart; a re-created one is another. */
export function objectId({ apiVersion, kind, namespace, name, uid }: ObjectReference): string {
  return uid ?? JSON.stringify([apiVersion, kind, namespace, name]);
}

/** `unique` is of lower-case letters and digits. */
export function eventName(regarding: ObjectReference, unique: string): string {
  const prefix = regarding.name.slice(0, MAX_NAME_PREFIX).replace(/(?<![^a-z0-9])[^a-z0-9]+$/, '');
  return `${prefix}.${unique}`;
}

import { noAnswer, statusError } from './errors.js';
import type { KubernetesObject, WatchEvent } from './objects.js';

/** Reads a whole body. Throws RangeError beyond the bound, and what the stream throws. */
export async function readBounded(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) throw new RangeError(`an answer of more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

const NEWLINE = 0x0a;
const EVENT_TYPES: ReadonlySet<string> = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK']);

/**
 * Cuts a byte stream into its lines, without their ends. Empty lines are left out, a last line without an end counts.
 * Chunks are kept as they come and joined once a line is whole: a large object costs one copy, not one per chunk.
 * @throws RangeError as soon as a line holds more than `maxBytes`, before it is whole.
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<string> {
  let pieces: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const tail = chunk.subarray(start, end);
      start = end + 1;
      check(length + tail.length, maxBytes);
      const line = join(pieces, tail, length + tail.length);
      pieces = [];
      length = 0;
      if (line !== '') yield line;
    }
    if (start < chunk.length) {
      pieces.push(chunk.subarray(start));
      length += chunk.length - start;
      check(length, maxBytes);
    }
  }
  if (length > 0) yield join(pieces, new Uint8Array(0), length);
}

function check(length: number, maxBytes: number): void {
  if (length > maxBytes) throw new RangeError(`a line of more than ${maxBytes} bytes`);
}

function join(pieces: Uint8Array[], tail: Uint8Array, length: number): string {
  if (pieces.length === 0) return Buffer.from(tail.buffer, tail.byteOffset, tail.byteLength).toString('utf8');
  return Buffer.concat([...pieces, tail], length).toString('utf8');
}

/**
 * Reads one line of a watch; `what` names the watch in errors.
 * @throws ApiError for an ERROR event (410: the resourceVersion is too old), and with code 0 for what no API server sends.
 */
export function parseEvent<T extends KubernetesObject>(line: string, what: string): WatchEvent<T> {
  let event: Partial<WatchEvent<T> | { type: 'ERROR'; object: T }> | null;
  try {
    event = JSON.parse(line) as typeof event;
  } catch {
    throw noAnswer(`${what} broke off: an event that is no JSON`);
  }
  const { type, object } = event ?? {};
  if (type === 'ERROR') throw statusError(object, { code: 500, what });
  if (type === undefined || !EVENT_TYPES.has(type))
    throw noAnswer(`${what} broke off: an event of an unknown type`);
  const { metadata } = (object ?? {}) as Partial<KubernetesObject>;
  // A bookmark has no name.
  if (typeof (type === 'BOOKMARK' ? metadata?.resourceVersion : metadata?.name) !== 'string') {
    throw noAnswer(`${what} broke off: an event without an object`);
  }
  return { type, object } as WatchEvent<T>;
}

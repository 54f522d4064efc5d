import { createHash } from 'node:crypto';
import type { ObjectMeta } from '../api/kubernetes.js';

/** The parts of a core/v1 ConfigMap that a copy is made of and judged by. */
export interface ConfigMap {
  apiVersion?: string;
  kind?: string;
  metadata: ConfigMapMetadata;
  data?: Record<string, string>;
  /** Values in base64, as the API server gives them: they are copied without being decoded. */
  binaryData?: Record<string, string>;
  immutable?: boolean;
}

export interface ConfigMapMetadata extends Partial<ObjectMeta> {
  name: string;
  managedFields?: unknown;
}

/** A ConfigMap to be written. */
export interface CopyBody {
  metadata: ConfigMapMetadata;
  /** From {@link contentJson}: all copies of a source share it. */
  content: Buffer;
}

/** What is copied of a ConfigMap: never its labels, annotations or owner references. */
export interface Content {
  data: Record<string, string>;
  binaryData: Record<string, string>;
  immutable: boolean;
}

export function contentOf({ data, binaryData, immutable }: ConfigMap): Content {
  return { data: data ?? {}, binaryData: binaryData ?? {}, immutable: immutable ?? false };
}

/**
 * What follows the metadata in the JSON of a ConfigMap, byte for byte as the API server writes it. Parsed, a source of many small
 * keys takes ten times the memory.
 */
export function contentJson({ data, binaryData, immutable }: Content): Buffer {
  const some = (values: Record<string, string>) =>
    Object.keys(values).length > 0 ? Object.fromEntries(sorted(values)) : undefined;
  const parts = { immutable: immutable || undefined, data: some(data), binaryData: some(binaryData) };
  const json = JSON.stringify(parts).slice(1);
  return Buffer.from(json === '}' ? json : `,${json.replace(GO_ESCAPES, goEscape)}`);
}

/** What Go's encoder escapes beyond what JSON needs. */
const GO_ESCAPES = /[<>&\u2028\u2029]/g;

function goEscape(sign: string): string {
  return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** A ConfigMap as the API server stored it. */
export interface StoredConfigMap {
  metadata: ConfigMapMetadata;
  /** Left out where it is what was sent. */
  content?: Content;
}

/**
 * Reads the answer to a write; a content that is stored as it was sent is not parsed.
 * @throws SyntaxError where it is no JSON
 */
export function parseStored(answer: Buffer, sent: Buffer): StoredConfigMap {
  const end = answer.at(-1) === 0x0a ? answer.length - 1 : answer.length;
  const start = Math.max(end - sent.length, 0);
  if (answer.subarray(start, end).equals(sent)) {
    const { metadata, ...rest } = JSON.parse(`${answer.toString('utf8', 0, start)}}`) as ConfigMap;
    // What is sent may be empty, and then any answer ends with it.
    if (contentJson(contentOf({ metadata, ...rest })).length === 1) return { metadata };
  }
  const stored = JSON.parse(String(answer)) as ConfigMap;
  const content = contentOf(stored);
  return { metadata: stored.metadata, ...(!contentJson(content).equals(sent) && { content }) };
}

/** The content of which this is the JSON. */
export function parseContent(json: Buffer): Content {
  return contentOf(JSON.parse(`{"metadata":{}${String(json)}`) as ConfigMap);
}

/** The body of a write. */
export function configMapJson({ metadata, content }: CopyBody): Buffer {
  const head = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata });
  return Buffer.concat([Buffer.from(head.slice(0, -1)), content]);
}

/** The content of `source`, narrowed to `keys` where they are given, and the keys it lacks (sorted). */
export function selectContent(
  source: ConfigMap,
  keys: readonly string[] | undefined,
): { content: Content; missingKeys: string[] } {
  const content = contentOf(source);
  if (keys === undefined || keys.length === 0) return { content, missingKeys: [] };
  const { data, binaryData, immutable } = content;
  return {
    content: { data: pick(data, keys), binaryData: pick(binaryData, keys), immutable },
    missingKeys: keys.filter((key) => !Object.hasOwn(data, key) && !Object.hasOwn(binaryData, key)).sort(),
  };
}

function pick(values: Record<string, string>, keys: readonly string[]): Record<string, string> {
  const held = keys.filter((key) => Object.hasOwn(values, key));
  return Object.fromEntries(held.map((key) => [key, values[key] ?? '']));
}

/** `sha256:<hex>` of the content; the order of keys does not matter. */
export function contentHash(content: Content): string {
  const canonical = [sorted(content.data), sorted(content.binaryData), content.immutable];
  return `sha256:${createHash('sha256').update(JSON.stringify(canonical)).digest('hex')}`;
}

function sorted(values: Record<string, string>): [string, string][] {
  return Object.entries(values).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

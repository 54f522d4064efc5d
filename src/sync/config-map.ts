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

/** What follows the metadata in the JSON of a ConfigMap. Parsed, a source of many small keys takes ten times the memory. */
export function contentJson({ data, binaryData, immutable }: Content): Buffer {
  const some = (values: object) => (Object.keys(values).length > 0 ? values : undefined);
  const parts = { data: some(data), binaryData: some(binaryData), immutable: immutable || undefined };
  const json = JSON.stringify(parts).slice(1);
  return Buffer.from(json === '}' ? json : `,${json}`);
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

import { isDeepStrictEqual } from 'node:util';
import {
  CONTENT_HASH_ANNOTATION,
  MANAGED_BY_LABEL,
  MANAGED_BY,
  OWNER_NAME_ANNOTATION,
  OWNER_NAMESPACE_ANNOTATION,
  OWNER_UID_LABEL,
  SERVICE_ACCOUNT_ANNOTATION,
  SOURCE_ANNOTATION,
  SOURCE_RESOURCE_VERSION_ANNOTATION,
} from '../api/v1alpha1/well-known.js';
import {
  contentHash,
  contentJson,
  contentOf,
  parseContent,
  type Content,
  type ConfigMap,
  type ConfigMapMetadata,
  type CopyBody,
  type StoredConfigMap,
} from './config-map.js';
import type { Owner } from './ownership.js';

/** Records which labels and annotations `spec.target` put on a copy, so that they can be removed again. */
const TARGET_METADATA_ANNOTATION = 'configmapsync.io/target-metadata';

export interface CopyTemplateOptions {
  owner: Owner;
  /** `namespace/name` of the source. */
  source: string;
  sourceResourceVersion: string;
  /** The copy's name, the same in every target namespace. */
  name: string;
  content: Content;
  /** The ServiceAccount's name: its namespace is the owner's. */
  serviceAccount: string;
  /** `spec.target.labels` and `.annotations`. */
  labels?: Record<string, string> | undefined;
  annotations?: Record<string, string> | undefined;
}

/** What every copy of one ConfigMapSync looks like, whatever its namespace. */
export class CopyTemplate {
  readonly name: string;
  /** The content as JSON: nothing holds it parsed. */
  readonly content: Buffer;
  readonly contentHash: string;
  /** Equal for two templates whose copies need no write to get from one to the other. */
  readonly fingerprint: string;
  /** Labels and annotations of ours, and those that the spec gives. */
  readonly #marks: { labels: Record<string, string>; annotations: Record<string, string> };

  constructor(options: CopyTemplateOptions) {
    const { owner, content, labels = {}, annotations = {} } = options;
    this.name = options.name;
    this.content = contentJson(content);
    this.contentHash = contentHash(content);
    this.#marks = {
      labels: { ...labels, [MANAGED_BY_LABEL]: MANAGED_BY, [OWNER_UID_LABEL]: owner.uid },
      annotations: {
        ...annotations,
        [OWNER_NAME_ANNOTATION]: owner.name,
        [OWNER_NAMESPACE_ANNOTATION]: owner.namespace,
        [SOURCE_ANNOTATION]: options.source,
        [SOURCE_RESOURCE_VERSION_ANNOTATION]: options.sourceResourceVersion,
        [CONTENT_HASH_ANNOTATION]: this.contentHash,
        [SERVICE_ACCOUNT_ANNOTATION]: options.serviceAccount,
        ...targetMetadata(labels, annotations),
      },
    };
    const annotated = compared(this.#marks.annotations);
    this.fingerprint = JSON.stringify([this.name, this.contentHash, this.#marks.labels, annotated]);
  }

  create(namespace: string): CopyBody {
    return { metadata: { name: this.name, namespace, ...this.#marks }, content: this.content };
  }

  /** `existing` brought in step: labels, annotations, finalizers and owner references of others survive. */
  apply(existing: ConfigMapMetadata): CopyBody {
    const previous = readTargetMetadata(existing);
    const metadata = {
      ...existing,
      labels: { ...omit(existing.labels, previous.labels), ...this.#marks.labels },
      annotations: {
        ...omit(existing.annotations, [...previous.annotations, TARGET_METADATA_ANNOTATION]),
        ...this.#marks.annotations,
      },
    };
    return { metadata, content: this.content };
  }

  /** True where `existing` needs no write. */
  matches(existing: ConfigMap): boolean {
    const { metadata } = existing;
    const { labels = {}, annotations } = this.apply(metadata).metadata;
    const isMarked = isDeepStrictEqual(
      [metadata.labels ?? {}, compared(metadata.annotations)],
      [labels, compared(annotations)],
    );
    // Last, for it takes long where there are many keys. What the annotation says of the content may be forged.
    return isMarked && this.#hasContent(existing);
  }

  /** An immutable ConfigMap takes no new content and never becomes mutable again: it has to be replaced. */
  needsReplacement(existing: ConfigMap): boolean {
    return existing.immutable === true && !this.#hasContent(existing);
  }

  /** What was stored otherwise than this asks for: by name and never by value. Empty where nothing was. */
  missingIn({ metadata, content }: StoredConfigMap): string[] {
    const { labels, annotations } = this.#marks;
    const names = (kind: string, wanted: object, stored: object = {}): string[] =>
      differingKeys(wanted, stored).map((name) => `${kind} "${name}"`);
    const missing = [
      ...names('label', labels, pick(metadata.labels, labels)),
      ...names('annotation', annotations, pick(metadata.annotations, annotations)),
    ];
    if (content === undefined) return missing;
    const { data, binaryData, immutable } = parseContent(this.content);
    return [
      ...missing,
      ...names('data key', data, content.data),
      ...names('binaryData key', binaryData, content.binaryData),
      ...(immutable === content.immutable ? [] : ['immutable']),
    ];
  }

  #hasContent(existing: ConfigMap): boolean {
    return contentHash(contentOf(existing)) === this.contentHash;
  }
}

/** The source's resourceVersion alone is no reason for a write: it moves with every label that is put on the source. */
function compared(annotations: Record<string, string> | undefined): Record<string, string> {
  return omit(annotations, [SOURCE_RESOURCE_VERSION_ANNOTATION]);
}

function targetMetadata(
  labels: Record<string, string>,
  annotations: Record<string, string>,
): Record<string, string> {
  const keys = { labels: Object.keys(labels).sort(), annotations: Object.keys(annotations).sort() };
  if (keys.labels.length === 0 && keys.annotations.length === 0) return {};
  return { [TARGET_METADATA_ANNOTATION]: JSON.stringify(keys) };
}

/** Anybody who may write the copy may write this annotation too: what does not parse counts as nothing. */
function readTargetMetadata(metadata: ConfigMapMetadata): { labels: string[]; annotations: string[] } {
  try {
    const parsed: unknown = JSON.parse(metadata.annotations?.[TARGET_METADATA_ANNOTATION] ?? '{}');
    const { labels, annotations } = (parsed ?? {}) as { labels?: unknown; annotations?: unknown };
    return { labels: strings(labels), annotations: strings(annotations) };
  } catch {
    return { labels: [], annotations: [] };
  }
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

const OUR_ANNOTATIONS = [
  OWNER_NAME_ANNOTATION,
  OWNER_NAMESPACE_ANNOTATION,
  SOURCE_ANNOTATION,
  SOURCE_RESOURCE_VERSION_ANNOTATION,
  CONTENT_HASH_ANNOTATION,
  SERVICE_ACCOUNT_ANNOTATION,
  TARGET_METADATA_ANNOTATION,
];

/** `metadata` as an orphan: what `spec.target` added stays, our marks go. */
export function withoutMarks<T extends ConfigMapMetadata>(metadata: T): T {
  const ours = metadata.labels?.[MANAGED_BY_LABEL] === MANAGED_BY ? [MANAGED_BY_LABEL] : [];
  return {
    ...metadata,
    labels: omit(metadata.labels, [OWNER_UID_LABEL, ...ours]),
    annotations: omit(metadata.annotations, OUR_ANNOTATIONS),
  };
}

/** Those of `values` whose keys `wanted` has. */
function pick(values: Record<string, string> = {}, wanted: object): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => Object.hasOwn(wanted, key)));
}

function differingKeys(a: object, b: object): string[] {
  const [left, right] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  const keys = new Set([...left.keys(), ...right.keys()]);
  return [...keys].filter((key) => left.get(key) !== right.get(key)).sort();
}

function omit(values: Record<string, string> | undefined, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(values ?? {}).filter(([key]) => !keys.includes(key)));
}

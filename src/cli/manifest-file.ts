import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { LineCounter, parseAllDocuments, type CollectionTag, type ScalarTag, type Tags } from 'yaml';
import type { ConfigMapSync } from '../api/v1alpha1/config-map-sync.js';
import { KIND } from '../api/v1alpha1/well-known.js';
import { parseConfigMapSync } from '../api/v1alpha1/parse-config-map-sync.js';
import type { Caller } from './caller.js';
import { UsageError } from './command.js';
import { remark } from './terminal.js';

export interface ManifestOptions {
  /** A path, or `-` for `stdin`. */
  file: string;
  /** Default: standard input. */
  stdin?: NodeJS.ReadableStream;
  /** Of `-n`: no ConfigMapSync may name another one. */
  namespace: string | undefined;
  /** Its namespace is for those that name none. */
  caller: Pick<Caller, 'namespace'>;
  stderr: NodeJS.WritableStream;
}

/**
 * Reads YAML or JSON: one ConfigMapSync, several documents, or a List. Other kinds are left out, with a remark that names
 * them, so that a file which sets up a whole tenant can be given as it is.
 * @throws InvalidConfigMapSyncError which names each field that is wrong; Error where the file cannot be read, or holds no ConfigMapSync.
 */
export async function readSyncs(options: ManifestOptions): Promise<ConfigMapSync[]> {
  const where = options.file === '-' ? 'standard input' : options.file;
  const objects = parseObjects(await contentOf(options), where);
  const syncs: ConfigMapSync[] = [];
  const others: string[] = [];
  for (const object of objects) {
    const { kind, metadata } = (object ?? {}) as { kind?: unknown; metadata?: { name?: unknown } | null };
    const name = typeof metadata?.name === 'string' ? metadata.name : '';
    // What does not say its kind is meant to be one, and told what it lacks.
    if (kind === KIND || typeof kind !== 'string') syncs.push(parse(object, options));
    else others.push(`${kind} ${name}`.trim());
  }
  if (syncs.length === 0) throw new Error(`${where} holds no ${KIND}`);
  if (others.length > 0) remark(options.stderr, `left out, being no ConfigMapSync: ${others.join(', ')}`);
  return syncs;
}

async function contentOf({ file, stdin = process.stdin }: ManifestOptions): Promise<string> {
  if (file === '-') return text(stdin);
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new Error(`${file} cannot be read: ${code}`, { cause: error });
  }
}

function parseObjects(content: string, where: string): unknown[] {
  const lines = new LineCounter();
  const options = { ...KUBECTL_YAML, lineCounter: lines, prettyErrors: false, logLevel: 'error' } as const;
  return [parseAllDocuments(content, options)].flat().flatMap((document) => {
    const [fault] = 'errors' in document ? document.errors : [];
    if (fault !== undefined) {
      const { line } = lines.linePos(fault.pos[0]);
      throw new Error(`${where} is no valid YAML: ${fault.message} (line ${line})`);
    }
    const object = toJS(document, where);
    if (object === null || object === undefined) return [];
    return isList(object) ? object.items : [object];
  });
}

/** An alias may be of nothing, or of far too much. */
function toJS(document: { toJS(): unknown }, where: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new Error(`${where} is no valid YAML: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * kubectl reads YAML 1.1, where `yes` and `off` are booleans, but without its times: a file must mean the same to both.
 */
const KUBECTL_YAML = {
  version: '1.1',
  customTags: (tags: Tags): Tags => tags.filter((tag) => typeof tag === 'string' || !isTime(tag)),
} as const;

function isTime(tag: CollectionTag | ScalarTag): boolean {
  return tag.tag === 'tag:yaml.org,2002:timestamp' || ('format' in tag && tag.format === 'TIME');
}

function isList(value: unknown): value is { items: unknown[] } {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, items } = value as { kind?: unknown; items?: unknown };
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items);
}

function parse(object: unknown, { namespace, caller }: ManifestOptions): ConfigMapSync {
  const sync = parseConfigMapSync(object);
  // A status in a file says nothing of what is: the API server ignores it too.
  delete sync.status;
  const { metadata } = sync;
  if (namespace !== undefined && metadata.namespace !== undefined && metadata.namespace !== namespace) {
    throw new UsageError(
      `-n ${namespace} contradicts the file: ConfigMapSync "${metadata.name}" is in namespace "${metadata.namespace}"`,
    );
  }
  sync.metadata = { ...metadata, namespace: metadata.namespace ?? namespace ?? caller.namespace };
  return sync;
}

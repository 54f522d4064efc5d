import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { ConfigMapSync } from './config-map-sync.js';
import { dnsLabel, dnsSubdomain } from './kubernetes-syntax.js';
import type { ObjectMeta } from '../kubernetes.js';
import { complete, join } from '../schema/complete.js';
import { RULE, SHAPE } from '../schema/field.js';
import { isRecord } from '../schema/schema.js';
import { at, problemOf } from '../schema/problem.js';

/** The object is no ConfigMapSync that the API server would take. No retry mends it: somebody has to edit it. */
export class InvalidConfigMapSyncError extends Error {
  override readonly name = 'InvalidConfigMapSyncError';
  /** One `FIELD: what is wrong and how to mend it` each; never empty. */
  readonly problems: readonly string[];

  constructor(subject: string, problems: readonly string[]) {
    super(`${subject} is not valid: ${problems.join('; ')}`);
    this.problems = problems;
  }
}

/**
 * Makes a ConfigMapSync of what a file holds: defaults filled in, every constraint of the CustomResourceDefinition checked,
 * unknown fields refused as by kubectl. What a file cannot know (uid, resourceVersion) is ''.
 * `raw` is not changed; lists of strings are shared with it.
 * @throws InvalidConfigMapSyncError which names each field that is wrong
 */
export function parseConfigMapSync(raw: unknown): ConfigMapSync {
  if (!isRecord(raw)) {
    const problem = 'must be one object with apiVersion, kind, metadata and spec';
    throw new InvalidConfigMapSyncError('ConfigMapSync', [problem]);
  }
  const problems: string[] = [];
  const completed = complete(ConfigMapSync, raw, '', (path) =>
    problems.push(`${path}: there is no such field; take it out, or mend its spelling or indentation`),
  );
  const sync = plainToInstance(ConfigMapSync, completed);
  const errors = validateSync(sync, { validationError: { target: false, value: false } });
  problems.push(...problemsOf(errors, ''), ...metadataProblems(sync.metadata));
  if (problems.length > 0) throw new InvalidConfigMapSyncError(subjectOf(raw), problems);
  const { uid = '', resourceVersion = '' } = sync.metadata as Partial<ObjectMeta>;
  sync.metadata = { ...sync.metadata, uid, resourceVersion };
  return sync;
}

/** The two that we address requests with; the API server sees to the rest. */
function metadataProblems(metadata: unknown): string[] {
  if (!isRecord(metadata)) return [];
  const { name, namespace } = metadata;
  return [
    at('metadata.name', problemOf(dnsSubdomain, name ?? undefined)),
    // A file need not say it: the command line may.
    at('metadata.namespace', namespace === undefined ? undefined : problemOf(dnsLabel, namespace)),
  ].filter((problem) => problem !== undefined);
}

/** How the object calls itself, as far as it can be told. */
function subjectOf(raw: Readonly<Record<string, unknown>>): string {
  const { namespace, name } = isRecord(raw.metadata) ? raw.metadata : {};
  const parts = [namespace, name].filter((part) => typeof part === 'string');
  return `ConfigMapSync ${parts.join('/')}`.trimEnd();
}

/** A field of the wrong shape hides what lies below it, and what lies below hides the rules between the fields. */
function problemsOf(errors: readonly ValidationError[], path: string): string[] {
  return errors.flatMap((error) => {
    const { property } = error;
    const here = /^\d+$/.test(property) ? `${path}[${property}]` : join(path, property);
    const shape = error.constraints?.[SHAPE];
    if (shape !== undefined) return [`${here}${shape}`];
    const below = problemsOf(error.children ?? [], here);
    const rule = error.constraints?.[RULE];
    return below.length > 0 || rule === undefined ? below : [`${here}${rule}`];
  });
}
